"""Damaged data of every format end in one error that names the file, before training or when the frame is read."""

import os
import shutil

import pytest
from PIL import Image

from tests.preparation.damage import NAMES, label_file, some_frame, worlds  # noqa: F401
from tests.video_data import IMAGES_ONLY, build
from video_knet.formats import FormatError, get_format
from video_knet.preparation.splits import list_splits


def missing(frame) -> None:
    frame.image.unlink()


def cut_off(frame) -> None:
    frame.image.write_bytes(frame.image.read_bytes()[:-300])


def other_size(frame) -> None:
    Image.new("RGB", (30, 20)).save(frame.image)


def no_image(frame) -> None:
    frame.image.write_bytes(b"<html>")


def loop(frame) -> None:
    frame.image.unlink()
    frame.image.symlink_to(frame.image.name)


@pytest.mark.parametrize("damage", [missing, cut_off, other_size, no_image, loop])
@pytest.mark.parametrize("name", NAMES)
def test_damaged_image(worlds, tmp_path, name, damage):  # noqa: F811
    root = shutil.copytree(worlds[name], tmp_path / name)
    split = next(s.name for s in list_splits(get_format(name), root).splits if s.labelled > 1)
    style = str(root) if name == "own-videos" else name
    assert len(build(root, split, IMAGES_ONLY, format=style))
    _, frame = some_frame(name, root)
    damage(frame)
    with pytest.raises(FormatError) as error:
        build(root, split, IMAGES_ONLY, format=style)
    assert str(frame.image.with_suffix("")) in str(error.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("youtube-vis-2019", "coco-instance")])
def test_cut_off_label(worlds, tmp_path, name):  # noqa: F811
    root = shutil.copytree(worlds[name], tmp_path / name)
    split = next(s.name for s in list_splits(get_format(name), root).splits if s.labelled > 1)
    _, frame = some_frame(name, root)
    path = label_file(frame)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(FormatError, match=str(path)):
        build(root, split, IMAGES_ONLY, format=str(root) if name == "own-videos" else name)


def test_a_name_that_is_not_utf8(worlds, tmp_path):  # noqa: F811
    root = shutil.copytree(worlds["vspw"], tmp_path / "vspw")
    _, frame = some_frame("vspw", root)
    for path in (frame.image, frame.label):
        os.rename(path, os.path.join(os.fsencode(path.parent), b"x\xe9" + os.fsencode(path.suffix)))
    with pytest.raises(FormatError, match="not UTF-8"):
        build(root, "train", IMAGES_ONLY, format="vspw")
