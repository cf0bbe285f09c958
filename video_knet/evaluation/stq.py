"""STQ: segmentation and tracking quality (Weber et al., STEP, 2021), STQ = sqrt(AQ * SQ).

The definition is that of deeplab2's numpy evaluator, with integer counters and the division last:

    SQ  mean IoU over classes with a non-empty union, from one confusion matrix of all videos. True void is left out;
        pixels predicted void form a class of their own, with IoU 0, as soon as there is one.
    AQ  mean over true tubes g of 1/|g| * sum over predicted tubes p of |p & g| * |p & g| / |p | g|. A tube is a thing
        class with a track id, over a whole video; true track 0 is a crowd, whose pixels leave both sides. Classes need
        not agree. True void stays in |p|.

Legend: C classes; index C is void.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from ..formats import VOID, ClassTable
from .contingency import EMPTY, Table, add_tables, check_classes, segment_areas, segment_class, segment_track
from .videos import check_apart

_FRACTION_BITS = 80  # association of a tube as a fixed-point integer: sums are exact, whatever their order


@dataclass
class VideoSTQ:
    """Integer counters of one video, or of many.

    Attributes:
        tp, true, predicted: (C + 1,) int64 pixels: right, of each true class, of each predicted class.
        association: Sum of the tubes' association, in units of 2 ** -80.
        tubes: Number of true tubes.
        frames: Number of frames.
    """

    tp: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    association: int = 0
    tubes: int = 0
    frames: int = 0

    def __add__(self, other: "VideoSTQ") -> "VideoSTQ":
        return VideoSTQ(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))


@dataclass(frozen=True)
class STQResult:
    """Scores as fractions; None where undefined (no pixel to judge).

    Attributes:
        class_iou: IoU of each class, and of the predicted void at index C; None where the union is empty.
        per_video: Results of single videos; the totals are not their means.
    """

    stq: float | None
    aq: float
    sq: float | None
    class_iou: tuple[float | None, ...]
    tubes: int
    frames: int
    per_video: dict[str, "STQResult"] = field(default_factory=dict)


class STQ:
    """Evaluator of STQ.

    Args:
        classes: Class table of the truth and the prediction.
    """

    def __init__(self, classes: ClassTable):
        self.classes = classes
        self._closed: dict[str, VideoSTQ] = {}
        self._open: dict[str, _TableSum] = {}
        self._things = classes.thing_lookup()

    def update(self, video: str, table: Table) -> None:
        """Add a frame; the order of the frames does not matter.

        Raises:
            ValueError: The video is closed already, or a class is outside the table.
        """
        check_classes(table, len(self.classes.names))
        if video in self._closed:
            raise ValueError(f"video {video!r} is closed; add all its frames to one evaluator before closing it")
        self._open.setdefault(video, _TableSum()).add(table)

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        if video in self._open:
            self._closed[video] = self._count(self._open.pop(video))

    def merge(self, other: "STQ") -> None:
        """Take over the videos of another evaluator.

        Raises:
            ValueError: Both have seen the same video.
        """
        check_apart(self._videos(), other._videos())
        self._closed |= other._videos()

    def result(self) -> STQResult:
        """Scores of all videos so far."""
        videos = dict(sorted(self._videos().items()))
        zero = np.zeros(len(self.classes.names) + 1, np.int64)
        total = sum(videos.values(), VideoSTQ(zero, zero, zero))
        return _score(total, {name: _score(counters, {}) for name, counters in videos.items()})

    def _videos(self) -> dict[str, VideoSTQ]:
        return self._closed | {name: self._count(tables) for name, tables in self._open.items()}

    def _count(self, tables: "_TableSum") -> VideoSTQ:
        """Counters of a video from the table of all its pixels."""
        table = tables.total()
        tp, true, predicted = self._count_classes(table)
        association, tubes = self._associate(table)
        return VideoSTQ(tp, true, predicted, association, tubes, tables.frames)

    def _count_classes(self, table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        void = len(self.classes.names)
        true, predicted = (np.where(c == VOID, void, c) for c in map(segment_class, (table.truth, table.prediction)))
        valid = true != void
        right = valid & (true == predicted)

        def pixels(classes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
            return np.bincount(classes[chosen], table.counts[chosen], void + 1).astype(np.int64)  # (C + 1,)

        return pixels(true, right), pixels(true, valid), pixels(predicted, valid)

    def _associate(self, table: Table) -> tuple[int, int]:
        """Sum of the association of the true tubes, and their number."""
        truth, prediction, counts = table.truth, table.prediction, table.counts
        true_thing = self._things[segment_class(truth)]
        crowd = true_thing & (segment_track(truth) == 0)
        truth, prediction, counts, true_thing = (a[~crowd] for a in (truth, prediction, counts, true_thing))
        tubes, tube_areas, tube = segment_areas(truth, counts)
        _, areas, segment = segment_areas(prediction, counts)
        both = true_thing & self._things[segment_class(prediction)]
        total = 0
        for g, p, shared in zip(tube_areas[tube[both]].tolist(), areas[segment[both]].tolist(), counts[both].tolist()):
            total += (shared * shared << _FRACTION_BITS) // (g * (g + p - shared))
        return total, int(self._things[segment_class(tubes)].sum())


class _TableSum:
    """Sum of many tables, summed up whenever as much is waiting as is in the sum."""

    def __init__(self):
        self.frames = 0
        self._sum = EMPTY
        self._waiting: list[Table] = []
        self._pairs = 0

    def add(self, table: Table) -> None:
        self.frames += 1
        self._waiting.append(table)
        self._pairs += len(table.pairs)
        if self._pairs > 4096 + len(self._sum.pairs):
            self.total()

    def total(self) -> Table:
        if self._waiting:
            self._sum = add_tables([self._sum, *self._waiting])
            self._waiting, self._pairs = [], 0
        return self._sum


def _score(counters: VideoSTQ, per_video: dict[str, STQResult]) -> STQResult:
    union = counters.true + counters.predicted - counters.tp  # (C + 1,)
    iou = tuple(t / u if u else None for t, u in zip(counters.tp.tolist(), union.tolist()))
    defined = [value for value in iou if value is not None]
    sq = math.fsum(defined) / len(defined) if defined else None
    aq = counters.association / (counters.tubes << _FRACTION_BITS) if counters.tubes else 0.0
    stq = None if sq is None else math.sqrt(aq * sq)
    return STQResult(stq, aq, sq, iou, counters.tubes, counters.frames, per_video)
