"""Scalabel's json files, as BDD100K has them: where they lie, and the frames of a video."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..formats.base import FormatError, collect_faults
from ..formats.disk.folders import subfolders
from .sources import need_folder

_IMAGES = ("images/seg_track_20", "images")
_LABELS = ("labels/seg_track_20/rles", "labels")


@dataclass(frozen=True)
class ScalabelFrame:
    """A frame: its image, and its labels, each with its place for messages."""

    image: Path
    labels: list[tuple[str, dict[str, Any]]]


def find_splits(
    src: Path, images: Path | None, labels: Path | None, split: str
) -> Mapping[str, list[tuple[Path, Path]]]:
    """Json and image folder of each video, by split.

    Labels lie in LABELS/VIDEO.json, or in LABELS/SPLIT/VIDEO.json; images in IMAGES/VIDEO or IMAGES/SPLIT/VIDEO.

    Args:
        src: Where to look for folders that are not given.
        images, labels: Those folders.
        split: Name of the split where labels lie in no folders of splits.

    Raises:
        FormatError: There are none, or a video has no images.
    """
    labels = need_folder(labels, [src / name for name in _LABELS], "labels")
    images = need_folder(images, [src / name for name in _IMAGES], "images")
    places = {split: labels}
    if not any(labels.glob("*.json")):
        places = {folder.name: folder for folder in subfolders(labels) if any(folder.glob("*.json"))}
    if not places:
        raise FormatError(f"{labels}: holds neither VIDEO.json nor SPLIT/VIDEO.json. Name the folder by --labels.")
    found: dict[str, list[tuple[Path, Path]]] = {}
    faults: list[str] = []
    for word, folder in places.items():
        found[word] = []
        for path in sorted(path for path in folder.glob("*.json") if not path.name.startswith(".")):
            place = next((p for p in (images / word / path.stem, images / path.stem) if p.is_dir()), None)
            if place is None:
                faults.append(f"{path}: there is no folder {images / path.stem} with its images. Put it there.")
            else:
                found[word].append((path, place))
    if faults:
        raise FormatError(*faults)
    return found


def read_frames(path: Path, images: Path) -> list[ScalabelFrame]:
    """Frames of a video in the order of their index.

    Raises:
        FormatError: The file is no such json, or images are missing; all faults.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: cannot be read as json ({error}). Copy or download the file again.") from error
    entries = content.get("frames") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries:
        raise FormatError(f"{path}: is no list of frames. Give the labels of one video as Scalabel writes them.")
    faults: list[str] = []
    frames: list[tuple[int, ScalabelFrame]] = []
    for number, entry in enumerate(entries):
        with collect_faults(faults):
            frames.append(_frame(f"{path}: frame {number}", entry, images, number))
    names = [frame.image.name for _, frame in frames]
    indices = [index for index, _ in frames]
    for what, values in (("name", names), ("frameIndex", indices)):
        if double := sorted({value for value in values if values.count(value) > 1}):
            faults.append(f"{path}: {what} {double[0]!r} is there twice. Keep one of the frames.")
    if faults:
        raise FormatError(*faults)
    return [frame for _, frame in sorted(frames, key=lambda pair: pair[0])]


def _frame(where: str, entry: Any, images: Path, number: int) -> tuple[int, ScalabelFrame]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise FormatError(f"{where}: is no object with a name. Write {{name, frameIndex, labels}}.")
    index = entry.get("frameIndex", number)
    if type(index) is not int:
        raise FormatError(f"{where}: frameIndex is {index!r}, not a whole number. Number the frames.")
    image = images / Path(entry["name"]).name
    if not image.is_file():
        raise FormatError(f"{where} ({entry['name']}): there is no image {image}. Put it there.")
    labels = entry.get("labels") or []
    if not isinstance(labels, list):
        raise FormatError(f"{where}: labels are a {type(labels).__name__}, not a list. Write a label for each object.")
    listed = []
    for place, label in enumerate(labels):
        spot = f"{where} ({entry['name']}), label {place}"
        if not isinstance(label, dict) or not {"id", "category"} <= set(label):
            raise FormatError(f"{spot}: is no object with id and category. Write {{id, category, rle}}.")
        listed.append((spot, label))
    return index, ScalabelFrame(image, listed)
