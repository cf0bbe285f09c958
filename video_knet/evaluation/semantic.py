"""Video semantic segmentation (VSPW, Miao et al., 2021): mIoU of the classes, mVC of their consistency in time.

Legend: H W size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..formats import ClassTable, SegmentMap
from .consistency import WINDOWS, ConsistencyResult, VideoConsistency
from .contingency import check_classes, contingency_of_classes
from .miou import Averaging, MeanIoU, mean_over_true_classes

DEFINITION = (
    "mIoU: one confusion matrix of all frames, true void left out, predicted void is wrong; {averaging} "
    "(true: those with true pixels; all: absent ones count 0). "
    "mVC_n: as VSPW's VC_perclip script (windows of n frames, the last one of a video left out and with it videos of n "
    "frames, labels as on disk so that void is a label, mean over the windows of all videos)."
)


@dataclass(frozen=True)
class SemanticTruth:
    """True classes of one frame.

    Attributes:
        semantic: (H, W) uint8 dataset ids, `VOID` where unknown.
        raw: (H, W) uint8 labels as on disk, which mVC compares over time; the dataset ids where not given.
    """

    semantic: np.ndarray
    raw: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.raw is None:
            object.__setattr__(self, "raw", self.semantic)


class SemanticEvaluator:
    """mIoU and mVC of whole videos.

    Args:
        classes: Class table of the truth and the prediction.
        windows: Window lengths of mVC in frames.
        averaging: From the IoU and the true pixels of the classes to their mean.
    """

    def __init__(
        self,
        classes: ClassTable,
        windows: Sequence[int] = WINDOWS,
        averaging: Averaging = mean_over_true_classes,
    ):
        self.classes = classes
        self.miou = MeanIoU(classes, averaging)
        self.consistency = VideoConsistency(windows)

    def update(self, video: str, truth: SemanticTruth, prediction: SegmentMap) -> None:
        """Add the next frame of a video; track ids do not matter.

        Raises:
            ValueError: Sizes differ, also from those of earlier frames, or a class is out of range.
        """
        table = contingency_of_classes(truth.semantic, prediction.semantic)
        check_classes(table, len(self.classes.names))
        self.consistency.update(video, truth.raw, prediction.semantic)
        self.miou.update(video, table)

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        self.miou.close(video)
        self.consistency.close(video)

    def merge(self, other: "SemanticEvaluator") -> None:
        """Take over the videos of another evaluator; numbers do not depend on how videos were distributed."""
        self.consistency.merge(other.consistency)
        self.miou.merge(other.miou)

    def result(self) -> dict:
        """Scores as fractions, None where undefined.

        Returns:
            mIoU, mVC_n of each window, pixel_acc, class_acc, fwIoU; `per_class` and `per_video` {name: {...}};
            `definition`.
        """
        miou, consistency = self.miou.result(), self.consistency.result()
        counters = miou.counters
        rows = zip(miou.class_iou, *(a.tolist() for a in (counters.true, counters.predicted, counters.tp)))
        keys = ("IoU", "truth_pixels", "predicted_pixels", "shared_pixels")
        return {
            "mIoU": miou.miou,
            **_window_scores(consistency),
            "pixel_acc": miou.pixel_accuracy,
            "class_acc": miou.class_accuracy,
            "fwIoU": miou.fwiou,
            "per_class": {name: dict(zip(keys, row)) for name, row in zip(self.classes.names, rows)},
            "per_video": {
                name: {
                    "frames": single.counters.frames,
                    "mIoU": single.miou,
                    "fwIoU": single.fwiou,
                    **_window_scores(consistency.per_video[name]),
                }
                for name, single in miou.per_video.items()
            },
            "definition": DEFINITION.format(averaging=self.miou.averaging.__name__.replace("_", " ")) + self._differs(),
        }

    def _differs(self) -> str:
        own = self.miou.averaging is mean_over_true_classes
        return "" if own else " The mean is that of the authors' script, and not comparable with the standard."


def _window_scores(result: ConsistencyResult) -> dict[str, float | None]:
    return {f"mVC_{n}": windows.mean for n, windows in result.windows.items()}
