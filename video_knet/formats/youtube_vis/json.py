"""The json files of YouTube-VIS: read with their faults named, and written entry by entry."""

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from ..base import FormatError
from ..coding.rle import counts_text, decode_mask, decode_runs
from ..coding.tracks import PredictedTrack, TrackTruth, TrueTrack, VideoEntry
from ..disk.files import whole_file
from .faults import category_faults, check, score_fault, video_faults, video_name

RESULTS = "results.json"


def load(path: Path) -> dict:
    """A truth file as it is.

    Raises:
        FormatError: It cannot be read, or is no json object.
    """
    data = _parse(path, _read_bytes(path))
    if not isinstance(data, dict):
        raise FormatError(f"{path}: is a {type(data).__name__}, not an object with videos. Name the truth file.")
    return data


def load_results(path: Path) -> list:
    """Predictions as they are, from a json or a zip.

    Raises:
        FormatError: It cannot be read, or is no list.
    """
    content = _read_bytes(path)
    if path.suffix == ".zip" or content[:2] == b"PK":
        content = _unzip(path)
    data = _parse(path, content)
    if not isinstance(data, list):
        raise FormatError(f"{path}: is a {type(data).__name__}, not a list of predictions. Write one list of entries.")
    return data


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Name an existing file.") from None


def _unzip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]
            found = [n for n in names if PurePosixPath(n).name == RESULTS and n.count("/") <= 1]
            if len(found) != 1:
                raise FormatError(
                    f"{path}: holds {len(found)} files {RESULTS} among {names[:5]}, where one is asked for. "
                    f"Zip one {RESULTS}, at the root or in one folder."
                )
            return archive.read(found[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise FormatError(f"{path}: is no whole zip ({error}); truncated? Zip or copy it again.") from None


def _parse(path: Path, content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: is no valid json ({error}); truncated? Write or copy it again.") from None


def read_videos(path: Path, data: dict) -> TrackTruth:
    """Videos and categories of a truth file.

    Raises:
        FormatError: All faults of these lists.
    """
    for key in ("videos", "categories"):
        if not isinstance(data.get(key), list):
            raise FormatError(f"{path}: has no list {key!r}, only {sorted(data)[:5]}. Name the truth file of a split.")
    check(video_faults(path, data["videos"]))
    check(category_faults(path, data["categories"]))
    videos = {}
    for v in data["videos"]:
        sizes = (v[key] for key in ("width", "height", "length"))
        videos[v["id"]] = VideoEntry(v["id"], video_name(v), *sizes, tuple(v["file_names"]))
    return TrackTruth(videos, {c["id"]: c["name"] for c in data["categories"]})


def true_track_of(entry: dict) -> TrueTrack:
    """A sound entry of the annotations; areas that it lacks are counted."""
    masks = tuple(m and {"size": m["size"], "counts": counts_text(m, m["size"])} for m in entry["segmentations"])
    areas = entry.get("areas")
    if areas is None:
        areas = [m and int(decode_runs([m], m["size"]).areas()[0]) for m in masks]
    ids = (entry[key] for key in ("id", "video_id", "category_id"))
    return TrueTrack(*ids, bool(entry.get("iscrowd", 0)), masks, tuple(areas))


def annotation(number: int, track: TrueTrack, truth: TrackTruth) -> dict:
    """Entry of a true track."""
    video = truth.videos[track.video_id]
    counts, boxes = [], []
    for rle in track.segmentations:
        runs = decode_runs([rle], (video.height, video.width))
        ends = np.append(runs.edges.T.ravel(), runs.pixels)
        lengths = np.diff(ends, prepend=0)
        if rle is not None:
            while len(lengths) > 1 and lengths[-1] == 0:
                lengths = lengths[:-1]
        counts.append(rle and {"size": [video.height, video.width], "counts": lengths.tolist()})
        boxes.append(rle and _box(decode_mask(rle)))
    return {
        "id": number,
        "video_id": video.id,
        "category_id": track.category_id,
        "iscrowd": int(track.crowd),
        "height": video.height,
        "width": video.width,
        "length": video.length,
        "segmentations": counts,
        "bboxes": boxes,
        "areas": list(track.areas),
    }


def _box(mask: np.ndarray) -> list[float]:
    """[left, top, width, height] of a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return [0.0, 0.0, 0.0, 0.0]
    return [float(v) for v in (columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1)]


def prediction(path: Path, number: int, track: PredictedTrack) -> dict:
    """Entry of a predicted track.

    Raises:
        FormatError: Its score is outside [0, 1].
    """
    if fault := score_fault(f"{path}: entry {number}", track.score):
        raise FormatError(fault)
    return {**vars(track), "segmentations": list(track.segmentations)}


def write_list(file: IO[bytes], entries: Iterable[dict]) -> None:
    """A json list with an entry to each line, without holding all of it."""
    separator = b"["
    for entry in entries:
        file.write(separator + b"\n" + json.dumps(entry, allow_nan=False).encode())
        separator = b","
    file.write(b"[]" if separator == b"[" else b"\n]")


def write_lists(path: Path, lists: Mapping[str, Iterable[dict]]) -> None:
    """A json object of lists, whole or not at all."""
    with whole_file(path) as file:
        for place, (key, entries) in enumerate(lists.items()):
            file.write(f'{"," if place else "{"}"{key}":'.encode())
            write_list(file, entries)
        file.write(b"}\n")
