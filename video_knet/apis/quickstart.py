"""The whole path at toy size: make a world, train, validate, test, render, and say where everything is."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from tqdm import tqdm

from video_knet.apis.runner import build_runner, load_config
from video_knet.apis.testing import run_test
from video_knet.formats import get_format
from video_knet.synthetic import WORLD_FILE, write_world
from video_knet.synthetic_kinds import get_world

OUTPUTS = ("metrics.json", "checkpoint.pth", "pred", "overlay")


def run_quickstart(config: str | Path, work_dir: str | Path, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run it. A world that is there already is used again.

    Args:
        config: Config with a `world` (format, kind, size, frames, seed, difficulty, videos per split).
        work_dir: Receives `data/`, `train/`, `checkpoint.pth`, `pred/`, `overlay/` and `metrics.json`.
        options: Overrides of the config by dotted name.

    Returns:
        The metrics of the held-out sequences.
    """
    work_dir = Path(work_dir)
    cfg = load_config(config, work_dir / "train", options)
    make_world(cfg.world, Path(cfg.train_dataloader.dataset.data_root))
    for stale in (*OUTPUTS, "train"):
        remove(work_dir / stale)

    build_runner(cfg).train()
    best = sorted((work_dir / "train").glob("best_*.pth"))
    checkpoint = work_dir / "checkpoint.pth"
    # Without a score, as of videos too short for the metric's windows, none is best.
    shutil.copyfile(best[-1] if best else (work_dir / "train" / "last_checkpoint").read_text(), checkpoint)
    return measure_checkpoint(config, work_dir, options)


def measure_checkpoint(config: str | Path, work_dir: Path, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Measure, write and draw what the model of `checkpoint.pth` predicts; returns the metrics."""
    return run_test(
        config,
        work_dir / "checkpoint.pth",
        work_dir=work_dir / "test",
        out_dir=work_dir / "pred",
        show_dir=work_dir / "overlay",
        json_file=work_dir / "metrics.json",
        options=options,
    )


def make_world(settings: Mapping[str, Any], root: Path) -> None:
    """Write a world to `root`, unless the same one is there.

    Args:
        settings: `world` of a config.
        root: Folder to make.

    Raises:
        ValueError: Something else is there.
    """
    style, frames, videos = get_format(settings["format"]), dict(settings["frames"]), dict(settings["videos"])
    kind = get_world(settings.get("kind", "street"))
    world = kind(style.classes, tuple(settings["size"]), seed=settings["seed"], difficulty=settings["difficulty"])
    wanted = dict(seed=world.seed, size=list(world.size), frames_of_split=frames, difficulty=world.difficulty)
    wanted |= dict(format=style.name, kind=world.kind, videos=videos)
    if (root / WORLD_FILE).is_file():
        found = json.loads((root / WORLD_FILE).read_text())
        if all(found.get(name) == value for name, value in wanted.items()):
            print_log(f"{root}: the world is there already", "current")
            return
    elif root.exists() and any(root.iterdir()):
        raise ValueError(f"{root} holds something else than a synthetic world; name another folder or remove it")
    total = sum(count * frames[split] for split, count in videos.items())
    with tqdm(total=total, unit="frame", desc=f"world {root}") as bar:
        write_world(root, style, world, videos, progress=bar.update, frames=frames)


def remove(path: Path) -> None:
    """Remove a file or folder that an earlier run left."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
