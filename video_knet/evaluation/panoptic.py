"""Video panoptic evaluation of any dataset: every metric from one table per frame, and their names in a report."""

from ..formats import ClassTable, SegmentMap
from .contingency import contingency
from .stq import STQ, STQResult
from .vpq import VPQ, WINDOWS, VPQResult

DEFINITION = (
    "STQ: as deeplab2's numpy evaluator, integer counters (void predicted on valid pixels is a class with IoU 0, "
    "true void stays in the area of predicted tubes, crowd pixels are left out). "
    "VPQ: as deeplab2's KITTI-STEP evaluator (IoU > 0.5, stride 1, crowd is a tube, mean over classes with a tube); "
    "VPQ is the mean over the windows {windows}."
)


class PanopticEvaluator:
    """STQ and VPQ of whole videos.

    Args:
        classes: Class table of the truth and the prediction.
        windows: Window lengths of VPQ in frames.
    """

    def __init__(self, classes: ClassTable, windows: tuple[int, ...] = WINDOWS):
        self.classes = classes
        self.cores = {"stq": STQ(classes), "vpq": VPQ(classes, windows)}

    def update(self, video: str, truth: SegmentMap, prediction: SegmentMap) -> None:
        """Add the next frame of a video.

        Raises:
            ValueError: Sizes differ, or a class or track id is out of range.
        """
        table = contingency(truth, prediction)
        for core in self.cores.values():
            core.update(video, table)

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        for core in self.cores.values():
            core.close(video)

    def merge(self, other: "PanopticEvaluator") -> None:
        """Take over the videos of another evaluator; numbers do not depend on how videos were distributed."""
        for name, core in self.cores.items():
            core.merge(other.cores[name])

    def result(self) -> dict:
        """Scores as fractions, None where undefined.

        Returns:
            STQ, AQ, SQ, VPQ, VPQ_k, each VPQ with `_things` and `_stuff`; `per_class` and `per_video` {name: {...}};
            `definition`.
        """
        stq, vpq = self.cores["stq"].result(), self.cores["vpq"].result()
        return {
            **_scores(stq, vpq),
            "per_class": self._per_class(stq, vpq),
            "per_video": {
                name: {"frames": single.frames, **_scores(single, vpq.per_video[name])}
                for name, single in stq.per_video.items()
            },
            "definition": DEFINITION.format(windows=", ".join(map(str, vpq.windows))),
        }

    def _per_class(self, stq: STQResult, vpq: VPQResult) -> dict[str, dict]:
        """IoU of each class, and for each window its PQ and what it came from."""
        report = {}
        for i, name in enumerate(self.classes.names):
            report[name] = {"IoU": stq.class_iou[i]}
            for k, window in vpq.windows.items():
                counters = window.counters
                report[name] |= {
                    f"VPQ_{k}": window.class_pq[i],
                    f"iou_sum_{k}": counters.iou_sum[i],
                    f"tp_{k}": int(counters.tp[i]),
                    f"fp_{k}": int(counters.fp[i]),
                    f"fn_{k}": int(counters.fn[i]),
                }
        return report


def _scores(stq: STQResult, vpq: VPQResult) -> dict[str, float | None]:
    scores = {"STQ": stq.stq, "AQ": stq.aq, "SQ": stq.sq}
    scores |= {"VPQ": vpq.vpq, "VPQ_things": vpq.things, "VPQ_stuff": vpq.stuff}
    for k, window in vpq.windows.items():
        scores |= {f"VPQ_{k}": window.pq, f"VPQ_{k}_things": window.things, f"VPQ_{k}_stuff": window.stuff}
    return scores
