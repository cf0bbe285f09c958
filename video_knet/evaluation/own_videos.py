"""What is measured on one's own videos: it depends on the labels that their dataset.json names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..formats import ClassTable, FormatError, SegmentMap
from ..formats.own_videos import OwnVideos
from ..formats.own_videos.description import INSTANCES, SEMANTIC, description_path
from ..formats.own_videos.tracks import ListedTracks
from ..formats.youtube_vis import NoAnnotationsError
from .benchmark import Benchmark, Sources, only
from .definitions import DEEPLAB2
from .panoptic import PanopticEvaluator
from .semantic import SemanticEvaluator, SemanticTruth
from .semantic_report import format_semantic
from .track_benchmark import YouTubeVisBenchmark

NAME = OwnVideos.name


class _MapBenchmark(Benchmark):
    """Labels that are a map for each frame; only frames that have labels are compared.

    Args:
        style: Format of the dataset.
    """

    name, protocols = NAME, ("standard",)
    headline: tuple[str, ...] = ()

    def __init__(self, style: OwnVideos) -> None:
        super().__init__()
        self.style = style
        self.unlabelled: Mapping[str, set[str]] = {}

    @property
    def classes(self) -> ClassTable:
        """Class table of the dataset."""
        return self.style.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """The labelled frames of a root, in natural order; `split` may also be the name of one of its splits."""
        root = description_path(path).parent
        named = split is not None and not split.is_file()
        videos = self.style.videos(root, str(split) if named else "all")
        self.unlabelled = {v.name: {frame.name for frame in v.frames if frame.label is None} for v in videos}
        frames = {v.name: {frame.name: (frame.label,) for frame in v.frames if frame.label is not None} for v in videos}
        frames = {name: labels for name, labels in frames.items() if labels}
        if not frames:
            raise FormatError(f"{root / 'labels'}: no frame has a label VIDEO/FRAME.png. Put labels there.")
        return only(frames, None if named else split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder of `VIDEO/FRAME.png`; what is predicted for frames without labels is left out."""
        found = {}
        for video, frames in self.style.prediction_files(path).items():
            skipped = self.unlabelled.get(video, set())
            found[video] = {name: files for name, files in frames.items() if name not in skipped}
        return {video: frames for video, frames in found.items() if frames}

    def read_prediction(self, source: tuple[Path, ...]) -> SegmentMap:
        """Labels of a frame."""
        return self.style.read(source)


class OwnPanopticBenchmark(_MapBenchmark):
    """STQ and VPQ over windows of 1 to 4 labelled frames, as on KITTI-STEP."""

    headline = ("STQ", "AQ", "SQ", "VPQ")
    read_truth = _MapBenchmark.read_prediction

    def evaluator(self) -> PanopticEvaluator:
        """STQ and VPQ."""
        return PanopticEvaluator(self.classes, (1, 2, 3, 4), DEEPLAB2)


class OwnSemanticBenchmark(_MapBenchmark):
    """mIoU, and mVC over windows of 8 and 16 labelled frames, as on VSPW; void is 255 for mVC."""

    headline = ("mIoU", "mVC_8", "mVC_16")
    frame_scores, association = (), ()

    def read_truth(self, source: tuple[Path, ...]) -> SemanticTruth:
        """Classes of a frame."""
        return SemanticTruth(self.style.read(source).semantic)

    def evaluator(self) -> SemanticEvaluator:
        """mIoU and mVC."""
        return SemanticEvaluator(self.classes)

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_semantic(result, self.classes)


class OwnTracksBenchmark(YouTubeVisBenchmark):
    """AP of tracks, as on YouTube-VIS; a category's id in predictions is the place of its class, from 1."""

    name = NAME

    def truth(self, path: Path, split: Path | None) -> Sources:
        """`instances_SPLIT.json` with its dataset.json beside it, or a root, which `split` names one of."""
        path, split = _tracks_file(path, split)
        listed = self._read(path)
        if not listed.labelled:
            raise NoAnnotationsError(f"{path}: has no annotations. Give the json of a split that has some.")
        return self._list(listed.truth, split)

    def videos(self, path: Path, split: Path | None) -> Sources:
        """The same, with or without annotations."""
        path, split = _tracks_file(path, split)
        return self._list(self._read(path).truth, split)

    def _read(self, path: Path) -> ListedTracks:
        self.classes = (own := OwnVideos(path.parent)).classes
        return own.tracks(path)


class OwnVideosBenchmark(Benchmark):
    """STQ and VPQ of panoptic labels, mIoU and mVC of semantic ones, AP of instances.

    Which of them shows in dataset.json, so nothing is known before `truth`, `videos` or `open` was called.
    """

    name, protocols, headline = NAME, ("standard",), ()

    def __init__(self, protocol: str = "standard", root: Path | None = None) -> None:
        super().__init__(protocol)
        self._chosen: Benchmark | None = None
        if root is not None:
            self.open(root)

    def open(self, path: Path) -> Benchmark:
        """What measures the dataset at a path: its root, its dataset.json or one of its json files of instances."""
        path = Path(path)
        style = OwnVideos(path.parent if path.suffix == ".json" else path)
        kinds = {SEMANTIC: OwnSemanticBenchmark, INSTANCES: lambda style: OwnTracksBenchmark()}
        self._chosen = kinds.get(style.description.labels, OwnPanopticBenchmark)(style)
        for name in ("headline", "frame_scores", "association", "class_score", "bounded", "unit"):
            setattr(self, name, getattr(self._chosen, name))
        return self._chosen

    @property
    def chosen(self) -> Benchmark:
        """What `open` has chosen."""
        if self._chosen is None:
            raise ValueError("own-videos: classes are not known yet; call truth with the folder of dataset.json first")
        return self._chosen

    @property
    def classes(self) -> ClassTable:
        """Class table of the dataset."""
        return self.chosen.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """The folder with dataset.json; of instances the json of a split in it."""
        return self.open(path).truth(path, split)

    def videos(self, path: Path, split: Path | None) -> Sources:
        """What a prediction has to cover."""
        return self.open(path).videos(path, split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder of `VIDEO/FRAME.png` in the coding of the labels; of instances `results.json`, or its folder."""
        return self.chosen.prediction(path, truth)

    def evaluator(self) -> Any:
        """A new evaluator."""
        return self.chosen.evaluator()

    def read_truth(self, source: Any) -> Any:
        """The truth of a frame."""
        return self.chosen.read_truth(source)

    def read_prediction(self, source: Any) -> Any:
        """The prediction of a frame."""
        return self.chosen.read_prediction(source)

    def size(self, labels: Any) -> tuple[int, int]:
        """(H, W) of what was read."""
        return self.chosen.size(labels)

    def resize(self, labels: Any, size: tuple[int, int]) -> Any:
        """A prediction at another size, by nearest neighbours."""
        return self.chosen.resize(labels, size)

    def class_id(self, name: str) -> int:
        """Id of a class as labels have it."""
        return self.chosen.class_id(name)

    def format(self, result: dict) -> str:
        """A result as text."""
        return self.chosen.format(result)


def _tracks_file(path: Path, split: Path | None) -> tuple[Path, Path | None]:
    """The json of tracks that a path and a split mean, and what is left of the split: a list of videos."""
    if path.suffix == ".json" and path != description_path(path.parent):
        return path, split
    root = description_path(path).parent
    if split is not None and not split.is_file():
        found = [root / f"instances_{split}.json"]
        split = None
    else:
        found = sorted(root.glob("instances*.json"))
    if len(found) != 1 or not found[0].is_file():
        names = ", ".join(p.name for p in root.glob("instances*.json")) or "none"
        raise FormatError(f"{root}: cannot tell which file has the tracks ({names}). Name it as the truth.")
    return found[0], split
