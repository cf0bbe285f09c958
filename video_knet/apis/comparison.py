"""A model beside its baseline at toy size: both trained on one synthetic world, from the same seeds, and measured."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from video_knet.apis.quickstart import OUTPUTS, check_origin, clear, make_world, measure_checkpoint
from video_knet.apis.runner import load_config
from video_knet.apis.trainings.runs import Run, settings_of
from video_knet.apis.trainings.schedule import train_all
from video_knet.parallel import count_cores


def run_comparison(
    configs: Sequence[str | Path],
    work_dir: str | Path,
    seeds: int = 1,
    jobs: int | None = None,
    options: dict[str, Any] | None = None,
) -> list[list[dict[str, float | None]]]:
    """Train and measure; what is finished stays, and a world that is there already is used again.

    Args:
        configs: Those to compare, on one world; the last one is the model, of which results are written as in
            `run_quickstart`, from its first seed.
        work_dir: Receives `data/`, `runs/`, `checkpoint.pth`, `pred/`, `overlay/` and `metrics.json`.
        seeds: Trainings of each.
        jobs: Trainings side by side; None for as many as there are cores.
        options: Overrides of the configs by dotted name.

    Returns:
        Of each config the scores after the last epoch, seed by seed.

    Raises:
        ValueError: There is nothing to do, or something of another origin in the place of the world or the results.
        ChildProcessError: A training failed.
    """
    if seeds < 1:
        raise ValueError(f"seeds is {seeds}; at least one is needed")
    work_dir = Path(work_dir)
    loaded = [(Path(path), load_config(path, work_dir, options)) for path in configs]
    stale = [work_dir / name for name in OUTPUTS]
    check_origin(work_dir, stale)
    make_world(loaded[-1][1].world, Path(loaded[-1][1].train_dataloader.dataset.data_root))
    rows = [
        [Run(f"{path.parent.name}_{path.stem}", seed, settings_of(cfg), work_dir / "runs") for seed in range(seeds)]
        for path, cfg in loaded
    ]
    finished = sum(run.result() is not None for runs in rows for run in runs)
    if finished:
        print_log(
            f"{finished} trainings are finished and used again; after a change of code delete {work_dir / 'runs'}",
            "current",
        )
    train_all([run for runs in rows for run in runs], jobs or count_cores())
    clear(work_dir, stale, configs[-1])
    shutil.copyfile(rows[-1][0].weights, work_dir / "checkpoint.pth")
    measure_checkpoint(configs[-1], work_dir, options)
    return [[run.result()["metrics"] for run in runs] for runs in rows]
