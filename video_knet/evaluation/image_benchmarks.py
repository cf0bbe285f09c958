"""Benchmarks of image sets: PQ and mIoU. An image is a video of one frame, and both have its name."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..formats import ClassTable, FormatError, SegmentMap
from ..formats.cityscapes import Cityscapes, CityscapesPanoptic, CityscapesStep
from ..formats.coco import CocoPanoptic
from ..formats.coco.panoptic import CATEGORY_IDS as COCO_IDS
from ..formats.coding.panoptic_json import PackedLabel, categories_json, prediction_labels, write_image
from ..formats.disk.json_files import write_json
from ..formats.mapillary import Mapillary
from ..formats.mapillary.format import CATEGORY_IDS as MAPILLARY_IDS
from .benchmark import Benchmark, Sources, only
from .image_panoptic import ImagePanopticEvaluator, format_image_panoptic


class ImageBenchmark(Benchmark):
    """PQ and mIoU of an image set; it also writes predictions where it reads them."""

    headline, protocols, unit = ("PQ", "SQ", "RQ", "mIoU"), ("standard",), "image"
    frame_scores, association, class_score = (), (), "PQ"
    style: Any

    @property
    def classes(self) -> ClassTable:
        """Class table of the dataset."""
        return self.style.classes

    def truth(self, path: Path, split: Path | None) -> Sources:
        """The labels of the images, as the format finds them below a path."""
        return only(_as_videos(partial(self.style.label_files, path)), split)

    def read_truth(self, source: Any) -> SegmentMap:
        """Labels of an image."""
        return self.style.read(source[0] if isinstance(source, tuple) else source)

    def evaluator(self) -> ImagePanopticEvaluator:
        """PQ and mIoU."""
        return ImagePanopticEvaluator(self.classes)

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_image_panoptic(result, self.classes)

    @abstractmethod
    def write(self, root: Path, name: str, prediction: SegmentMap) -> dict | None:
        """Write the prediction of an image; returns its entry for `finish`."""

    def finish(self, root: Path, entries: Sequence[dict]) -> None:
        """Write what belongs to all images."""


class _MapBenchmark(ImageBenchmark):
    """Cityscapes: a prediction is a PNG in the coding of KITTI-STEP, `CITY/NAME.png`."""

    style: Cityscapes

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder of `CITY/NAME.png`."""
        return _as_videos(partial(self.style.prediction_files, path))

    def read_prediction(self, source: Path) -> SegmentMap:
        """Prediction of an image."""
        return self.style.read_map(source)

    def write(self, root: Path, name: str, prediction: SegmentMap) -> None:
        """Write `CITY/NAME.png`."""
        self.style.write_map(self.style.prediction_path(root, name, name), prediction)


class CityscapesPanopticBenchmark(_MapBenchmark):
    """Cityscapes with its eight things."""

    name, style = CityscapesPanoptic.name, CityscapesPanoptic()


class CityscapesStepBenchmark(_MapBenchmark):
    """Cityscapes with the things of KITTI-STEP."""

    name, style = CityscapesStep.name, CityscapesStep()


class _JsonBenchmark(ImageBenchmark):
    """A prediction is `pred.json` and `pan_pred/NAME.png` in COCO's panoptic layout."""

    category_ids: tuple[int, ...]

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """Folder with `pred.json` and `pan_pred/`."""
        return _as_videos(partial(prediction_labels, path, self.classes, self.category_ids))

    def read_prediction(self, source: PackedLabel) -> SegmentMap:
        """Prediction of an image."""
        return source.read_prediction()

    def write(self, root: Path, name: str, prediction: SegmentMap) -> dict:
        """Write `pan_pred/NAME.png`."""
        path = root / "pan_pred" / f"{name}.png"
        segments = write_image(path, prediction, self.classes, self.category_ids, crowds=False)
        return {"image_id": self.image_id(name), "file_name": path.name, "segments_info": segments}

    def finish(self, root: Path, entries: Sequence[dict]) -> None:
        """Write `pred.json`."""
        categories = categories_json(self.classes, self.category_ids)
        write_json(root / "pred.json", {"annotations": list(entries), "categories": categories})

    def image_id(self, name: str) -> str | int:
        """`image_id` of an image in the json."""
        return name


class CocoPanopticBenchmark(_JsonBenchmark):
    """COCO panoptic."""

    name, style, category_ids = CocoPanoptic.name, CocoPanoptic(), COCO_IDS

    def image_id(self, name: str) -> str | int:
        """The number in a file name."""
        return int(name) if name.isdecimal() else name


class MapillaryBenchmark(_JsonBenchmark):
    """Mapillary Vistas v1.2."""

    name, style, category_ids = Mapillary.name, Mapillary(), MAPILLARY_IDS


IMAGE_BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        CityscapesPanopticBenchmark,
        CityscapesStepBenchmark,
        CocoPanopticBenchmark,
        MapillaryBenchmark,
    )
}


def _as_videos(list_labels: Callable[[], Mapping[str, Any]]) -> Sources:
    """Labels by name as the frames of videos, also those that an error brings."""
    try:
        return {name: {name: source} for name, source in list_labels().items()}
    except FormatError as error:
        found = {name: {name: source} for name, source in (error.partial or {}).items()}
        raise FormatError(*error.faults, partial=found) from error
