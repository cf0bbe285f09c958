"""Video K-Net's modules; importing registers them."""

from video_knet.models import (
    appearance_embedding,
    clip_decoder,
    clip_knet,
    data_preprocessor,
    frame_pairs,
    kernel_fusion,
    kernel_linking,
    kernel_sampling,
    labels,
    motion_tracker,
    segmentor,
    state,
    track_boxes,
    track_head,
    tracker,
    tubes,
    video_knet,
    window_stitching,
    windows,
)
from video_knet.models.clip_knet import ClipKNet
from video_knet.models.segmentor import VideoSegmentor
from video_knet.models.video_knet import VideoKNet

__all__ = [
    "ClipKNet",
    "VideoKNet",
    "VideoSegmentor",
    "appearance_embedding",
    "clip_decoder",
    "clip_knet",
    "data_preprocessor",
    "frame_pairs",
    "kernel_fusion",
    "kernel_linking",
    "kernel_sampling",
    "labels",
    "motion_tracker",
    "segmentor",
    "state",
    "track_boxes",
    "track_head",
    "tracker",
    "tubes",
    "video_knet",
    "window_stitching",
    "windows",
]
