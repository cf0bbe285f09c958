"""Tiny worlds of every format, and what tests do to them."""

import shutil
from pathlib import Path

import pytest

from video_knet.formats import FORMATS, Frame, Video, get_format
from video_knet.preparation.check import LISTED, check_dataset, format_report
from video_knet.preparation.splits import list_splits
from video_knet.synthetic import World, write_world

NAMES = sorted(FORMATS.keys() - {"youtube-vis", "youtube-vis-2021"})  # the same class as youtube-vis-2019


@pytest.fixture(scope="session")
def worlds(tmp_path_factory) -> dict[str, Path]:
    """A tiny world in each format, read-only by agreement: 2 train, 1 val, 1 test video of 6 frames, 32x48."""
    root = tmp_path_factory.mktemp("worlds")
    for name in NAMES:
        style = get_format(name)
        world = World(style.classes, (32, 48), frames=6, seed=3)
        write_world(root / name, style, world, {"train": 2, "val": 1, "test": 1})
    return {name: root / name for name in NAMES}


@pytest.fixture
def copy(worlds, tmp_path):
    """Makes a copy of a world that may be damaged."""
    return lambda name: shutil.copytree(worlds[name], tmp_path / name)


def faults(name: str, root: Path, split: str | None = None) -> list[str]:
    report = check_dataset(name, root, split, progress=False)
    text = format_report(report)
    assert ("no fault found" in text) == (not report.faults)
    assert all(fault in text for fault in report.faults[:LISTED])
    return report.faults


def some_frame(name: str, root: Path) -> tuple[Video, Frame]:
    """The second frame of the first split that has labels."""
    split = next(s for s in list_splits(get_format(name), root).splits if s.labelled > 1)
    frames = [(video, frame) for video in split.videos for frame in video.frames if frame.label is not None]
    return frames[1]


def label_file(frame: Frame) -> Path:
    return Path(getattr(frame.label, "path", frame.label))


def one_fault(name: str, root: Path, path: Path, *words: str) -> None:
    found = [fault for fault in faults(name, root) if str(path) in fault]
    assert found, faults(name, root)
    assert not words or any(word in fault for fault in found for word in words), found
