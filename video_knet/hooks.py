"""Hooks of the runner."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.registry import HOOKS
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_rank, master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import Dataset

from video_knet.datasets.base import VideoDataset
from video_knet.datasets.seeding import seed_words
from video_knet.formats.disk.json_files import write_json


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


def plain(value: Any) -> Any:
    """The same value without objects of numpy and of the host: scalars become numbers, arrays and histories tensors."""
    if isinstance(value, HistoryBuffer):
        values, counts = (torch.as_tensor(part) for part in value.data)
        return {"values": values, "counts": counts, "max_length": value.max_length}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(entry) for entry in value)
    return value


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Saves checkpoints that `torch.load(weights_only=True)` reads: the host puts objects of its own into them."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Makes everything plain that is not weights or optimizer state."""
        for part in ("meta", "message_hub", "param_schedulers"):
            if part in checkpoint:
                checkpoint[part] = plain(checkpoint[part])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Turns the histories of logged values back, for resuming."""
        histories = checkpoint.get("message_hub", {}).get("log_scalars", {})
        for name, history in histories.items():
            if isinstance(history, dict):
                values, counts = history["values"].cpu().numpy(), history["counts"].cpu().numpy()
                histories[name] = HistoryBuffer(values, counts, history["max_length"])


@HOOKS.register_module()
class MetricsFileHook(Hook):
    """Writes `metrics.json` into the work dir: the best validation so far, and the history of all.

    Which is best says `save_best` of the checkpoint hook, the higher the better; without it, the last one.
    """

    priority = "VERY_LOW"

    def __init__(self) -> None:
        self.key: str | None = None
        self.history: list[dict[str, float | int]] = []

    def before_train(self, runner: Runner) -> None:
        """Goes on with the history of the run that is resumed."""
        hooks = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook) and hook.save_best]
        self.key = hooks[0].key_indicators[0] if hooks else None
        path = self._path(runner)
        if runner.iter > 0 and path.is_file():
            history = json.loads(path.read_text()).get("history", [])
            self.history = [entry for entry in history if entry["epoch"] <= runner.epoch]

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Adds a validation and writes the file."""
        if not metrics:
            return
        entry = {name: None if math.isnan(value) else float(value) for name, value in metrics.items()}
        self.history.append({"epoch": runner.epoch, **entry})
        scored = [entry for entry in self.history if entry.get(self.key) is not None]
        best = max(scored, key=lambda entry: entry[self.key]) if scored else self.history[-1]
        write_json(self._path(runner), {**best, "history": self.history}, indent=2)

    @staticmethod
    def _path(runner: Runner) -> Path:
        return Path(runner.work_dir) / "metrics.json"
