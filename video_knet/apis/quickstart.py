"""The whole path at toy size: make a world, train, validate, test, render, and say where everything is."""

import json
import shutil
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from tqdm import tqdm

from video_knet.apis.runner import build_runner, load_config
from video_knet.apis.testing import run_test
from video_knet.formats import get_format
from video_knet.synthetic import WORLD_FILE, World, write_world


def run_quickstart(config: str | Path, work_dir: str | Path, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run it. A world that is there already is used again.

    Args:
        config: Config with a `world` (format, size, frames, seed, difficulty, videos per split).
        work_dir: Receives `data/`, `train/`, `checkpoint.pth`, `pred/`, `overlay/` and `metrics.json`.
        options: Overrides of the config by dotted name.

    Returns:
        The metrics of the held-out sequences.
    """
    work_dir = Path(work_dir)
    cfg = load_config(config, work_dir / "train", options)
    make_world(cfg, Path(cfg.train_dataloader.dataset.data_root))
    for stale in ("metrics.json", "checkpoint.pth", "pred", "overlay", "train"):
        remove(work_dir / stale)

    build_runner(cfg).train()
    best = sorted((work_dir / "train").glob("best_*.pth"))
    checkpoint = work_dir / "checkpoint.pth"
    # Without a score, as of videos too short for the metric's windows, none is best.
    shutil.copyfile(best[-1] if best else (work_dir / "train" / "last_checkpoint").read_text(), checkpoint)
    return run_test(
        config,
        checkpoint,
        work_dir=work_dir / "test",
        out_dir=work_dir / "pred",
        show_dir=work_dir / "overlay",
        json_file=work_dir / "metrics.json",
        options=options,
    )


def make_world(cfg: Config, root: Path) -> None:
    """Write the world of a config to `root`, unless the same one is there.

    Raises:
        ValueError: Something else is there.
    """
    style, settings = get_format(cfg.world.format), cfg.world
    size = tuple(settings.size)
    world = World(style.classes, size, seed=settings.seed, difficulty=settings.difficulty)
    frames = dict(settings.frames)
    wanted = dict(seed=world.seed, size=list(size), frames_of_split=frames, difficulty=world.difficulty)
    wanted |= dict(format=style.name, videos=dict(settings.videos))
    if (root / WORLD_FILE).is_file():
        found = json.loads((root / WORLD_FILE).read_text())
        if all(found.get(name) == value for name, value in wanted.items()):
            print_log(f"{root}: the world is there already", "current")
            return
    elif root.exists() and any(root.iterdir()):
        raise ValueError(f"{root} holds something else than a synthetic world; name another folder or remove it")
    total = sum(count * frames[split] for split, count in settings.videos.items())
    with tqdm(total=total, unit="frame", desc=f"world {root}") as bar:
        write_world(root, style, world, settings.videos, progress=bar.update, frames=frames)


def remove(path: Path) -> None:
    """Remove a file or folder that an earlier run left."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
