"""The raw masks of VIPSeg: 16 bit, one value for each class or object.

0 is void; below 125 class + 1: a stuff class, or things that nobody told apart (a crowd); else (class + 1) * 100 +
object, where the objects of a class are numbered from 0. An object number has two digits. A stuff class may come with
one all the same (200 is a ceiling).

Legend: H W size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, SegmentMap
from ..coding.id_maps import IdMap, Segment
from ..coding.segment_png import check_classes, check_shapes
from ..coding.track_numbers import TrackNumbers
from ..disk.png import read_png
from .classes import VIPSEG_CLASSES

FIRST_OBJECT = 125  # raw values from here on have an object number
OBJECTS = 100  # of a class in a video
_CLASSES = len(VIPSEG_CLASSES.names)
_CODING = (
    "0 is void, 1..124 are classes, from 125 on (class + 1) * 100 + object. Restore the original mask."  # in messages
)


@dataclass(frozen=True)
class RawFrame:
    """A raw mask: an `IdMap` before it is decoded."""

    path: Path

    def read(self) -> IdMap:
        """Decode the mask; ids are the raw values.

        Raises:
            FormatError: The PNG is missing or damaged, or holds a value that is no class.
        """
        ids = read_png(self.path, "grey").astype(np.uint32)
        return IdMap(ids, tuple(list_raw(ids, self.path)), self.path, str(self.path))


def list_raw(ids: np.ndarray, path: Path) -> Iterable[Segment]:
    """Segments of a raw mask, by rising value, as the data set's converter lists them."""
    for value, area in zip(*np.unique(ids, return_counts=True)):
        if value:
            yield Segment(int(value), _category(int(value), path), False, int(area))


def decode_raw(raw: np.ndarray, path: object = "mask") -> SegmentMap:
    """Classes and tracks of a raw mask: track = object + 1, and 0 for stuff and crowd.

    Args:
        raw: (H, W) uint8 or uint16.
        path: Only named in errors.

    Raises:
        FormatError: A value is no class.
    """
    semantic, track = np.take(_SEMANTIC, raw), np.take(_TRACK, raw)
    unknown = semantic == _UNKNOWN
    if unknown.any():
        _category(int(raw[unknown].min()), path)
    return SegmentMap(semantic, track)


def encode_raw(segments: SegmentMap, numbers: TrackNumbers, path: object = "mask") -> np.ndarray:
    """(H, W) uint16 raw mask; the inverse of `decode_raw` where tracks are 1 to 100.

    Args:
        segments: Labels of a frame.
        numbers: Tracks of the video so far; objects get theirs, less one.
        path: Only named in errors.

    Raises:
        FormatError: A class that the dataset does not have, a negative track, or more than 100 objects of a class.
    """
    semantic, track = check_shapes(segments, path)
    check_classes(semantic, _CLASSES, path, "Use dataset class ids.")
    raw = np.where(semantic == VOID, 0, semantic.astype(np.int32) + 1)
    numbered = numbers.renumber(semantic, track, path)  # (H, W), 0 without object
    return np.where(numbered > 0, raw * 100 + numbered - 1, raw).astype(np.uint16)


def raw_numbers() -> TrackNumbers:
    """The objects of a video that is to be written: 100 of each class."""
    return TrackNumbers(VIPSEG_CLASSES, OBJECTS, per_class=True)


def _category(value: int, path: object) -> int:
    category = value - 1 if value < FIRST_OBJECT else value // 100 - 1
    if not 0 <= category < _CLASSES:
        raise FormatError(f"{path}: value {value} is no class: {_CODING}")
    return category


_UNKNOWN = 254  # of `_SEMANTIC`: no class has it


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """(65536,) uint8 class id and (65536,) int32 track of each raw value."""
    values = np.arange(1 << 16)
    category = np.where(values < FIRST_OBJECT, values - 1, values // 100 - 1)
    known = (category >= 0) & (category < _CLASSES)
    semantic = np.where(known, category, _UNKNOWN).astype(np.uint8)
    is_object = (
        (values >= FIRST_OBJECT) & known & np.append(VIPSEG_CLASSES.is_thing, False)[category.clip(-1, _CLASSES)]
    )
    semantic[0] = VOID
    return semantic, np.where(is_object, values % 100 + 1, 0).astype(np.int32)


_SEMANTIC, _TRACK = _tables()
