"""The clip-level model on a video that is longer than its window: from Python, and as a file through the demo."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from tools import demo
from video_knet.apis.inferencer import VideoInferencer
from video_knet.apis.video_io import VideoWriter, read_frames

CONFIGS = Path(__file__).parents[2] / "configs"
CONFIG = """
_base_ = ["{0}/models/clip_knet_tiny.py", "{0}/datasets/youtube_vis_2019.py", "{0}/default_runtime.py"]
model = dict(labels=dict(type="FormatLabels", format="youtube_vis_2019"), window=4, stitcher=dict(match_thr=0.3))
"""
NUM_FRAMES, SIZE = 9, (60, 100)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> list[str]:
    """Config and checkpoint with random weights."""
    folder = tmp_path_factory.mktemp("model")
    config, checkpoint = folder / "config.py", folder / "checkpoint.pth"
    config.write_text(CONFIG.format(CONFIGS / "_base_"))
    torch.manual_seed(0)
    torch.save({"state_dict": MODELS.build(Config.fromfile(config).model).state_dict()}, checkpoint)
    return [str(config), str(checkpoint)]


def frames(taken: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """A video that nobody knows the length of; nothing moves in it."""
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    for t in range(NUM_FRAMES):
        taken.append(f"{t:04d}")
        yield taken[-1], image


def test_results_come_window_by_window_and_none_is_missing(model):
    taken, results, ahead = [], [], 0
    for result in VideoInferencer(*model, device="cpu")(frames(taken)):
        results.append(result)
        ahead = max(ahead, len(taken) - len(results))
    assert [result.name for result in results] == taken
    assert ahead < 4  # no more than a window waits
    for result in results:
        assert result.instances.masks.shape == (10, *SIZE)
        assert result.instances.instances_id.tolist() == list(range(1, 11))  # the same objects in every window
        assert set(np.unique(result.segments.track)) <= {0, *result.score_of_track}


def test_a_file_becomes_an_overlay_video(model, tmp_path):
    with VideoWriter(tmp_path / "drive.mp4", fps=5) as writer:
        for _, image in frames([]):
            writer.write(image)
    out = ["--out", str(tmp_path / "overlay.mp4"), "--device", "cpu", "--threads", "1"]
    assert demo.main([*model, str(tmp_path / "drive.mp4"), *out]) == 0
    assert read_frames(tmp_path / "overlay.mp4").length == NUM_FRAMES
