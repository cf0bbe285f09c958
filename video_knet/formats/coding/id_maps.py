"""Panoptic annotation as COCO has it: a PNG of segment ids, and a list that says what each id is.

Cityscapes-VPS and VIPSeg are read and written this way. An id is R + 256 G + 65536 B; id 0 is void. In a video an id is
an object or a stuff region throughout.

Legend: H W size.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base import VOID, ClassTable, FormatError, SegmentMap, collect_faults
from ..disk.png import read_png, write_png

MAX_ID = 2**24 - 1
TRACK_BITS = 16  # of the ids that we write: (class + 1) << 16 | track


@dataclass(frozen=True)
class Segment:
    """What one id of a frame stands for.

    Attributes:
        id: Value in the PNG.
        category: Dataset class id.
        crowd: Whether it is a group that is not told apart.
        area: Pixels, as the list says; None where it does not.
    """

    id: int
    category: int
    crowd: bool = False
    area: int | None = None


@dataclass
class IdMap:
    """Segments of one frame, true or predicted.

    Attributes:
        ids: (H, W) uint32 segment ids, 0 for void.
        segments: The segments in the order of the list.
        path: The PNG, for messages.
        origin: Where the list stands, for messages.
    """

    ids: np.ndarray
    segments: tuple[Segment, ...]
    path: Path | None = None
    origin: str = "segments_info"


@dataclass(frozen=True)
class ListedFrame:
    """A frame's id PNG and what its ids stand for: an `IdMap` before its PNG is decoded.

    Attributes:
        path: The PNG.
        segments: From the json.
        origin: Where the list stands, for messages.
        position: Of the frame in the json.
    """

    path: Path
    segments: tuple[Segment, ...]
    origin: str
    position: int = 0

    def read(self) -> IdMap:
        """Decode the ids.

        Raises:
            FormatError: The PNG is missing or damaged.
        """
        return IdMap(read_ids(self.path), self.segments, self.path, self.origin)


def check_ids(frame: IdMap, present: np.ndarray, prediction: bool) -> None:
    """Compare the ids that have pixels with the list.

    Args:
        frame: The segments.
        present: (n,) distinct ids in the PNG.
        prediction: Whether every listed id must have pixels, and be listed once; of truth only the reverse is asked.

    Raises:
        FormatError: They disagree.
    """
    listed = np.array([segment.id for segment in frame.segments], np.int64)
    faults = [
        f"{frame.path}: id {number} has pixels, but {frame.origin} does not say what it is. List every id of the PNG "
        "in segments_info (id = R + 256 G + 65536 B; 0 is void)."
        for number in present[(present != 0) & ~np.isin(present, listed)].tolist()
    ]
    if prediction:
        distinct, counts = np.unique(listed, return_counts=True)
        faults += [
            f"{frame.origin}: id {number} is listed twice. Give each segment one entry."
            for number in distinct[counts > 1].tolist()
        ]
        faults += [
            f"{frame.origin}: id {number} has no pixel in {frame.path}. List only ids that have pixels."
            for number in distinct[~np.isin(distinct, present)].tolist()
        ]
    if faults:
        raise FormatError(*faults)


def with_areas(segments: tuple[Segment, ...], ids: np.ndarray, pixels: np.ndarray) -> tuple[Segment, ...]:
    """Segments whose list says no area get their pixels; `ids` (n,) are distinct, `pixels` (n,) theirs."""
    if all(segment.area is not None for segment in segments):
        return segments
    areas = dict(zip(ids.tolist(), pixels.tolist()))
    return tuple(s if s.area is not None else replace(s, area=areas.get(s.id, 0)) for s in segments)


def read_ids(path: Path) -> np.ndarray:
    """(H, W) uint32 ids of an RGB PNG."""
    rgb = read_png(path, "RGB")
    ids = rgb[..., 2].astype(np.uint32)  # widen first: 8 bits cannot be shifted
    ids <<= 8
    ids |= rgb[..., 1]
    ids <<= 8
    ids |= rgb[..., 0]
    return ids


def write_ids(path: Path, ids: np.ndarray) -> None:
    """Write (H, W) ids as an RGB PNG, whole or not at all."""
    if ids.size and int(ids.max()) > MAX_ID:
        raise FormatError(f"{path}: id {int(ids.max())} is above {MAX_ID}, the most that three bytes hold. Renumber.")
    write_png(path, np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8))


def to_id_map(segments: SegmentMap, classes: ClassTable, where: object = "segment map") -> IdMap:
    """Classes and tracks as ids that persist over a video: (class + 1) << 16 | track; void becomes 0.

    Raises:
        FormatError: A class that the dataset does not have, or a track id that does not fit.
    """
    semantic, track = np.asarray(segments.semantic), np.asarray(segments.track)
    if semantic.shape != track.shape:
        raise FormatError(f"{where}: semantic is {semantic.shape}, track {track.shape}; both must be one (H, W).")
    valid = semantic != VOID
    if valid.any() and int(semantic[valid].max()) >= len(classes.names):
        value = int(semantic[valid].max())
        raise FormatError(f"{where}: class {value} is outside 0..{len(classes.names) - 1} and not {VOID} (void).")
    if track.size and not 0 <= int(track.min()) <= int(track.max()) < 1 << TRACK_BITS:
        value = int(track.min()) if track.min() < 0 else int(track.max())
        raise FormatError(f"{where}: track id {value} is outside 0..{(1 << TRACK_BITS) - 1}. Number tracks from 1.")
    ids = (semantic.astype(np.uint32) + 1) << TRACK_BITS | track.astype(np.uint32)
    ids[~valid] = 0
    return IdMap(ids, tuple(_list_segments(ids)))


def _list_segments(ids: np.ndarray) -> Iterable[Segment]:
    for value, area in zip(*np.unique(ids, return_counts=True)):
        if value:
            yield Segment(int(value), int(value >> TRACK_BITS) - 1, False, int(area))


def parse_segments(annotation: Any, known: set[int], origin: str) -> tuple[Segment, ...]:
    """The `segments_info` of a frame.

    Args:
        annotation: The frame's entry in the json.
        known: Category ids of the dataset.
        origin: File and frame, for messages.

    Raises:
        FormatError: Not a list of {id, category_id, ...}, or a category that the dataset does not have.
    """
    entries = annotation.get("segments_info") if isinstance(annotation, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FormatError(f"{origin}: segments_info is not a list of objects. Write [{{id, category_id, ...}}, ...].")
    segments, faults = [], []
    for entry in entries:
        with collect_faults(faults):
            segments.append(_parse_segment(entry, known, origin))
    if faults:
        raise FormatError(*faults)
    return tuple(segments)


def _parse_segment(entry: dict, known: set[int], origin: str) -> Segment:
    try:
        area = entry.get("area")
        segment = Segment(
            operator.index(entry["id"]),
            operator.index(entry["category_id"]),
            bool(entry.get("iscrowd", 0)),
            None if area is None else _whole(area),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{origin}: {entry} needs whole numbers for id and category_id, and for area where it has one ({error})."
        ) from None
    if segment.category not in known:
        raise FormatError(
            f"{origin}: category_id {segment.category} of id {segment.id} is not a category of the dataset "
            f"({min(known)}..{max(known)}). Use the category ids of the ground truth."
        )
    if not 0 <= segment.id <= MAX_ID:
        raise FormatError(f"{origin}: id {segment.id} is outside 0..{MAX_ID}. Ids have three bytes.")
    if segment.area is not None and segment.area < 0:
        raise FormatError(f"{origin}: area {segment.area} of id {segment.id} is below 0. Count its pixels.")
    return segment


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError(f"{value} is not a whole number")
    return int(value)


def segments_json(segments: Iterable[Segment]) -> list[dict[str, int]]:
    """`segments_info` of a frame."""
    return [{"id": s.id, "category_id": s.category, "iscrowd": int(s.crowd), "area": s.area or 0} for s in segments]


def categories_json(classes: ClassTable) -> list[dict]:
    """`categories` of a panoptic json."""
    rows = zip(classes.names, classes.is_thing.tolist(), classes.palette)
    return [{"id": i, "name": n, "isthing": int(t), "color": list(c)} for i, (n, t, c) in enumerate(rows)]


def listed_categories(content: dict, path: Path) -> list:
    """`categories` of a panoptic json, none where it has no such entry.

    Raises:
        FormatError: They are no list.
    """
    categories = content.get("categories") or []
    if not isinstance(categories, list):
        raise FormatError(f"{path}: categories are {str(categories)[:40]}, not a list. Use the dataset's json.")
    return categories


def check_categories(content: dict, classes: ClassTable, path: Path) -> None:
    """Compare the categories of a json, where it has them, with those of the dataset.

    Raises:
        FormatError: No list, an unknown id, or a thing that should be stuff or the reverse.
    """
    is_thing = classes.is_thing
    for category in listed_categories(content, path):
        number = category.get("id") if isinstance(category, dict) else None
        if type(number) is not int or not 0 <= number < len(is_thing):
            raise FormatError(f"{path}: category {number} is outside 0..{len(is_thing) - 1}. Use the dataset's json.")
        if "isthing" in category and bool(category["isthing"]) != bool(is_thing[number]):
            raise FormatError(
                f"{path}: category {number} has isthing={category['isthing']}, but the dataset says "
                f"{int(is_thing[number])}. Use the dataset's json."
            )
