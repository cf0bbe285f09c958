"""Models small enough to train in a moment, and clips for them."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

import video_knet.models  # noqa: F401  registers
from knet import KNet

CONFIGS = Path(__file__).parents[1] / "configs/_base_/models"


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


def build(config: str, **overrides) -> KNet:
    """The model of `configs/_base_/models/CONFIG.py`, with changes by dotted name; random weights, no download."""
    cfg = Config.fromfile(CONFIGS / f"{config}.py")
    labels = dict(type="FormatLabels", format="kitti_step")
    changes = {"labels": labels, "backbone.init_cfg": None, **overrides}
    cfg.merge_from_dict({f"model.{name}": value for name, value in changes.items()})
    return MODELS.build(cfg.model)
