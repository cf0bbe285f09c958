"""What is compared with what on each benchmark."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..formats import SegmentMap
from ..formats.cityscapes_vps import CityscapesVps
from ..formats.coding.id_maps import IdMap, ListedFrame, check_ids
from ..formats.kitti_step import KittiStep
from ..formats.vipseg import Vipseg
from ..formats.vipseg.format import RawFrame
from ..formats.vspw import Vspw
from . import definitions
from .benchmark import Benchmark, Sources, nearest, only
from .image_benchmarks import IMAGE_BENCHMARKS
from .miou import mean_over_all_classes, mean_over_true_classes
from .own_videos import OwnVideosBenchmark
from .panoptic import IdMapEvaluator, PanopticEvaluator
from .semantic import SemanticEvaluator, SemanticTruth
from .semantic_report import format_semantic
from .track_benchmark import YouTubeVisBenchmark

RELEASED_VOID = 200  # a raw value of VIPSeg


class KittiStepBenchmark(Benchmark):
    """STQ and VPQ over windows of 1 to 4 frames on KITTI-STEP."""

    name, headline = "kitti-step", ("STQ", "AQ", "SQ", "VPQ")
    style = KittiStep()
    classes = KittiStep.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """Folder of `SEQ/FRAME.png`, or of the released code's `SSSSSS_FFFFFF_panoptic.png`."""
        return only(self.style.label_files(path), split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder of `SEQ/FRAME.png`, or of the released code's `S/SSSSSS_FFFFFF_{cat,ins}.png`."""
        return self.style.label_files(path)

    def read_truth(self, source: tuple[Path, ...]) -> Any:
        """Labels of a frame from its file or pair of files."""
        return self.style.read(source)

    read_prediction = read_truth

    def evaluator(self) -> PanopticEvaluator:
        """STQ and VPQ."""
        released = self.protocol == "released"
        definition = definitions.RELEASED_KITTI_STEP if released else definitions.DEEPLAB2
        return PanopticEvaluator(self.classes, (1, 2, 3, 4), definition)


class _IdMapBenchmark(Benchmark):
    """What Cityscapes-VPS and VIPSeg share."""

    def size(self, labels: IdMap) -> tuple[int, int]:
        """(H, W) of a frame."""
        return labels.ids.shape

    def resize(self, labels: IdMap, size: tuple[int, int]) -> IdMap:
        """Ids at another size, by nearest neighbours; segments that vanish leave the list."""
        ids = nearest(labels.ids, size)
        present = set(np.unique(ids).tolist())
        return IdMap(ids, tuple(s for s in labels.segments if s.id in present), labels.path, labels.origin)

    def check(self, truth: IdMap, prediction: IdMap) -> None:
        """Ids against their lists."""
        check_ids(truth, np.unique(truth.ids), prediction=False)
        check_ids(prediction, np.unique(prediction.ids), prediction=True)


class CityscapesVpsBenchmark(_IdMapBenchmark):
    """VPQ over windows of 1 to 4 labelled frames on Cityscapes-VPS."""

    name, headline, protocols = "cityscapes-vps", ("VPQ", "VPQ_things", "VPQ_stuff"), ("standard",)
    frame_scores, association, class_score = ("VPQ_1",), ("VPQ_2_things",), "VPQ_1"
    classes = CityscapesVps.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """`panoptic_gt_*.json` with its PNG folder beside it."""
        return only(CityscapesVps().truth(path), split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder with `pred.json` and `pan_pred/`."""
        return CityscapesVps().prediction(path, truth)

    def evaluator(self) -> IdMapEvaluator:
        """VPQ."""
        return IdMapEvaluator(self.classes, (1, 2, 3, 4), definitions.CITYSCAPES_VPS)


class VipsegBenchmark(_IdMapBenchmark):
    """STQ, and VPQ over windows of 1, 2, 4 and 6 frames, on VIPSeg."""

    name, headline = "vipseg", ("STQ", "AQ", "SQ", "VPQ")
    classes = Vipseg.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """`panoptic_gt_VIPSeg_*.json` with its PNG folder beside it, or the root of the raw masks."""
        if path.suffix == ".json":
            return only(Vipseg().truth(path), split)
        return Vipseg().truth(path, split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder with `pred.json` and `pan_pred/`."""
        return Vipseg().prediction(path, truth)

    def read_truth(self, source: RawFrame | ListedFrame) -> IdMap:
        """The segments of a frame; raw value 200 is a ceiling to the data set's converter, void to the authors."""
        frame = source.read()
        if self.protocol == "released" and isinstance(source, RawFrame):
            segments = tuple(segment for segment in frame.segments if segment.id != RELEASED_VOID)
            return replace(frame, ids=np.where(frame.ids == RELEASED_VOID, 0, frame.ids), segments=segments)
        return frame

    def evaluator(self) -> IdMapEvaluator:
        """STQ and VPQ."""
        if self.protocol == "released":
            return IdMapEvaluator(self.classes, (1, 2, 4, 6), definitions.RELEASED_VIPSEG, first_number=1)
        return IdMapEvaluator(self.classes, (1, 2, 4, 6), definitions.VIPSEG)


class VspwBenchmark(Benchmark):
    """mIoU, and mVC over windows of 8 and 16 frames, on VSPW."""

    name, headline = "vspw", ("mIoU", "mVC_8", "mVC_16")
    frame_scores, association = (), ()
    style, classes = Vspw(), Vspw.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """The `data` folder, with `VIDEO/mask/FRAME.png`."""
        return only(self.style.label_files(path), split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder of `VIDEO/FRAME.png`."""
        return self.style.prediction_files(path)

    def read_truth(self, source: tuple[Path, ...]) -> SemanticTruth:
        """Classes, and the labels as on disk."""
        raw = self.style.read_raw(source)
        return SemanticTruth(self.style.decode(raw, source[0]).semantic, raw)

    def read_prediction(self, source: tuple[Path, ...]) -> SegmentMap:
        """Classes of a frame."""
        return self.style.read_prediction(source)

    def evaluator(self) -> SemanticEvaluator:
        """mIoU and mVC."""
        averaging = mean_over_all_classes if self.protocol == "released" else mean_over_true_classes
        return SemanticEvaluator(self.classes, averaging=averaging)

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_semantic(result, self.classes)


ALL = (
    KittiStepBenchmark,
    CityscapesVpsBenchmark,
    VipsegBenchmark,
    VspwBenchmark,
    YouTubeVisBenchmark,
    OwnVideosBenchmark,
)
BENCHMARKS = {benchmark.name: benchmark for benchmark in ALL} | IMAGE_BENCHMARKS
# Editions of YouTube-VIS differ in their categories only, which are those of the json.
BENCHMARKS |= {f"{YouTubeVisBenchmark.name}-{year}": YouTubeVisBenchmark for year in (2019, 2021)}


def get_benchmark(name: str, protocol: str = "standard") -> Benchmark:
    """The benchmark of a dataset.

    Raises:
        ValueError: There is no such dataset, or no such protocol for it.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"dataset {name!r} is not known; use one of: {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name](protocol)
