"""Hooks of the runner."""

import random
from collections.abc import Iterator

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import Dataset

from video_knet.datasets.base import VideoDataset
from video_knet.datasets.seeding import seed_words


def video_datasets(dataset: Dataset) -> Iterator[VideoDataset]:
    """The `VideoDataset`s in a dataset that may be a `ConcatDataset`.

    Raises:
        TypeError: A `VideoDataset` is inside another wrapper, whose repeats would all draw the same augmentation.
    """
    if isinstance(dataset, VideoDataset):
        yield dataset
    elif isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from video_datasets(part)
    elif hasattr(dataset, "dataset") and any(True for _ in video_datasets(dataset.dataset)):
        raise TypeError(
            f"{type(dataset).__name__} around a VideoDataset would repeat the same augmentation: "
            "set `repeats` of the dataset itself instead"
        )


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Makes a resumed run repeat an uninterrupted one exactly.

    The host restores no random state. So the draws of the data depend on (seed, epoch, index), see `VideoDataset`, and
    those of the model on (seed, iteration, rank).
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        """Refuses loops without epochs: all passes over the data would draw the same."""
        has_videos = any(True for _ in video_datasets(runner.train_dataloader.dataset))
        if has_videos and not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise TypeError(
                f"{type(runner.train_loop).__name__} has no epochs, so a VideoDataset would draw the same augmentation "
                "in each pass: set train_cfg.type='EpochBasedTrainLoop'"
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Tells the datasets and their workers which epoch begins."""
        for dataset in video_datasets(runner.train_dataloader.dataset):
            dataset.set_epoch(runner.epoch, seed=runner.seed)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Seeds the generators of the training process."""
        python_seed, numpy_seed, torch_seed = seed_words(runner.seed, runner.iter, get_rank())
        random.seed(python_seed)
        np.random.seed(numpy_seed)  # noqa: NPY002
        torch.manual_seed(torch_seed)
