"""Datasets on disk: a drawn world, and videos painted by hand where exact pixels matter."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.registry import DefaultScope

from video_knet import datasets  # noqa: F401  registers
from video_knet.formats import KittiStep, SegmentMap
from video_knet.synthetic import World

STYLE = KittiStep()


@pytest.fixture(scope="session", autouse=True)
def mmdet_scope():
    """Modules are looked up as in a run; OpenCV has no threads, since forked workers would wait for them forever."""
    cv2.setNumThreads(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield


def write_world(root: Path, counts: dict[str, int], frames: int = 6, start: int = 78) -> Path:
    world = World(STYLE.classes, size=(48, 96), frames=frames, seed=3)
    for split, count in counts.items():
        for index, name in enumerate(STYLE.sequence_names(split, count)):
            images, maps = zip(*world.video(index, split))
            STYLE.write_video(root, split, name, images, maps, start)
    return root


def write_video(root: Path, maps: list[SegmentMap], split: str = "train", name: str = "0000", start: int = 0) -> Path:
    """A video whose images repeat the labels: red is the class, green the low byte of the track."""
    images = [np.stack([m.semantic, m.track & 255, np.zeros_like(m.semantic)], -1).astype(np.uint8) for m in maps]
    STYLE.write_video(root, split, name, images, maps, start)
    return root


def painted(height: int = 8, width: int = 12) -> SegmentMap:
    """Road (0) below, sky (10) above, a car (13) with track 1, a person (11) with track 1, a crowd of persons, void."""
    semantic = np.full((height, width), 10, np.uint8)
    semantic[height // 2 :] = 0
    track = np.zeros((height, width), np.int32)
    semantic[2:5, 1:4], track[2:5, 1:4] = 13, 1
    semantic[3:6, 5:7], track[3:6, 5:7] = 11, 1
    semantic[1:3, 8:11] = 11
    semantic[height - 1, :3] = 255
    return SegmentMap(semantic, track)


@pytest.fixture(scope="session")
def world_root(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"), {"train": 2, "val": 3, "test": 1})


def geometry(scale=(96, 48), ratio_range=(0.5, 2.0), crop=(80, 40), pack="PackClipInputs", extra=()) -> list[dict]:
    """A training pipeline with the transforms of the shipped configs."""
    transforms = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadSegmentMap"},
        {"type": "RandomResize", "scale": scale, "ratio_range": ratio_range, "keep_ratio": True},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "RandomCrop", "crop_size": crop},
        {"type": "SegmentMapToMasks"},
    ]
    return [
        {"type": "TransformBroadcaster", "share_random_params": True, "transforms": transforms},
        *extra,
        {"type": pack},
    ]


LABELS_ONLY = [
    {"type": "TransformBroadcaster", "transforms": [{"type": t} for t in ("LoadImageFromFile", "LoadSegmentMap")]},
    {"type": "TransformBroadcaster", "transforms": [{"type": "SegmentMapToMasks"}]},
    {"type": "PackClipInputs"},
]
IMAGES_ONLY = [
    {"type": "TransformBroadcaster", "transforms": [{"type": "LoadImageFromFile"}]},
    {"type": "PackClipInputs"},
]


def build(root: Path, split="train", pipeline=None, refs: dict | None = None, **kwargs):
    """A dataset with a default pipeline; refs are arguments of the reference sampler."""
    if refs is not None:
        kwargs["ref_sampler"] = {"type": "ReferenceSampler", **refs}
    pipeline = geometry() if pipeline is None else pipeline
    return DATASETS.build(
        {
            "type": "VideoDataset",
            "format": "kitti_step",
            "data_root": str(root),
            "split": split,
            "pipeline": pipeline,
            **kwargs,
        }
    )
