"""Overlay videos while testing: a metric that measures nothing and draws every frame it is shown."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmdet.registry import METRICS
from mmengine.dist import barrier
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from video_knet.apis.dataset_meta import classes_from_meta
from video_knet.apis.inferencer import kernel_of_track, score_of_track, segments_of
from video_knet.apis.render import VideoRenderer, comparison_title
from video_knet.apis.video_io import read_image
from video_knet.apis.visualization import ColorBy
from video_knet.datasets.transforms import known_format

LOOKAHEAD = 5  # labels, and predictions that are kept, begin by the fifth frame of a video (Cityscapes-VPS)


@METRICS.register_module()
class OverlayVideo(BaseMetric):
    """Writes OUT/VIDEO.mp4 for each video of the test loop, in constant memory; images become OUT/NAME.png.

    It needs whole videos with their frames in order, as `WholeVideoSampler` gives them; with several processes each
    writes the videos it tests.

    Args:
        out_dir: Folder of the videos.
        compare_dir: Predictions of another model on the same frames, shown beside (paper Fig. 5).
        color_by: Colour tracks by "track" id or by "kernel" index (paper Fig. 3).
        show_truth: Show the annotation of videos that have one; frames without show the bare image in its place.
        fps: Frames per second.
    """

    default_prefix = "overlay"

    def __init__(
        self,
        out_dir: str | Path,
        compare_dir: str | Path | None = None,
        color_by: ColorBy = "track",
        show_truth: bool = True,
        fps: float = 10.0,
    ) -> None:
        super().__init__()
        self.out_dir, self.compare_dir = Path(out_dir), compare_dir
        self.color_by, self.show_truth, self.fps = color_by, show_truth, fps
        self._renderer: VideoRenderer | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Draw the frames of a batch.

        Args:
            data_batch: Not used.
            data_samples: Frames or clips, with `img_path`, `label_source`, `video_name` and `frame_name`, and the
                predictions: `pred_panoptic`, or objects alone as `pred_track_instances` or `pred_instances`, of which
                those with higher scores lie on top.
        """
        if self._renderer is None:
            self._renderer = self._start()
        for frame in frames_of(data_samples):
            self._draw(frame)

    def compute_metrics(self, results: list) -> dict:
        """No numbers."""
        return {}

    def evaluate(self, size: int) -> dict:
        """Finish the last video, and wait until the other processes have finished theirs."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        barrier()
        return {}

    def _start(self) -> VideoRenderer:
        titles = {"compare": comparison_title(self.compare_dir)} if self.compare_dir else None
        classes, lookahead = classes_from_meta(self.dataset_meta), LOOKAHEAD if self.show_truth or titles else 1
        return VideoRenderer(self.out_dir, classes, self.fps, self.color_by, titles=titles, lookahead=lookahead)

    def _draw(self, frame: BaseDataElement | dict) -> None:
        video, name, label = frame.get("video_name"), frame.get("frame_name"), frame.get("label_source")
        label = label if self.show_truth else None
        compare = truth = None
        if self.compare_dir or label is not None:
            label_format = known_format(self.dataset_meta["format"])
            truth = None if label is None else label_format.read(label)
            compare = label_format.read_predicted(self.compare_dir, video, name) if self.compare_dir else None
        self._renderer.add(
            video,
            name,
            read_image(frame.get("img_path")),
            segments_of(frame, self._renderer.classes),
            truth,
            compare,
            kernel_of_track(frame.get("pred_track_instances")),
            alone=frame.get("video_length") == 1,
            score_of_track=score_of_track(frame),
        )


def frames_of(data_samples: Iterable[dict]) -> Iterator[BaseDataElement | dict]:
    """The frames in a batch of clips or of single frames."""
    for sample in data_samples:
        yield from sample.get("video_data_samples", [sample])
