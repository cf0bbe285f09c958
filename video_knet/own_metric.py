"""The metrics of one's own videos in the host's loops."""

from functools import partial
from pathlib import Path

from mmdet.registry import METRICS

from video_knet.evaluation.own_videos import OwnTracksBenchmark, OwnVideosBenchmark
from video_knet.formats import OwnVideos, SegmentMap
from video_knet.formats.own_videos.description import INSTANCES
from video_knet.metrics import VideoMetric
from video_knet.track_metric import YouTubeVisMetric


@METRICS.register_module()
class OwnVideosMetric(VideoMetric):
    """STQ and VPQ of panoptic labels, mIoU and mVC of semantic ones; `OUT_DIR/VIDEO/FRAME.png` are written.

    Frames without label are written only.

    Args:
        data_root: The folder with dataset.json.
        out_dir, prefix: As in `VideoMetric`.
    """

    def __init__(self, data_root: str, out_dir: str | None = None, prefix: str | None = None, **kwargs) -> None:
        self.style = OwnVideos(data_root)
        if self.style.description.labels == INSTANCES:
            raise ValueError(f"{data_root}: labels are instances, which OwnTracksMetric measures; name that metric")
        self.benchmark_type = partial(OwnVideosBenchmark, root=Path(data_root))
        super().__init__(out_dir=out_dir, prefix=prefix, **kwargs)

    def write(self, video: str, name: str, prediction: SegmentMap) -> None:
        """Write the PNG of a frame."""
        self.style.write(self.style.prediction_path(self.out_dir, video, name), prediction)


@METRICS.register_module()
class OwnTracksMetric(YouTubeVisMetric):
    """AP of instances; `OUT_DIR/results.json` and `results.zip` are written.

    Args:
        ann_file: instances_SPLIT.json, with dataset.json beside it.
        out_dir, prefix: As in `VideoMetric`.
    """

    benchmark_type = OwnTracksBenchmark
