"""Converters never replace, nor write into, a folder that they read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools import convert_dataset, prepare_data
from video_knet.formats.disk.png import write_png

CLASSES = ("--classes", "sky", "road")


@pytest.fixture
def raw(tmp_path) -> Path:
    """Images and labels of a video of one frame."""
    write_png(tmp_path / "raw/images/a/0.png", np.zeros((4, 6, 3), np.uint8))
    write_png(tmp_path / "raw/labels/a/0.png", np.zeros((4, 6), np.uint8))
    return tmp_path / "raw"


def convert(*words: object) -> int:
    return convert_dataset.main(["semantic", *map(str, words), *CLASSES])


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def stays(root: Path, call: Callable[[], int]) -> None:
    """A call ends with a fault, and nothing below a folder has changed."""
    before = files(root)
    assert call() == 1
    assert files(root) == before
    assert not list(root.rglob(".*"))


@pytest.mark.parametrize("link", [(), ("--link", "symlink"), ("--link", "hard")])
def test_a_conversion_is_not_its_own_source(tmp_path, raw, capsys, link):
    mine = tmp_path / "mine"
    assert convert(raw, mine) == 0
    stays(tmp_path, lambda: convert(mine, mine, "--force", *link))
    error = capsys.readouterr().err
    assert f"{mine}: is the source itself" in error
    assert "Name another folder" in error
    assert convert(mine, tmp_path / "other", *link) == 0


def test_no_source_lies_in_the_target(tmp_path, raw, capsys):
    mine = tmp_path / "mine"
    assert convert(raw, mine) == 0
    raw = raw.rename(mine / "raw")
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "link").symlink_to(raw)
    for words in ((raw,), (tmp_path / "link",), (elsewhere, "--images", raw / "images", "--labels", raw / "labels")):
        stays(tmp_path, lambda words=words: convert(words[0], mine, *words[1:], "--force"))
        assert f"{mine}: holds the source {words[2] if words[1:] else words[0]}" in capsys.readouterr().err


def test_the_target_does_not_lie_in_a_source(tmp_path, raw, capsys):
    for words in ((raw, raw / "out"), (raw, raw / "images" / "out", "--labels", raw / "labels")):
        stays(tmp_path, lambda words=words: convert(*words))
        assert f"{words[1]}: lies in the source {raw}" in capsys.readouterr().err
    named = ("--images", raw / "images", "--labels", raw / "labels")
    assert convert(tmp_path, tmp_path / "out", *named) == 0  # nothing else of SRC is read


def test_no_link_leads_into_what_is_replaced(tmp_path, raw, capsys):
    mine = tmp_path / "mine"
    assert convert(raw, mine) == 0
    (raw / "images").rename(tmp_path / "gone")
    (raw / "images").symlink_to(mine / "frames")
    stays(tmp_path, lambda: convert(raw, mine, "--force", "--link", "symlink"))
    assert f"{mine}: its new frames/a/0.png would be a link to {mine}/frames/a/0.png" in capsys.readouterr().err
    assert convert(raw, mine, "--force") == 0


def test_a_source_in_a_prepared_copy(tmp_path, capsys):
    copy = tmp_path / "copy"
    (copy / "download").mkdir(parents=True)
    (copy / "prepared.json").write_text('{"dataset": "vspw"}')
    stays(tmp_path, lambda: prepare_data.main(["vspw", "--src", str(copy / "download"), "--dst", str(copy)]))
    assert f"{copy}: holds the source {copy / 'download'}" in capsys.readouterr().err
