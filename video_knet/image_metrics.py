"""PQ of image sets in the host's loops."""

from pathlib import Path

from mmdet.registry import METRICS

from video_knet.evaluation.image_benchmarks import IMAGE_BENCHMARKS
from video_knet.formats import SegmentMap, format_key
from video_knet.metrics import Entries, VideoMetric


@METRICS.register_module()
class ImagePanopticMetric(VideoMetric):
    """PQ, SQ, RQ and mIoU of an image set, whose images are videos of one frame.

    Predictions are written where `tools/evaluate.py` reads them: `OUT_DIR/CITY/NAME.png` for Cityscapes,
    `OUT_DIR/pred.json` and `OUT_DIR/pan_pred/NAME.png` for COCO and Mapillary Vistas.

    Args:
        dataset: Name of the image set, a key of `IMAGE_BENCHMARKS`.
        out_dir: Folder to write predictions to; None writes none.
        prefix: Put before the names of the metrics, with a slash.

    Raises:
        ValueError: `dataset` is no image set.
    """

    def __init__(self, dataset: str, out_dir: str | None = None, prefix: str | None = None, **kwargs) -> None:
        key = format_key(dataset)
        if key not in IMAGE_BENCHMARKS:
            raise ValueError(f"dataset {dataset!r} is no image set; use one of: {', '.join(sorted(IMAGE_BENCHMARKS))}")
        self.benchmark_type = IMAGE_BENCHMARKS[key]
        super().__init__(out_dir=out_dir, prefix=prefix, **kwargs)

    def write(self, video: str, name: str, prediction: SegmentMap) -> dict | None:
        """Write the prediction of an image."""
        return self.benchmark.write(Path(self.out_dir), name, prediction)

    def finish(self, entries: Entries) -> None:
        """Write the list of all images, where there is one."""
        listed = [entry for frames in entries.values() for entry in frames.values() if entry is not None]
        self.benchmark.finish(Path(self.out_dir), listed)
