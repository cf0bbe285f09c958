"""mIoU: IoU of each class from one confusion matrix of all videos, then the mean over classes.

True void is left out; void predicted elsewhere is a wrong prediction, but no class.

Legend: C classes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from ..formats import VOID, ClassTable
from .contingency import Table, check_classes, segment_class
from .videos import check_apart, check_open

ClassIoU = Sequence[float | None]  # C values; None where a class is neither true nor predicted
Averaging = Callable[[ClassIoU, Sequence[int]], float | None]


def mean_over_true_classes(iou: ClassIoU, true: Sequence[int]) -> float | None:
    """Mean over the classes that have true pixels, as VSPW's evaluator has it; `true` are the C numbers of them."""
    return _mean(value for value, pixels in zip(iou, true) if pixels)


def mean_over_all_classes(iou: ClassIoU, true: Sequence[int]) -> float | None:
    """Mean over all classes, absent ones as 0, as the released code has it; None without any true pixel."""
    return _mean(value or 0.0 for value in iou) if any(true) else None


@dataclass
class ClassCounters:
    """Integer counters of one video, or of many.

    Attributes:
        tp, true, predicted: (C,) int64 pixels outside true void: right, of each true class, of each predicted class.
        frames: Number of frames.
    """

    tp: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    frames: int = 0

    @classmethod
    def zero(cls, classes: int) -> "ClassCounters":
        """Counters before the first frame."""
        return cls(*(np.zeros(classes, np.int64) for _ in range(3)))

    def __add__(self, other: "ClassCounters") -> "ClassCounters":
        return ClassCounters(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))


@dataclass(frozen=True)
class MeanIoUResult:
    """Scores as fractions; None where undefined (no annotated pixel).

    Attributes:
        miou, fwiou: Mean IoU; mean IoU weighted by the true pixels of the classes.
        pixel_accuracy: Share of the annotated pixels that are right.
        class_accuracy: The same share within a class, averaged over the classes that have true pixels.
        class_iou: IoU of each class; None where it is neither true nor predicted.
        counters: What they were computed from.
        per_video: Results of single videos; the totals are not their means.
    """

    miou: float | None
    fwiou: float | None
    pixel_accuracy: float | None
    class_accuracy: float | None
    class_iou: tuple[float | None, ...]
    counters: ClassCounters
    per_video: dict[str, "MeanIoUResult"] = field(default_factory=dict)


class MeanIoU:
    """Evaluator of mIoU and of the accuracies.

    Args:
        classes: Class table of the truth and the prediction.
        averaging: From the IoU and the true pixels of the classes to their mean.
    """

    def __init__(self, classes: ClassTable, averaging: Averaging = mean_over_true_classes):
        self.classes = classes
        self.averaging = averaging
        self._counters: dict[str, ClassCounters] = {}
        self._open: set[str] = set()

    def update(self, video: str, table: Table) -> None:
        """Add a frame; neither the order of the frames nor track ids matter.

        Raises:
            ValueError: The video is closed already, or a class is outside the class table.
        """
        classes = len(self.classes.names)
        check_classes(table, classes)
        if video not in self._counters:
            self._counters[video] = ClassCounters.zero(classes)
            self._open.add(video)
        check_open(video, self._open)
        count_frame(table, self._counters[video])

    def close(self, video: str) -> None:
        """Say that a video is complete."""
        self._open.discard(video)

    def merge(self, other: "MeanIoU") -> None:
        """Take over the videos of another evaluator.

        Raises:
            ValueError: Both have seen the same video.
        """
        check_apart(self._counters, other._counters)
        self._counters |= deepcopy(other._counters)

    def result(self) -> MeanIoUResult:
        """Scores of all videos so far."""
        videos = dict(sorted(self._counters.items()))
        total = sum(videos.values(), ClassCounters.zero(len(self.classes.names)))
        return self._score(total, {name: self._score(counters, {}) for name, counters in videos.items()})

    def _score(self, counters: ClassCounters, per_video: dict[str, MeanIoUResult]) -> MeanIoUResult:
        return score_classes(counters, self.averaging, per_video)


def count_frame(table: Table, counters: ClassCounters) -> None:
    """Add a frame to the counters, which are changed in place."""
    true, predicted = segment_class(table.truth), segment_class(table.prediction)
    valid = true != VOID
    for counter, of_class, chosen in (
        (counters.tp, true, valid & (true == predicted)),
        (counters.true, true, valid),
        (counters.predicted, predicted, valid),
    ):
        pixels = np.bincount(of_class[chosen], table.counts[chosen], VOID + 1)
        counter += pixels[: len(counter)].astype(np.int64)  # float64 counts are exact below 2^53
    counters.frames += 1


def score_classes(
    counters: ClassCounters,
    averaging: Averaging = mean_over_true_classes,
    per_video: dict[str, MeanIoUResult] | None = None,
) -> MeanIoUResult:
    """Scores from counters.

    Args:
        counters: Of all frames.
        averaging: From the IoU and the true pixels of the classes to their mean.
        per_video: Results of single videos.
    """
    tp, true = counters.tp.tolist(), counters.true.tolist()
    union = (counters.true + counters.predicted - counters.tp).tolist()
    iou = tuple(t / u if u else None for t, u in zip(tp, union))
    valid = sum(true)
    return MeanIoUResult(
        miou=averaging(iou, true),
        fwiou=math.fsum(pixels * value for pixels, value in zip(true, iou) if pixels) / valid if valid else None,
        pixel_accuracy=sum(tp) / valid if valid else None,
        class_accuracy=_mean(t / pixels for t, pixels in zip(tp, true) if pixels),
        class_iou=iou,
        counters=deepcopy(counters),
        per_video=per_video or {},
    )


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return math.fsum(values) / len(values) if values else None
