"""Resuming: the host restores no random state, the hook makes that unnecessary."""

import random

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.model import BaseModel
from mmengine.runner import Runner

from tests.video_data import build, geometry, mmdet_scope, world_root  # noqa: F401
from video_knet.hooks import EpochSeedHook, video_datasets


class Noisy(BaseModel):
    """A model whose loss depends on its data and on draws of its own."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.losses = []

    def forward(self, inputs, data_samples=None, mode="loss"):
        noise = torch.rand(()) + random.random() + np.random.rand()  # noqa: NPY002
        positions = [frame.frame_id for frame in data_samples[0].video_data_samples]
        loss = self.weight * inputs[0].float().mean() / 255 * noise + positions[0]
        self.losses.append(loss.item())
        return {"loss": loss.sum()}


@pytest.fixture(autouse=True)
def no_report_of_the_environment(monkeypatch):
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)


def train(root, work_dir, epochs: int, name: str, loop: str = "EpochBasedTrainLoop", **kwargs) -> list[float]:
    dataset = {
        "type": "VideoDataset",
        "format": "kitti_step",
        "data_root": str(root),
        "split": "train",
        "pipeline": geometry(),
        "ref_sampler": {"type": "ReferenceSampler"},
    }
    model = Noisy()
    length = {"max_epochs": epochs} if loop.startswith("Epoch") else {"max_iters": 3}
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader={
            "batch_size": 1,
            "num_workers": 1,
            "persistent_workers": True,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
            "dataset": dataset,
        },
        train_cfg={"type": loop, **length},
        optim_wrapper={"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.01, "momentum": 0.9}},
        custom_hooks=[{"type": "EpochSeedHook"}, {"type": "PlainCheckpointHook"}],
        default_scope="mmdet",
        randomness={"seed": 7},
        experiment_name=name,
        **kwargs,
    )
    runner.train()
    runner.train_dataloader._iterator._shutdown_workers()  # left to the garbage collector it takes five seconds
    return model.losses


def test_a_resumed_run_repeats_an_uninterrupted_one(world_root, tmp_path):  # noqa: F811
    whole = train(world_root, tmp_path / "whole", 3, "whole")
    assert len(whole) == 36
    assert whole[:12] != whole[12:24]
    train(world_root, tmp_path / "cut", 1, "cut")
    resumed = train(world_root, tmp_path / "cut", 3, "resumed", resume=True)
    assert resumed == whole[12:]


def test_loops_without_epochs_are_refused(world_root, tmp_path):  # noqa: F811
    with pytest.raises(TypeError, match="IterBasedTrainLoop has no epochs"):
        train(world_root, tmp_path, 1, "iterations", loop="IterBasedTrainLoop")


def test_datasets_are_found_in_wrappers(world_root):  # noqa: F811
    dataset = build(world_root, refs={})
    assert list(video_datasets(ConcatDataset([dataset, dataset]))) == [dataset, dataset]
    assert list(video_datasets(torch.utils.data.TensorDataset(torch.zeros(1)))) == []
    with pytest.raises(TypeError, match="set `repeats` of the dataset itself"):
        list(video_datasets(RepeatDataset(dataset, 2)))


def test_the_hook_comes_before_others_that_draw():
    assert EpochSeedHook().priority == "VERY_HIGH"
