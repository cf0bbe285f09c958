"""Models small enough to train in a moment, and clips for them."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from knet import KNet
from video_knet.models import VideoKNet

CONFIGS = Path(__file__).parents[1] / "configs/_base_/models"
KITTI_LABELS = dict(type="FormatLabels", format="kitti_step")


@pytest.fixture(scope="session", autouse=True)
def mmdet_scope():
    """The host's registries by default."""
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield


@pytest.fixture(autouse=True)
def one_thread_and_seed():
    """One thread and the same seed for every test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def build(config: str, *overrides: dict) -> KNet:
    """The model of `configs/_base_/models/CONFIG.py`, with changes by dotted name; random weights, no download."""
    cfg = Config.fromfile(CONFIGS / f"{config}.py")
    if not any("labels" in changes for changes in overrides):
        cfg.model.labels = KITTI_LABELS
    for changes in ({"backbone.init_cfg": None}, *overrides):
        cfg.merge_from_dict({f"model.{name}": value for name, value in changes.items()})
    return MODELS.build(cfg.model)


SIZE = (64, 96)
CHANNELS, NUM_KERNELS = 32, 10
LABELS = dict(type="LabelSpace", num_things=2, num_stuff=3, ids=(11, 13, 0, 8, 10))
ATTENTION = dict(channels=CHANNELS, num_heads=4, ffn_channels=64)
GROUPS = dict(type="GN", num_groups=8)
TINY = {
    "labels": LABELS,
    "backbone.depth": 18,
    "backbone.stem_channels": 8,
    "backbone.base_channels": 8,
    "backbone.frozen_stages": -1,
    "backbone.zero_init_residual": False,
    "neck.in_channels": [8, 16, 32, 64],
    "neck.out_channels": CHANNELS,
    "kernel_head.channels": CHANNELS,
    "kernel_head.num_kernels": NUM_KERNELS,
    "kernel_head.norm_cfg": GROUPS,
    "kernel_head.semantic_fpn": dict(in_channels=CHANNELS, norm_cfg=GROUPS),
    "decoder.stage": ATTENTION,
}
TINY_VIDEO = TINY | {
    "kernel_linking": ATTENTION,
    "kernel_fusion": ATTENTION,
    "track_head.embed.channels": CHANNELS,
    # Random weights are sure of nothing: keep what wins any pixel.
    "merging.score_thr": 0.0,
    "merging.overlap_thr": 0.0,
}


def tiny_image_model(**overrides) -> KNet:
    """Image K-Net on 64x96 images: 10 thing kernels, 32 channels, 2 things and 3 stuff classes."""
    return build("knet_r50", TINY, overrides)


def tiny_video_model(**overrides) -> VideoKNet:
    """Video K-Net of the same size with all its parts; random weights find something on every image."""
    return build("video_knet_r50", TINY_VIDEO, overrides)


@dataclass
class Thing:
    """An object of a drawn frame: a rectangle of `size` pixels in height and width."""

    id: int
    label: int
    top: int
    left: int
    size: tuple[int, int] = (24, 24)


def frame(things: list[Thing], stuff: bool = True, **meta) -> DetDataSample:
    """A frame of three bands of stuff with void in the corner, or void only, and things on it; later ones on top."""
    height, width = SIZE
    semantic = torch.full(SIZE, 255)
    if stuff:
        semantic[:] = 2 + torch.arange(height)[:, None] * 3 // height
        semantic[:8, :8] = 255
    owner = torch.zeros(SIZE, dtype=torch.int64)
    for i, thing in enumerate(things):
        inside = (slice(thing.top, thing.top + thing.size[0]), slice(thing.left, thing.left + thing.size[1]))
        semantic[inside], owner[inside] = thing.label, i + 1
    masks = torch.stack([owner == i + 1 for i in range(len(things))]) if things else torch.zeros(0, *SIZE)
    sample = DetDataSample(metainfo=dict(img_shape=SIZE, ori_shape=SIZE, batch_input_shape=SIZE) | meta)
    sample.gt_instances = InstanceData(
        masks=BitmapMasks(masks.byte().numpy(), height, width),
        labels=torch.tensor([thing.label for thing in things], dtype=torch.int64),
        instances_ids=torch.tensor([thing.id for thing in things], dtype=torch.int64),
    )
    sample.gt_sem_seg = PixelData(sem_seg=semantic[None])
    return sample


def clip(*frames: DetDataSample) -> TrackDataSample:
    """Frames as one clip."""
    sample = TrackDataSample()
    sample.video_data_samples = list(frames)
    return sample


def images(clips: int, frames: int, seed: int = 0) -> Tensor:
    """(clips, frames, 3, H, W) normalised images of blurred noise that drifts from frame to frame."""
    generator = torch.Generator().manual_seed(seed)
    start, end = torch.randn(2, clips, 1, 3, 8, 12, generator=generator) * 2
    drift = torch.linspace(0, 0.3, frames).view(-1, 1, 1, 1)
    return F.interpolate((start + (end - start) * drift).flatten(0, 1), SIZE, mode="bilinear").unflatten(0, (clips, -1))
