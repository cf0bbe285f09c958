"""Video K-Net's modules; importing registers them."""

from video_knet.models import (
    clip_decoder,
    clip_knet,
    data_preprocessor,
    kernel_fusion,
    kernel_linking,
    labels,
    state,
    track_head,
    tracker,
    tubes,
    video_knet,
    window_stitching,
)
from video_knet.models.clip_knet import ClipKNet
from video_knet.models.video_knet import VideoKNet

__all__ = [
    "ClipKNet",
    "VideoKNet",
    "clip_decoder",
    "clip_knet",
    "data_preprocessor",
    "kernel_fusion",
    "kernel_linking",
    "labels",
    "state",
    "track_head",
    "tracker",
    "tubes",
    "video_knet",
    "window_stitching",
]
