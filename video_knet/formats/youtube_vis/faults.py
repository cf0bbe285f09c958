"""Faults of the json files of YouTube-VIS: each is a line that names place, value, bound and remedy."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from ..base import FormatError
from ..coding.rle import MaskError, decode_runs
from ..coding.tracks import TrackTruth

_TRUTH_KEYS = ("id", "video_id", "category_id", "segmentations")
_PREDICTION_KEYS = ("video_id", "category_id", "score", "segmentations")


def check(faults: Iterator[str]) -> None:
    """Raise the faults, if there are any, as one error; its text lists the first."""
    if listed := list(faults):
        raise FormatError(*listed)


def video_name(entry: dict) -> str:
    """Folder of the first image; the id where images lie in no folder."""
    folder = str(PurePosixPath(entry["file_names"][0]).parent)
    return str(entry["id"]) if folder == "." else folder


def _missing(where: str, entry: object, keys: Sequence[str]) -> str | None:
    if not isinstance(entry, dict):
        return f"{where}: is {str(entry)[:40]!r}, not an object. Write {{{', '.join(keys)}}}."
    lacking = [key for key in keys if key not in entry]
    return f"{where}: has no {', '.join(lacking)}. Write all of {', '.join(keys)}." if lacking else None


def _number_faults(where: str, key: str, value: object, seen: set, first: int = 0) -> Iterator[str]:
    if type(value) is not int or value < first:
        yield f"{where}: {key} is {value!r}, not a whole number from {first}. Number from 1."
    elif value in seen:
        yield f"{where}: {key} {value} is there twice. Number from 1, each number once in the whole file."
    else:
        seen.add(value)


def video_faults(path: Path, entries: list) -> Iterator[str]:
    """Faults of the list of videos."""
    ids: set = set()
    names: set = set()
    for number, entry in enumerate(entries):
        where = f"{path}: video entry {number}"
        if fault := _missing(where, entry, ("id", "width", "height", "length", "file_names")):
            yield fault
            continue
        yield from _number_faults(where, "id", entry["id"], ids)
        for key in ("width", "height", "length"):
            if type(entry[key]) is not int or entry[key] < 1:
                yield f"{where}: {key} is {entry[key]!r}, not a whole number from 1. Restore the original file."
        files = entry["file_names"]
        if not isinstance(files, list) or len(files) != entry["length"] or not all(isinstance(f, str) for f in files):
            yield f"{where}: length is {entry['length']!r}, but file_names are not that many names. Name each frame."
        elif len(set(files)) < len(files):
            yield f"{where}: file_names name a frame twice. Name each frame once."
        elif files and (name := video_name(entry)) in names:
            yield f"{where}: folder {name!r} belongs to another video, too. Give each video a folder of its own."
        elif files:
            names.add(name)


def category_faults(path: Path, entries: list) -> Iterator[str]:
    """Faults of the list of categories."""
    ids: set = set()
    names: set = set()
    for number, entry in enumerate(entries):
        where = f"{path}: category entry {number}"
        if fault := _missing(where, entry, ("id", "name")):
            yield fault
            continue
        yield from _number_faults(where, "id", entry["id"], ids)
        if not isinstance(entry["name"], str) or entry["name"] in names:
            yield f"{where}: name {entry['name']!r} is no text, or is there twice. Give each category its own name."
        else:
            names.add(entry["name"])


def annotation_faults(path: Path, entries: object, truth: TrackTruth) -> Iterator[tuple[int | None, str]]:
    """Faults of the true tracks, and the number of the entry that each is in.

    Annotations are numbered from 1, since the official evaluation never matches number 0, and loses those whose number
    is there twice. It takes what lacks `iscrowd` for no crowd.
    """
    if not isinstance(entries, list):
        yield None, f"{path}: annotations are a {type(entries).__name__}, not a list. Restore the original file."
        return
    ids: set = set()
    for number, entry in enumerate(tqdm(entries, desc="annotations", unit="", delay=5, leave=False)):
        for fault in _annotation_faults(f"{path}: annotation entry {number}", entry, truth, ids):
            yield number, fault


def _annotation_faults(where: str, entry: object, truth: TrackTruth, ids: set) -> Iterator[str]:
    if fault := _missing(where, entry, _TRUTH_KEYS):
        yield fault
        return
    yield from _number_faults(where, "id", entry["id"], ids, first=1)
    yield from _track_faults(where, entry, truth)
    if entry.get("iscrowd", 0) not in (0, 1):
        yield f"{where}: iscrowd is {entry['iscrowd']!r}, not 0 or 1. Write 1 for a crowd."
    areas, masks = entry.get("areas"), entry["segmentations"]
    if areas is None:
        return
    if not isinstance(areas, list) or (isinstance(masks, list) and len(areas) != len(masks)):
        yield f"{where}: areas are not one for each segmentation. Write an area or null for each frame."
    elif wrong := [a for a in areas if a is not None and not (_is_finite(a) and a >= 0)]:
        yield f"{where}: area {wrong[0]!r} is no number from 0. Count the pixels of the mask."


def prediction_faults(path: Path, entries: list, truth: TrackTruth) -> Iterator[str]:
    """Faults of the predicted tracks."""
    for number, entry in enumerate(entries):
        where = f"{path}: entry {number}"
        if fault := _missing(where, entry, _PREDICTION_KEYS):
            yield fault
        if isinstance(entry, dict):
            if "score" in entry and (fault := score_fault(where, entry["score"])):
                yield fault
            yield from _track_faults(where, entry, truth)


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def score_fault(where: str, score: object) -> str | None:
    """What is wrong with a score, if anything."""
    if _is_finite(score) and 0 <= score <= 1:
        return None
    return f"{where}: score is {score!r}, not a number in [0, 1]. Write the probability of the category."


def _track_faults(where: str, entry: dict, truth: TrackTruth) -> Iterator[str]:
    """Faults that true and predicted tracks share; of the keys that are there."""
    video = _find(truth.videos, entry.get("video_id"))
    for key, known in (("video_id", truth.videos), ("category_id", truth.categories)):
        if key in entry and _find(known, entry[key]) is None:
            bound = (
                f"the {len(known)} ids of the truth ({min(known)}..{max(known)})" if known else "the truth: it has none"
            )
            yield f"{where}: {key} {entry[key]!r} is not among {bound}. Use the ids of the truth file."
    masks = entry.get("segmentations", [])
    if not isinstance(masks, list):
        yield f"{where}: segmentations are a {type(masks).__name__}, not a list. Write a mask or null for each frame."
    elif video is not None and "segmentations" in entry:
        if len(masks) != video.length:
            yield (
                f"{where}: has {len(masks)} segmentations, but video {video.id} has {video.length} frames. "
                "Write a mask or null for each frame."
            )
        yield from _mask_faults(where, masks, [video.height, video.width])


def _find(known: Mapping, key: object) -> object:
    return known.get(key) if type(key) is int else None


def _mask_faults(where: str, masks: list, size: list[int]) -> Iterator[str]:
    sound = []
    for frame, rle in enumerate(masks):
        if rle is None:
            continue
        if not isinstance(rle, dict) or "counts" not in rle or "size" not in rle:
            yield f"{where}, frame {frame}: {str(rle)[:40]!r} is no mask. Write {{size: [H, W], counts}} or null."
        elif rle["size"] != size:
            yield (
                f"{where}, frame {frame}: mask has size {rle['size']} (H, W), its video {size}. "
                "Write masks at the size of the original images."
            )
        else:
            sound.append((frame, rle))
    try:
        decode_runs([rle for _, rle in sound], size)
    except MaskError:
        for frame, rle in sound:
            try:
                decode_runs([rle], size)
            except MaskError as error:
                yield f"{where}, frame {frame}: cannot be decoded, {error.reason}. Encode the mask with pycocotools."
