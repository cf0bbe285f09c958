"""The contingency table of a frame: how many pixels each pair of (true segment, predicted segment) shares.

Every dense metric is a sum of such tables, so pixels are touched once per frame whatever is measured.

A segment is a class with a track id, packed as class << 24 | track; a pair is true segment << 32 | predicted segment.
Legend: H W size, n pairs that occur.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..formats import VOID, SegmentMap

TRACK_BITS = 24
SEGMENT_BITS = 32
MAX_TRACK = (1 << TRACK_BITS) - 1
_MIN_RUN = 16  # pixels; below this mean length of a run, runs do not pay
_SEGMENT_MASK = np.uint64((1 << SEGMENT_BITS) - 1)


@dataclass(frozen=True)
class Table:
    """Sparse contingency table.

    Attributes:
        pairs: (n,) uint64, ascending, each pair once.
        counts: (n,) int64 pixels, positive.
    """

    pairs: np.ndarray
    counts: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """(n,) int64 packed true segments, ascending."""
        return (self.pairs >> np.uint64(SEGMENT_BITS)).astype(np.int64)

    @property
    def prediction(self) -> np.ndarray:
        """(n,) int64 packed predicted segments."""
        return (self.pairs & _SEGMENT_MASK).astype(np.int64)


EMPTY = Table(np.zeros(0, np.uint64), np.zeros(0, np.int64))


def contingency(truth: SegmentMap, prediction: SegmentMap) -> Table:
    """Count the pixels of each pair of segments of a frame.

    Neighbouring pixels mostly agree, so pairs are formed, sorted and counted for runs of equal pixels along the rows.
    Where they do not (the output of an untrained network), sorting all pixels is faster than sorting runs with lengths.

    Args:
        truth: (H, W) labels.
        prediction: (H, W) labels.

    Raises:
        ValueError: Maps of different sizes, or a class or track id that cannot be packed.
    """
    maps = (truth.semantic, truth.track, prediction.semantic, prediction.track)
    return _count(maps, _pack)


def contingency_of_classes(truth: np.ndarray, prediction: np.ndarray) -> Table:
    """Count the pixels of each pair of classes of a frame: `contingency` where every track id is 0.

    Args:
        truth: (H, W) uint8 classes.
        prediction: (H, W) uint8 classes.

    Raises:
        ValueError: Maps of different sizes, or a class that cannot be packed.
    """
    return _count((truth, prediction), _pack_classes)


def contingency_of_ids(truth: np.ndarray, prediction: np.ndarray) -> Table:
    """Count the pixels of each pair of ids of a frame.

    Args:
        truth: (H, W) uint32 ids; they take the place of packed segments in the table.
        prediction: (H, W) uint32 ids.

    Raises:
        ValueError: Maps of different sizes.
    """
    return _count((truth, prediction), _pack_ids)


def _count(maps: tuple[np.ndarray, ...], pack: Callable[[list[np.ndarray]], np.ndarray]) -> Table:
    shapes = {np.shape(a) for a in maps}
    if len(shapes) > 1:
        raise ValueError(f"maps of one frame differ in size: {sorted(shapes)}; resize the prediction to the truth")
    arrays = [np.ravel(a) for a in maps]
    size = arrays[0].size
    if not size:
        return EMPTY
    change = arrays[0][1:] != arrays[0][:-1]
    for array in arrays[1:]:
        change |= array[1:] != array[:-1]
    if np.count_nonzero(change) > max(size // _MIN_RUN, 64):
        pairs = pack(arrays)
        pairs.sort()
        return sum_pairs(pairs, None)
    first = _starts(change)  # (runs,)
    return sum_pairs(*_sort(pack([array[first] for array in arrays]), np.diff(first, append=size)))


def relabel(table: Table, truth: Mapping[int, int], prediction: Mapping[int, int]) -> Table:
    """The same table with other names for its segments.

    Args:
        table: Any.
        truth: New packed segment by old one; what is missing becomes void.
        prediction: The same.
    """
    pairs = _look_up(table.truth, truth) << np.uint64(SEGMENT_BITS) | _look_up(table.prediction, prediction)
    return sum_pairs(*_sort(pairs, table.counts))


def without_void(table: Table) -> Table:
    """The pixels whose truth is not void."""
    valid = segment_class(table.truth) != VOID
    return Table(table.pairs[valid], table.counts[valid])


def _look_up(segments: np.ndarray, names: Mapping[int, int]) -> np.ndarray:
    distinct, index = np.unique(segments, return_inverse=True)
    void = VOID << TRACK_BITS
    return np.array([names.get(value, void) for value in distinct.tolist()], np.uint64)[index]


def sum_pairs(pairs: np.ndarray, counts: np.ndarray | None) -> Table:
    """Table of pairs that may occur more than once.

    Args:
        pairs: (m,) uint64 packed pairs, ascending.
        counts: (m,) int64 pixels of each; None for one each.
    """
    if not len(pairs):
        return EMPTY
    first = _starts(pairs[1:] != pairs[:-1])
    if counts is None:
        return Table(pairs[first], np.diff(first, append=len(pairs)))
    return Table(pairs[first], np.add.reduceat(counts, first))


def add_tables(tables: list[Table]) -> Table:
    """Sum of tables, as if their frames were one."""
    if len(tables) == 1:
        return tables[0]
    pairs = np.concatenate([EMPTY.pairs, *(t.pairs for t in tables)])
    return sum_pairs(*_sort(pairs, np.concatenate([EMPTY.counts, *(t.counts for t in tables)])))


def check_classes(table: Table, classes: int) -> None:
    """Make sure that every segment of a table has a class below `classes` or is void.

    Raises:
        ValueError: One has another class.
    """
    for side, segments in (("truth", table.truth), ("prediction", table.prediction)):
        found = segment_class(segments)
        bad = found[(found >= classes) & (found != VOID)]
        if len(bad):
            raise ValueError(f"class {int(bad[0])} in the {side} is outside 0..{classes - 1} and not {VOID} (void)")


def segment_class(segments: np.ndarray) -> np.ndarray:
    """Class of packed segments, same shape."""
    return segments >> TRACK_BITS


def segment_track(segments: np.ndarray) -> np.ndarray:
    """Track id of packed segments, same shape."""
    return segments & MAX_TRACK


def segment_areas(segments: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct segments and their pixels.

    Args:
        segments: (n,) packed segments of a table's pairs.
        counts: (n,) pixels.

    Returns:
        (s,) distinct segments, ascending; (s,) int64 pixels; (n,) index of each pair's segment in them.
    """
    distinct, index = np.unique(segments, return_inverse=True)
    areas = np.bincount(index, counts, len(distinct)).astype(np.int64)  # float64 counts are exact below 2^53
    return distinct, areas, index


def _starts(change: np.ndarray) -> np.ndarray:
    """(runs,) int64 index of the first element of each run, from (m - 1,) bool "differs from the one before"."""
    return np.concatenate([[0], np.flatnonzero(change) + 1])


def _sort(pairs: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(pairs)
    return pairs[order], counts[order]


def _pack(runs: list[np.ndarray]) -> np.ndarray:
    """(runs,) uint64 pairs from true class, true track, predicted class and predicted track of each run."""
    for kind, values, limit in zip(("class", "track id") * 2, runs, (255, MAX_TRACK) * 2):
        if values.min() < 0 or values.max() > limit:
            bad = values.min() if values.min() < 0 else values.max()
            raise ValueError(f"{kind} {int(bad)} is outside 0..{limit}; map it into that range before evaluating")
    pairs = runs[0].astype(np.uint64)
    for bits, values in zip((TRACK_BITS, SEGMENT_BITS - TRACK_BITS, TRACK_BITS), runs[1:]):
        pairs <<= np.uint64(bits)
        np.bitwise_or(pairs, values, out=pairs, dtype=np.uint64, casting="unsafe")  # without a copy
    return pairs


def _pack_classes(runs: list[np.ndarray]) -> np.ndarray:
    """(runs,) uint64 pairs of true and predicted classes."""
    track = np.zeros(1, np.int32)  # of every run
    return _pack([runs[0], track, runs[1], track])


def _pack_ids(runs: list[np.ndarray]) -> np.ndarray:
    """(runs,) uint64 pairs of true and predicted ids."""
    return runs[0].astype(np.uint64) << np.uint64(SEGMENT_BITS) | runs[1].astype(np.uint64)
