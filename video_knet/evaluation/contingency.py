"""The contingency table of a frame: how many pixels each pair of (true segment, predicted segment) shares.

Every dense metric is a sum of such tables, so pixels are touched once per frame whatever is measured.

A segment is a class with a track id, packed as class << 24 | track; a pair is true segment << 32 | predicted segment.
Legend: H W size, n pairs that occur.
"""

from dataclasses import dataclass

import numpy as np

from ..formats import VOID, SegmentMap

TRACK_BITS = 24
SEGMENT_BITS = 32
MAX_TRACK = (1 << TRACK_BITS) - 1
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

    Args:
        truth: (H, W) labels.
        prediction: (H, W) labels.

    Raises:
        ValueError: Maps of different sizes, or a class or track id that cannot be packed.
    """
    arrays = [np.ravel(a) for a in (truth.semantic, truth.track, prediction.semantic, prediction.track)]
    shapes = {np.shape(a) for a in (truth.semantic, truth.track, prediction.semantic, prediction.track)}
    if len(shapes) > 1:
        raise ValueError(f"maps of one frame differ in size: {sorted(shapes)}; resize the prediction to the truth")
    size = arrays[0].size
    if not size:
        return EMPTY
    change = arrays[0][1:] != arrays[0][:-1]
    for array in arrays[1:]:
        change |= array[1:] != array[:-1]
    first = np.concatenate([[0], np.flatnonzero(change) + 1])  # (runs,)
    lengths = np.diff(first, append=size)
    return sum_pairs(_pack([array[first] for array in arrays]), lengths)


def sum_pairs(pairs: np.ndarray, counts: np.ndarray) -> Table:
    """Table of pairs that may occur more than once.

    Args:
        pairs: (m,) uint64 packed pairs in any order.
        counts: (m,) int64 pixels of each.
    """
    if not len(pairs):
        return EMPTY
    order = np.argsort(pairs)
    pairs = pairs[order]
    first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]]))
    return Table(pairs[first], np.add.reduceat(counts[order], first))


def add_tables(tables: list[Table]) -> Table:
    """Sum of tables, as if their frames were one."""
    if len(tables) == 1:
        return tables[0]
    return sum_pairs(
        np.concatenate([EMPTY.pairs, *(t.pairs for t in tables)]),
        np.concatenate([EMPTY.counts, *(t.counts for t in tables)]),
    )


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


def _pack(runs: list[np.ndarray]) -> np.ndarray:
    """(runs,) uint64 pairs from true class, true track, predicted class and predicted track of each run."""
    for kind, values, limit in zip(("class", "track id") * 2, runs, (255, MAX_TRACK) * 2):
        if values.min() < 0 or values.max() > limit:
            bad = values.min() if values.min() < 0 else values.max()
            raise ValueError(f"{kind} {int(bad)} is outside 0..{limit}; map it into that range before evaluating")
    true_class, true_track, class_, track = (values.astype(np.uint64) for values in runs)
    bits = np.uint64(TRACK_BITS)
    return ((true_class << bits | true_track) << np.uint64(SEGMENT_BITS)) | (class_ << bits | track)
