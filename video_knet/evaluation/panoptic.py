"""Video panoptic evaluation of any dataset: every metric from one table per frame, and their names in a report."""

from collections import Counter
from dataclasses import replace

import numpy as np

from ..formats import ClassTable, SegmentMap
from ..formats.coding.id_maps import IdMap, Segment, check_ids, with_areas
from .contingency import TRACK_BITS, Table, contingency, contingency_of_ids, relabel, segment_areas
from .definitions import DEEPLAB2, Definition
from .stq import STQ, STQResult
from .tubes import FrameLists
from .vpq import VPQ, WINDOWS, VPQResult


class PanopticEvaluator:
    """STQ and VPQ of whole videos.

    Args:
        classes: Class table of the truth and the prediction.
        windows: Window lengths of VPQ in frames.
        definition: Which reading.
    """

    def __init__(
        self, classes: ClassTable, windows: tuple[int, ...] = WINDOWS, definition: Definition = DEEPLAB2
    ) -> None:
        self.classes, self.definition = classes, definition
        self.frames: Counter[str] = Counter()
        self.cores: dict[str, STQ | VPQ] = {}
        if definition.stq:
            things = classes.thing_ids if definition.stq_things is None else definition.stq_things
            self.cores["stq"] = STQ(replace(classes, thing_ids=things))
        self.cores["vpq"] = VPQ(classes, windows, definition.tubes, definition.average)

    def update(self, video: str, truth: SegmentMap, prediction: SegmentMap) -> None:
        """Add the next frame of a video.

        Raises:
            ValueError: Sizes differ, or a class or track id is out of range.
        """
        self._count(video, contingency(truth, prediction))

    def _count(self, video: str, table: Table, ids: Table | None = None, lists: FrameLists | None = None) -> None:
        """Hand a frame to the cores: STQ reads packed segments, VPQ ids where there are any."""
        if "stq" in self.cores:
            self.cores["stq"].update(video, self.definition.table(table))
        self.cores["vpq"].update(video, table if ids is None else ids, lists)
        self.frames[video] += 1

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        for core in self.cores.values():
            core.close(video)

    def merge(self, other: "PanopticEvaluator") -> None:
        """Take over the videos of another evaluator; numbers do not depend on how videos were distributed."""
        for name, core in self.cores.items():
            core.merge(other.cores[name])
        self.frames += other.frames

    def result(self) -> dict:
        """Scores as fractions, None where undefined.

        Returns:
            STQ, AQ, SQ, VPQ, VPQ_k, each VPQ with `_things` and `_stuff`; `per_class` and
            `per_video` {name: {...}}; `definition`. Without STQ its names are missing.
        """
        stq = self.cores["stq"].result() if "stq" in self.cores else None
        vpq = self.cores["vpq"].result()
        per_video = {}
        for name, single in vpq.per_video.items():
            own = None if stq is None else stq.per_video[name]
            per_video[name] = {"frames": self.frames[name], **_scores(own, single)}
        return {
            **_scores(stq, vpq),
            "per_class": self._per_class(stq, vpq),
            "per_video": per_video,
            "definition": self.definition.text.format(windows=", ".join(map(str, vpq.windows))),
        }

    def _per_class(self, stq: STQResult | None, vpq: VPQResult) -> dict[str, dict]:
        """IoU of each class, and for each window its PQ and what it came from."""
        report: dict[str, dict] = {}
        for i, name in enumerate(self.classes.names):
            report[name] = {} if stq is None else {"IoU": stq.class_iou[i]}
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


class IdMapEvaluator(PanopticEvaluator):
    """The same for segments that are ids, whose classes stand in lists (Cityscapes-VPS, VIPSeg).

    STQ reads a segment as its class in the frame's list and a number: its place in the order in which the ids of the
    video appear in the lists. Where the definition names `tubes`, VPQ reads those, too; else the ids themselves.

    Args:
        classes, windows, definition: As above.
        first_number: Number of the first id of a video. The script of VIPSeg starts at 0, so that a thing which is
            listed first counts as a crowd.
    """

    def __init__(
        self, classes: ClassTable, windows: tuple[int, ...], definition: Definition, first_number: int = 0
    ) -> None:
        super().__init__(classes, windows, definition)
        self.first_number = first_number
        self._numbers: dict[str, tuple[dict[int, int], dict[int, int]]] = {}

    def update(self, video: str, truth: IdMap, prediction: IdMap) -> None:
        """Add the next frame of a video.

        Raises:
            FormatError: Ids of the maps and of the lists disagree.
            ValueError: Sizes differ.
        """
        ids = contingency_of_ids(truth.ids, prediction.ids)
        present, pixels, _ = segment_areas(ids.truth, ids.counts)
        check_ids(truth, present, prediction=False)
        check_ids(prediction, np.unique(ids.prediction), prediction=True)
        numbers = self._numbers.setdefault(video, ({}, {}))
        names = [self._name(frame.segments, known) for frame, known in zip((truth, prediction), numbers)]
        packed = relabel(ids, *names)
        if self.definition.tubes.reads_ids:
            lists = FrameLists(with_areas(truth.segments, present, pixels), prediction.segments)
            self._count(video, packed, ids, lists)
        else:
            self._count(video, packed)

    def _name(self, segments: tuple[Segment, ...], numbers: dict[int, int]) -> dict[int, int]:
        """Packed segment by id; `numbers` of the video grow."""
        for segment in segments:
            numbers.setdefault(segment.id, self.first_number + len(numbers))
        return {s.id: s.category << TRACK_BITS | numbers[s.id] for s in reversed(segments)}

    def close(self, video: str) -> None:
        """Say that a video is complete: only its counters are kept."""
        super().close(video)
        self._numbers.pop(video, None)


def _scores(stq: STQResult | None, vpq: VPQResult) -> dict[str, float | None]:
    scores = {} if stq is None else {"STQ": stq.stq, "AQ": stq.aq, "SQ": stq.sq}
    scores |= {"VPQ": vpq.vpq, "VPQ_things": vpq.things, "VPQ_stuff": vpq.stuff}
    for k, window in vpq.windows.items():
        scores |= {f"VPQ_{k}": window.pq, f"VPQ_{k}_things": window.things, f"VPQ_{k}_stuff": window.stuff}
    return scores
