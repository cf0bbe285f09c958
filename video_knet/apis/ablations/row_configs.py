"""The config of a row: what it changes, on a base at toy size and that base's world."""

import functools
from pathlib import Path
from typing import Any

from video_knet.apis.ablations.tables import Benchmark
from video_knet.apis.runner import load_config
from video_knet.apis.trainings.runs import settings_of
from video_knet.apis.trainings.schedule import environment


@functools.cache
def read_config(path: Path, benchmark: Benchmark, configs: Path, data_root: Path) -> dict[str, Any]:
    """A config at toy size, on a benchmark's world, as plain values that nobody changes.

    Args:
        path: The base itself, or a config of `configs/ablations`, which is put on top of the base.
        benchmark: Base and world.
        configs: Folder of the configs.
        data_root: Folder of the world.
    """
    base = (configs / benchmark.base).resolve()
    with environment({"ABLATION_BASE": str(base), benchmark.root: str(data_root)}):
        return settings_of(load_config(path))
