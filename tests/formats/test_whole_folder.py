"""A folder is there whole or not at all, and an older one stays until the new one has its name."""

import logging
import os
from pathlib import Path

import pytest

from video_knet.formats.disk.files import whole_folder
from video_knet.formats.kitti_step import KittiStep
from video_knet.preparation.new_dataset import Job, new_dataset
from video_knet.synthetic import World, write_world


def write(target: Path, text: str = "new") -> None:
    with whole_folder(target) as part:
        (part / "deep").mkdir()
        (part / "deep" / "file.txt").write_text(text)


def write_conversion(target: Path) -> None:
    (target.parent / "source").mkdir(exist_ok=True)
    with new_dataset(Job(target.parent / "source", target, force=True), "test") as part:
        (part / "file.txt").write_text("new")


def write_tiny_world(target: Path) -> None:
    style = KittiStep()
    write_world(target, style, World(style.classes, (16, 16), frames=1), {"val": 1})


@pytest.fixture
def locked(monkeypatch) -> str:
    """Name of a file that cannot be deleted."""
    unlink = os.unlink

    def refuse(path, *args, **kwargs):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", path)
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", refuse)
    return "locked"


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "parent" / "out"
    with whole_folder(target) as part:
        assert str(os.getpid()) in part.name
        assert part.parent == target.parent
        assert not target.exists()
    assert target.is_dir()
    write(target, "one")
    write(target, "two")
    assert (target / "deep" / "file.txt").read_text() == "two"
    assert list(target.parent.iterdir()) == [target]


def test_a_fault_leaves_what_was_there(tmp_path):
    def interrupted() -> None:
        with whole_folder(tmp_path / "out") as part:
            (part / "half.txt").touch()
            raise KeyboardInterrupt

    write(tmp_path / "out", "old")
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "out" / "deep" / "file.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_fault_while_the_names_are_changed_leaves_what_was_there(tmp_path, monkeypatch):
    write(tmp_path / "out", "old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == tmp_path / "out" and not self.name.endswith(".old"):
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write(tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "file.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_link_stays_a_link(tmp_path):
    write(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "deep" / "file.txt").read_text() == "new"


def test_a_file_is_not_replaced(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(FileExistsError, match="out: exists and is no folder"):
        write(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


@pytest.mark.parametrize("writer", [write, write_conversion, write_tiny_world])
def test_what_cannot_be_deleted_does_not_cost_the_new_folder(tmp_path, locked, caplog, writer):
    target = tmp_path / "out"
    writer(target)
    (target / locked).touch()
    with caplog.at_level(logging.WARNING):
        writer(target)
    assert not (target / locked).exists()
    assert any(path.is_file() for path in target.rglob("*"))
    (left,) = tmp_path.rglob(locked)
    assert left.parent.parent == tmp_path
    assert f"{target}: the older folder could not be deleted" in caplog.text
    assert str(left.parent) in caplog.text
