"""MOTS labels (Voigtlaender et al., CVPR 2019): where they lie, and the objects of a frame.

    text   frame object_id class_id height width rle     one object of one frame on a line
    PNG    16 bit, object_id of each pixel, 0 for none

object_id is class_id * 1000 + number. Class 10 is a region to be ignored.

Legend: H W size.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..formats.base import VOID, FormatError, SegmentMap, collect_faults
from ..formats.coding.rle import decode_mask
from ..formats.disk.folders import IMAGES, subfolders
from ..formats.disk.png import read_png
from .sources import frames_of, need_folder, numbered

IGNORE = 10
PER_CLASS = 1000  # object ids of a class
_IMAGES = ("training/image_02", "image_02", "images", "frames")
_LABELS = ("instances_txt", "instances", "training/instances_txt", "training/instances", "labels")


@dataclass(frozen=True)
class MotsSequence:
    """Files of a sequence.

    Attributes:
        images: File of each frame number.
        text: File of all its objects, or None.
        maps: PNG of each frame number; none where there is a text.
    """

    name: str
    images: Mapping[int, Path]
    text: Path | None = None
    maps: Mapping[int, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class MotsObject:
    """An object of a frame; `where` is its file and line."""

    where: str
    object_id: int
    size: tuple[int, int]
    counts: str


def find_sequences(src: Path, images: Path | None = None, labels: Path | None = None) -> list[MotsSequence]:
    """Sequences by name, in the layout of KITTI-MOTS or of MOTSChallenge (VIDEO/img1, VIDEO/gt/gt.txt).

    Args:
        src: Where to look for folders that are not given.
        images: Folder of VIDEO/FRAME.jpg or .png.
        labels: Folder of VIDEO.txt or VIDEO/FRAME.png.

    Raises:
        FormatError: There are none, or images are missing.
    """
    if images is None and labels is None:
        for root in (src, src / "train"):
            if texts := sorted(root.glob("*/gt/gt.txt")):
                return [_sequence(t.parents[1].name, t.parents[1] / "img1", t) for t in texts]
    labels = need_folder(labels, [src / name for name in _LABELS], "labels")
    images = need_folder(images, [src / name for name in _IMAGES], "images")
    if texts := sorted(path for path in labels.glob("*.txt") if not path.name.startswith(".")):
        return [_sequence(text.stem, images / text.stem, text) for text in texts]
    folders = subfolders(labels)
    if not folders:
        raise FormatError(f"{labels}: holds neither VIDEO.txt nor VIDEO/FRAME.png. Name the folder by --labels.")
    return [_sequence(folder.name, images / folder.name, None, folder) for folder in folders]


def _sequence(name: str, images: Path, text: Path | None, maps: Path | None = None) -> MotsSequence:
    if not images.is_dir():
        raise FormatError(f"{images}: no such folder, but {text or maps} has its labels. Put the images there.")
    found = numbered(frames_of(images, IMAGES, name)[name])
    if maps is None:
        return MotsSequence(name, found, text)
    own = numbered(frames_of(maps, (".png",), name)[name])
    if strange := sorted(own.keys() - found.keys()):
        raise FormatError(f"{own[strange[0]]}: has no image in {images}. Put it there, or remove the label.")
    return MotsSequence(name, found, None, own)


def read_text(path: Path) -> dict[int, list[MotsObject]]:
    """Objects of each frame number.

    Raises:
        FormatError: The file cannot be read, or lines are faulty; all of them.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read as text ({error}). Copy or download the file again.") from error
    found: dict[int, list[MotsObject]] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            with collect_faults(faults):
                frame, item = _parse(f"{path}, line {number}", line.split())
                found.setdefault(frame, []).append(item)
    if faults:
        raise FormatError(*faults)
    return found


def _parse(where: str, words: list[str]) -> tuple[int, MotsObject]:
    try:
        frame, object_id, category, height, width = map(int, words[:5])
        (counts,) = words[5:]
    except ValueError:
        raise FormatError(
            f"{where}: is {' '.join(words)[:60]!r}, not frame, object id, class id, height, width and a run-length "
            "code. Write the six with spaces between them."
        ) from None
    if min(frame, object_id, category) < 0 or min(height, width) < 1:
        raise FormatError(f"{where}: a number is below 0, or the size {height} {width} below 1. Correct the line.")
    if object_id // PER_CLASS != category:
        raise FormatError(
            f"{where}: object id {object_id} is not of class {category} (class id * {PER_CLASS} + number). Correct it."
        )
    return frame, MotsObject(where, object_id, (height, width), counts)


def map_of_objects(objects: list[MotsObject], size: tuple[int, int], ids: Mapping[int, int]) -> SegmentMap:
    """Labels of a frame: background is class 0, regions to be ignored are void.

    Args:
        objects: From a text.
        size: (H, W) of the image.
        ids: Dataset id of each class id of MOTS.

    Raises:
        FormatError: A mask has another size, cannot be decoded or overlaps another one, or its class is unknown.
    """
    canvas = np.zeros(size, np.int32)
    for item in objects:
        if item.size != tuple(size):
            raise FormatError(f"{item.where}: size is {item.size} (H, W), its image {tuple(size)}. Correct the line.")
        try:
            mask = decode_mask({"size": list(size), "counts": item.counts})
        except FormatError as error:
            raise FormatError(f"{item.where}: {error}. Encode the mask with pycocotools.") from None
        if (canvas[mask] > 0).any():
            raise FormatError(f"{item.where}: overlaps object {canvas[mask].max()}. Each pixel has one object in MOTS.")
        canvas[mask] = item.object_id
        if item.object_id == 0:
            raise FormatError(f"{item.where}: object id is 0, which is background. Correct the line.")
    return map_of_ids(canvas, ids, lambda value: next(o.where for o in objects if o.object_id == value))


def read_map(path: Path, ids: Mapping[int, int]) -> SegmentMap:
    """Labels of a frame from its PNG; see `map_of_objects`."""
    return map_of_ids(read_png(path, "I;16").astype(np.int32), ids, lambda value: str(path))


def map_of_ids(canvas: np.ndarray, ids: Mapping[int, int], where: Callable[[int], str]) -> SegmentMap:
    """Labels from object ids, (H, W) int32; `where` names the origin of one."""
    semantic, track = np.zeros(canvas.shape, np.uint8), np.zeros(canvas.shape, np.int32)
    for value in _present(canvas):
        category, number = divmod(value, PER_CLASS)
        mask = canvas == value
        if category == IGNORE:
            semantic[mask] = VOID
        elif category in ids:
            semantic[mask], track[mask] = ids[category], number + 1  # numbers may begin at 0
        else:
            raise FormatError(
                f"{where(value)}: object {value} is of class {category}, but the classes are "
                f"{', '.join(map(str, ids))}, and {IGNORE} to be ignored. Name its class by --classes."
            )
    return SegmentMap(semantic, track)


def _present(canvas: np.ndarray) -> Iterator[int]:
    return (value for value in np.unique(canvas).tolist() if value)
