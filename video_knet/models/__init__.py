"""Video K-Net's modules; importing registers them."""

from video_knet.models import (
    data_preprocessor,
    kernel_fusion,
    kernel_linking,
    labels,
    state,
    track_head,
    tracker,
    video_knet,
)
from video_knet.models.video_knet import VideoKNet

__all__ = [
    "VideoKNet",
    "data_preprocessor",
    "kernel_fusion",
    "kernel_linking",
    "labels",
    "state",
    "track_head",
    "tracker",
    "video_knet",
]
