"""One training: its config, its seed, its folder, and what it measured."""

import functools
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from video_knet.apis.lint.variables import KNOWN_KEYS
from video_knet.apis.runner import build_runner
from video_knet.formats.disk.json_files import write_json

RESULT = "result.json"


@dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        name: Of the config.
        seed: Of the training.
        config: Resolved, without what differs from run to run.
        root: Folder of all runs.
        start: The run whose weights it starts from.
    """

    name: str
    seed: int
    config: Mapping[str, Any]
    root: Path
    start: "Run | None" = None

    @functools.cached_property
    def key(self) -> str:
        """Tells runs of different content apart, wherever they are."""
        content = [self.config, self.seed, self.start and self.start.key]
        text = json.dumps(content, sort_keys=True, default=str).replace(str(self.root.parent), "")
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def folder(self) -> Path:
        """Where it writes."""
        return self.root / f"{self.name}-seed{self.seed}-{self.key}"

    @property
    def weights(self) -> Path:
        """Its last checkpoint."""
        return self.folder / f"epoch_{self.epochs}.pth"

    @property
    def epochs(self) -> int:
        """Epochs of the training."""
        return self.config["train_cfg"]["max_epochs"]

    def result(self) -> dict[str, Any] | None:
        """What it measured; None while it is not finished."""
        path = self.folder / RESULT
        return json.loads(path.read_text()) if path.is_file() else None


def settings_of(config: Config) -> dict[str, Any]:
    """What a runner reads of a config, as plain values; where to write is left to the run."""
    return {name: value for name, value in config.to_dict().items() if name in KNOWN_KEYS and name != "work_dir"}


class ProgressHook(Hook):
    """Tells how far a training is.

    Args:
        report: Called with the epochs that went by since the last call.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self.report = report
        self.told = 0.0

    def after_train_iter(self, runner: Runner, batch_idx: int, *args: object, **kwargs: object) -> None:
        """Every tenth step, and after the last one of an epoch."""
        done = (runner.iter + 1) / len(runner.train_dataloader)
        if (batch_idx + 1) % 10 == 0 or batch_idx + 1 == len(runner.train_dataloader):
            self.report(done - self.told)
            self.told = done


def train(run: Run, report: Callable[[float], None]) -> None:
    """Train and validate; what was begun goes on from its last checkpoint.

    Args:
        run: What to train.
        report: Called with the epochs that went by since the last call.
    """
    config = Config(dict(run.config))
    import_modules_from_strings(**config.custom_imports)  # the host does it for configs that are files
    config.work_dir, config.randomness = str(run.folder), dict(seed=run.seed)
    config.resume = (run.folder / "last_checkpoint").is_file()
    if run.start is not None and not config.resume:
        config.load_from = str(run.start.weights)
    runner = build_runner(config, threads=1)
    runner.register_hook(ProgressHook(report))
    begun = time.monotonic()
    runner.train()
    history = validations(run.folder)
    if not history or history[-1]["epoch"] < run.epochs:  # it was interrupted in its last validation
        runner.val()
        history = validations(run.folder)
    result = dict(name=run.name, seed=run.seed, metrics=history[-1], seconds=round(time.monotonic() - begun, 1))
    write_json(run.folder / RESULT, result | dict(device=device_name(), resumed=bool(config.resume)), indent=2)


def validations(folder: Path) -> list[dict[str, Any]]:
    """Scores of each validation of a training so far."""
    path = folder / "metrics.json"
    return json.loads(path.read_text())["history"] if path.is_file() else []


def device_name() -> str:
    """The GPU, or the processor and its number of cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"
