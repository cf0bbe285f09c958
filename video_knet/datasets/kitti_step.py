"""KITTI-STEP."""

from mmdet.registry import DATASETS

from video_knet.datasets.base import VideoDataset


@DATASETS.register_module()
class KittiStepDataset(VideoDataset):
    """KITTI-STEP in its official layout; see `video_knet.formats.kitti_step`."""

    format_name = "kitti-step"
