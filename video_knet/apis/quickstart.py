"""The whole path at toy size: make a world, train, validate, test, render, and say where everything is."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from tqdm import tqdm

from video_knet.apis.runner import build_runner, load_config
from video_knet.apis.testing import run_test
from video_knet.formats import get_format
from video_knet.formats.disk.json_files import write_json
from video_knet.synthetic import WORLD_FILE, write_world
from video_knet.synthetic_kinds import get_world

OUTPUTS = ("metrics.json", "checkpoint.pth", "pred", "overlay")
MARK = "quickstart.json"  # in each folder that was made here, so that only those are written over


def run_quickstart(config: str | Path, work_dir: str | Path, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run it. A world that is there already is used again.

    Args:
        config: Config with a `world` (format, kind, size, frames, seed, difficulty, videos per split).
        work_dir: Receives `data/`, `train/`, `checkpoint.pth`, `pred/`, `overlay/` and `metrics.json`.
        options: Overrides of the config by dotted name.

    Returns:
        The metrics of the held-out sequences.

    Raises:
        ValueError: `work_dir` has such files of another origin, or something else than the world is in its place.
    """
    work_dir = Path(work_dir)
    cfg = load_config(config, work_dir / "train", options)
    stale = [work_dir / name for name in (*OUTPUTS, "train")]
    check_origin(work_dir, stale)
    make_world(cfg.world, Path(cfg.train_dataloader.dataset.data_root))
    clear(work_dir, stale, config)

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


def check_origin(work_dir: Path, stale: Sequence[Path]) -> None:
    """Refuse to remove from a folder what was not made here.

    Args:
        work_dir: The folder.
        stale: What will be removed from it.

    Raises:
        ValueError: Some of that is there, and the folder is not marked.
    """
    if not (work_dir / MARK).is_file() and (found := [path for path in stale if path.exists()]):
        raise ValueError(
            f"{found[0]} is there, and {work_dir} was not made by a quickstart ({MARK} is missing); name another "
            "work_dir, or move what is there"
        )


def clear(work_dir: Path, stale: Sequence[Path], config: str | Path) -> None:
    """Remove what an earlier run left, and mark the folder as made here, by a config."""
    write_json(work_dir / MARK, {"config": str(config)}, indent=2)
    for path in stale:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
