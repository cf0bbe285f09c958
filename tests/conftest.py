"""Fixtures of all tests. Data are drawn by the synthetic world; real data are used where VIDEO_KNET_DATA points."""

import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # two threads on two busy cores can be many times slower than one

import cv2
import pytest
import torch

from video_knet.formats import KittiStep
from video_knet.synthetic import World, write_world

torch.set_num_threads(1)
cv2.setNumThreads(0)  # forked workers would wait for OpenCV's threads forever


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    """Root of a tiny KITTI-STEP data set, read-only by agreement: 2 train, 1 val, 1 test video of 5 frames, 48x96."""
    root = tmp_path_factory.mktemp("world") / "kitti_step"
    drawn = World(KittiStep.classes, (48, 96), frames=5, seed=3)
    write_world(root, KittiStep(), drawn, {"train": 2, "val": 1, "test": 1})
    return root


@pytest.fixture(scope="session")
def real_kitti_step() -> Path:
    """Root of real KITTI-STEP frames, or a skip."""
    root = Path(os.environ.get("VIDEO_KNET_DATA", "")) / "kitti_step_mini"
    if not os.environ.get("VIDEO_KNET_DATA") or not root.is_dir():
        pytest.skip("VIDEO_KNET_DATA does not name a folder with kitti_step_mini/ (real KITTI-STEP frames)")
    return root
