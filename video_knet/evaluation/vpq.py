"""VPQ: video panoptic quality (Kim et al., 2020).

Over every window of k consecutive frames (stride 1), segments are tubes (`tubes.py` has the readings):

    match  same class and IoU > 0.5, strictly; the union leaves out the predicted tube's pixels on void
    FN     true tubes without a match
    FP     predicted tubes without a match, unless more than half of one lies on void (or crowd)
    PQ     sum of matched IoU / (TP + FP / 2 + FN / 2) for each class, over all windows of all videos; then the mean
           over the classes that have any of the three

Predicted void is no segment. Sums of IoU are kept as fixed-point integers, so that neither the order of the videos nor
their distribution over workers changes a bit of the result.

Legend: C classes, k frames of a window.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ..formats import VOID, ClassTable
from .contingency import Table, add_tables, check_classes
from .tubes import FrameLists, PackedTubes, Tubes
from .videos import check_apart, check_open

WINDOWS = (1, 2, 3, 4)
_LIMB = 30  # an IoU is kept as two integers of 30 bits


ClassScores = Iterable[float | None]


def mean_of_present(values: ClassScores) -> float | None:
    """Mean over the classes that have any tube; None without one."""
    defined = [value for value in values if value is not None]
    return math.fsum(defined) / len(defined) if defined else None


def mean_of_all(values: ClassScores) -> float | None:
    """Mean over all classes, absent ones as 0: the average of the authors' scripts."""
    values = [value or 0.0 for value in values]
    return math.fsum(values) / len(values) if values else None


@dataclass
class WindowCounters:
    """Integer counters for one window length.

    Attributes:
        tp, fp, fn: (C,) int64 tubes.
        iou_high, iou_low: (C,) int64, sum of matched IoU in units of 2 ** -30 and 2 ** -60.
        windows: Number of windows.
    """

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    iou_high: np.ndarray
    iou_low: np.ndarray
    windows: int = 0

    @classmethod
    def zero(cls, classes: int) -> "WindowCounters":
        """Counters before the first window."""
        return cls(*(np.zeros(classes, np.int64) for _ in range(5)))

    def __add__(self, other: "WindowCounters") -> "WindowCounters":
        return WindowCounters(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))

    @property
    def iou_sum(self) -> list[float]:
        """C sums of matched IoU."""
        exact = zip(self.iou_high.tolist(), self.iou_low.tolist())
        return [((high << _LIMB) + low) / (1 << 2 * _LIMB) for high, low in exact]


@dataclass(frozen=True)
class WindowResult:
    """Scores of one window length as fractions; None where no class has a tube.

    Attributes:
        pq, things, stuff: Mean PQ over all classes, thing classes, stuff classes.
        class_pq: PQ of each class; None where it has no tube.
        counters: What they were computed from.
    """

    pq: float | None
    things: float | None
    stuff: float | None
    class_pq: tuple[float | None, ...]
    counters: WindowCounters


@dataclass(frozen=True)
class VPQResult:
    """Means over the window lengths (None where one of them is undefined), and each length's result.

    Attributes:
        per_video: Results of single videos; the totals are not their means.
    """

    vpq: float | None
    things: float | None
    stuff: float | None
    windows: dict[int, WindowResult]
    per_video: dict[str, "VPQResult"] = field(default_factory=dict)


class VPQ:
    """Evaluator of VPQ.

    Keeps the last max(k) - 1 tables of a video, so memory does not grow with its length.

    Args:
        classes: Class table of the truth and the prediction.
        windows: Window lengths in frames.
        tubes: Reads the tubes of a window; by default segments say their class themselves.
        average: From the PQ of classes to their mean.
    """

    def __init__(
        self,
        classes: ClassTable,
        windows: tuple[int, ...] = WINDOWS,
        tubes: Callable[[Table, Sequence[FrameLists | None]], Tubes] | None = None,
        average: Callable[[ClassScores], float | None] = mean_of_present,
    ):
        if not windows or min(windows) < 1:
            raise ValueError(f"windows are {windows}; name at least one length, each of 1 frame or more")
        self.classes = classes
        self.windows = tuple(sorted(set(windows)))
        self.tubes, self.average = tubes or PackedTubes(), average
        self._counters: dict[str, dict[int, WindowCounters]] = {}
        self._recent: dict[str, deque[tuple[Table, FrameLists | None]]] = {}

    def update(self, video: str, table: Table, lists: FrameLists | None = None) -> None:
        """Add the next frame of a video.

        Args:
            video: Its name.
            table: Of the frame.
            lists: What its ids stand for, where segments do not say it themselves.

        Raises:
            ValueError: The video is closed already, or a class is outside the class table.
        """
        if lists is None:
            check_classes(table, len(self.classes.names))
        if video not in self._counters:
            self._counters[video] = {k: WindowCounters.zero(len(self.classes.names)) for k in self.windows}
            self._recent[video] = deque(maxlen=self.windows[-1] - 1)
        check_open(video, self._recent)
        newest_first = [(table, lists), *self._recent[video]]
        total, k = table, 1
        for length in self.windows:
            if length > len(newest_first):
                break
            total = add_tables([total, *(older for older, _ in newest_first[k:length])])
            k = length
            counters = self._counters[video][length]
            counters.windows += 1
            if total.counts.size:
                count_window(self.tubes(total, [frame for _, frame in reversed(newest_first[:length])]), counters)
        self._recent[video].appendleft((table, lists))

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        self._recent.pop(video, None)

    def merge(self, other: "VPQ") -> None:
        """Take over the videos of another evaluator.

        Raises:
            ValueError: Both have seen the same video, or their windows differ.
        """
        if self.windows != other.windows:
            raise ValueError(f"windows {other.windows} cannot be merged into {self.windows}; use the same ones")
        check_apart(self._counters, other._counters)
        self._counters |= deepcopy(other._counters)

    def result(self) -> VPQResult:
        """Scores of all videos so far."""
        classes = len(self.classes.names)
        videos = dict(sorted(self._counters.items()))
        totals = {k: sum((v[k] for v in videos.values()), WindowCounters.zero(classes)) for k in self.windows}
        return self._score(totals, {name: self._score(counters, {}) for name, counters in videos.items()})

    def _score(self, counters: dict[int, WindowCounters], per_video: dict[str, VPQResult]) -> VPQResult:
        windows = {k: score_window(c, self.classes.is_thing, self.average) for k, c in counters.items()}
        means = [_mean_over_windows([getattr(w, name) for w in windows.values()]) for name in ("pq", "things", "stuff")]
        return VPQResult(*means, windows, per_video)


def count_window(tubes: Tubes, counters: WindowCounters) -> None:
    """Match the tubes of a window and add what was found to the counters.

    Args:
        tubes: Of the window.
        counters: Changed in place.
    """
    classes = len(counters.tp)
    same = np.flatnonzero(tubes.true_class[tubes.true] == tubes.predicted_class[tubes.predicted])
    shared, g, p = tubes.shared[same], tubes.true[same], tubes.predicted[same]
    union = tubes.true_area[g] + tubes.predicted_area[p] - shared - tubes.on_void[p]
    tube = (tubes.true_class[g] != VOID) & ~tubes.crowd[g]
    if len(wrong := np.flatnonzero(tube & (union < shared))):
        g, shared = g[wrong[0]], int(shared[wrong[0]])
        raise ValueError(
            f"a true tube of class {int(tubes.true_class[g])} shares {shared} pixels with a predicted one, but its "
            f"area is given as {int(tubes.true_area[g])}: correct the area in the truth's json"
        )
    match = tube & (2 * shared > union)  # at most one for each tube
    shared, union, g, p = shared[match], union[match], g[match], p[match]
    high, rest = np.divmod(shared << _LIMB, union)

    missed, false = ~tubes.crowd, 2 * tubes.forgiven <= tubes.predicted_area
    missed[g], false[p] = False, False
    matched = tubes.true_class[g]
    for counter, of_class, weights in (
        (counters.tp, matched, None),
        (counters.fn, tubes.true_class[missed], None),
        (counters.fp, tubes.predicted_class[false], None),
        (counters.iou_high, matched, high),
        (counters.iou_low, matched, (rest << _LIMB) // union),
    ):
        counter += np.bincount(of_class, weights, VOID + 1)[:classes].astype(np.int64)  # exact: far below 2^53


def score_window(
    counters: WindowCounters, is_thing: np.ndarray, average: Callable[[ClassScores], float | None]
) -> WindowResult:
    """Scores of one window length.

    Args:
        counters: Of the windows.
        is_thing: (C,) bool.
        average: From the PQ of classes to their mean.
    """
    if not counters.windows:
        return WindowResult(None, None, None, (None,) * len(is_thing), counters)
    rows = zip(counters.iou_sum, counters.tp.tolist(), counters.fp.tolist(), counters.fn.tolist())
    class_pq = tuple(iou / (tp + fp / 2 + fn / 2) if tp + fp + fn else None for iou, tp, fp, fn in rows)
    things = [pq for pq, thing in zip(class_pq, is_thing) if thing]
    stuff = [pq for pq, thing in zip(class_pq, is_thing) if not thing]
    return WindowResult(average(class_pq), average(things), average(stuff), class_pq, counters)


def _mean_over_windows(values: list[float | None]) -> float | None:
    """Mean of the values; None if one is undefined."""
    return None if None in values else mean_of_present(values)
