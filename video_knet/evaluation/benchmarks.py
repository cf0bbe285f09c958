"""What is compared with what on each benchmark: where truth and prediction lie, how they are read, what is measured.

A benchmark lists the frames of truth and prediction as {video: {frame: source}}, and reads one source at a time. For
YouTube-VIS, where a prediction is a track, a video is one "frame".
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..formats import ClassTable, FormatError, SegmentMap
from ..formats.cityscapes_vps import CityscapesVps
from ..formats.id_maps import IdMap, check_ids
from ..formats.kitti_step import KittiStep
from ..formats.splits import read_split
from ..formats.vipseg import Vipseg
from ..formats.vspw import Vspw
from . import definitions
from .miou import mean_over_all_classes, mean_over_true_classes
from .panoptic import IdMapEvaluator, PanopticEvaluator
from .report import format_panoptic
from .semantic import SemanticEvaluator, SemanticTruth
from .semantic_report import format_semantic

Sources = Mapping[str, Mapping[str, Any]]


class Benchmark(ABC):
    """One dataset's evaluation.

    Args:
        protocol: "standard", the metric's own definition, or "released", the authors' scripts.

    Attributes:
        name: Of the dataset.
        headline: Names of the scores that sum up a result.
        frame_scores, association: Scores that look at single frames, and scores that follow objects.
        class_score: The score of a class that tells whether it was found.
        unit: What is counted while it runs.
    """

    name: str
    headline: tuple[str, ...]
    frame_scores: tuple[str, ...] = ("SQ", "VPQ_1")
    association: tuple[str, ...] = ("AQ", "VPQ_2_things")
    class_score = "IoU"
    unit = "frame"
    protocols: tuple[str, ...] = ("standard", "released")

    def __init__(self, protocol: str = "standard") -> None:
        if protocol not in self.protocols:
            raise ValueError(
                f"{self.name}: protocol {protocol!r} is not defined; the authors have no script for it. Use "
                f"{' or '.join(self.protocols)}."
            )
        self.protocol = protocol

    @property
    @abstractmethod
    def classes(self) -> ClassTable:
        """Class table of the dataset."""

    @abstractmethod
    def truth(self, path: Path, split: Path | None) -> Sources:
        """The labelled frames of each video, in temporal order."""

    @abstractmethod
    def prediction(self, path: Path, truth: Sources) -> Sources:
        """The predicted frames of each video."""

    @abstractmethod
    def evaluator(self) -> Any:
        """A new evaluator: `update(video, truth, prediction)`, `close`, `merge`, `result`."""

    def read_truth(self, source: Any) -> Any:
        """The truth of a frame."""
        return source.read()

    def read_prediction(self, source: Any) -> Any:
        """The prediction of a frame."""
        return source.read()

    def size(self, labels: Any) -> tuple[int, int]:
        """(H, W) of what was read."""
        return labels.semantic.shape

    def resize(self, labels: Any, size: tuple[int, int]) -> Any:
        """A prediction at another size, by nearest neighbours."""
        return type(labels)(nearest(labels.semantic, size), nearest(labels.track, size))

    def check(self, truth: Any, prediction: Any) -> None:  # noqa: B027  most have nothing more to check
        """Raise a `FormatError` for faults that show only when a frame is compared."""

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_panoptic(result, self.classes)


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
        return self.style.label_files(path, split)

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


def only(videos: Sources, split: Path | None) -> Sources:
    """The videos that a split file names; all without one.

    Raises:
        FormatError: It names one that is not there.
    """
    if split is None:
        return videos
    names = read_split(split)
    if absent := [name for name in names if name not in videos]:
        raise FormatError(*(f"{split}: video {name} is not in the truth. Correct the list." for name in absent))
    return {name: videos[name] for name in names}


def nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) values at another (H, W), each pixel from the nearest one."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, values.shape))
    return values[rows[:, None], columns]


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (KittiStepBenchmark, CityscapesVpsBenchmark, VipsegBenchmark, VspwBenchmark)
}


def get_benchmark(name: str, protocol: str = "standard") -> Benchmark:
    """The benchmark of a dataset.

    Raises:
        ValueError: There is no such dataset, or no such protocol for it.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"dataset {name!r} is not known; use one of: {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name](protocol)
