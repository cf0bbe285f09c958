"""`tools/prepare_data.py`: copies have the frames of their source, and a run may stop at any time."""

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.prepare_data import main
from video_knet.formats import FormatError, SegmentMap, get_format
from video_knet.formats.coding.segment_png import read_segments
from video_knet.formats.disk.png import png_size
from video_knet.preparation import prepare as module
from video_knet.preparation.conversions import ShrinkImage, ShrinkMask
from video_knet.preparation.prepare import prepare
from video_knet.preparation.recipes import RECIPES
from video_knet.preparation.tree import survey
from video_knet.synthetic import World, write_world

NAMES = sorted(RECIPES)
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[str, Path]:
    """A tiny world of each dataset, read-only by agreement: 2 train, 1 val, 1 test video of 3 frames, 32x48."""
    root = tmp_path_factory.mktemp("worlds")
    for name in NAMES:
        style = get_format(name)
        world = World(style.classes, (32, 48), frames=3, seed=3)
        write_world(root / name, style, world, {"train": 2, "val": 1, "test": 1})
    return {name: root / name for name in NAMES}


@pytest.fixture
def small(monkeypatch):
    """Copies with a short side of 20 pixels, so that the world's frames are large."""
    for name in ("vipseg", "vspw"):
        recipe = RECIPES[name]
        changed = {"image": ShrinkImage(20), "label": ShrinkMask(20, recipe.label.layout)}
        monkeypatch.setitem(RECIPES, name, type(recipe)(**{**vars(recipe), **changed}))


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def videos(name: str, root: Path, split: str) -> list[tuple[str, list[str]]]:
    return [(video.name, [frame.name for frame in video.frames]) for video in get_format(name).videos(root, split)]


def run(name: str, source: Path, target: Path, **options) -> module.Outcome:
    return prepare(name, source, target, progress=False, **options)


def test_the_released_sizes():
    assert [RECIPES[name].image.short_side for name in ("vipseg", "vspw")] == [720, 480]
    assert [RECIPES[name].label.short_side for name in ("vipseg", "vspw")] == [720, 480]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((1080, 1920), (720, 1280)), ((1920, 1080), (1280, 720)), ((720, 1280), (720, 1280)), ((480, 640), (480, 640)),
     ((1000, 1001), (720, 721)), ((721, 1281), (720, 1279))],
)  # fmt: skip
def test_size_of_a_copy(tmp_path, size, wanted):
    path = tmp_path / "a.png"
    Image.new("L", size[::-1]).save(path)
    assert ShrinkImage(720).size(path) == ShrinkMask(720, "L").size(path) == wanted
    assert ShrinkImage(720).changes(path) == (size != wanted)


def test_masks_keep_their_values(tmp_path):
    path = tmp_path / "a.png"
    mask = np.arange(24, dtype=np.uint16).reshape(4, 6) * 500
    Image.fromarray(mask).save(path)
    (tmp_path / "b.png").write_bytes(ShrinkMask(2, "grey").encode(path))
    with Image.open(tmp_path / "b.png") as small:
        assert (np.asarray(small) == mask[1::2, 1::2]).all()
    Image.fromarray((mask // 500).astype(np.uint8)).save(path)
    (tmp_path / "b.png").write_bytes(ShrinkMask(2, "P").encode(path))
    with Image.open(tmp_path / "b.png") as small:
        assert (small.mode, np.asarray(small).tolist()) == ("L", [[7, 9, 11], [19, 21, 23]])


@pytest.mark.parametrize("name", ["vipseg", "vspw"])
def test_smaller_copies(worlds, tmp_path, small, name):
    source, target = worlds[name], tmp_path / "copy"
    before = content(source)
    outcome = run(name, source, target)
    assert (outcome.faults, outcome.made, outcome.videos, outcome.frames) == ([], outcome.files, 4, 12)
    style = get_format(name)
    for split in ("train", "val", "test"):
        assert videos(name, target, split) == videos(name, source, split)
        assert (target / f"{split}.txt").read_bytes() == (source / f"{split}.txt").read_bytes()
        for own, made in zip(style.videos(source, split), style.videos(target, split)):
            for old, new in zip(own.frames, made.frames):
                assert png_size(new.image) == (20, 30)
                if old.label is not None:
                    large, shrunk = style.read(old.label), style.read(new.label)
                    assert shrunk.semantic.shape == (20, 30)
                    assert set(np.unique(shrunk.semantic)) <= set(np.unique(large.semantic))
                    assert set(np.unique(shrunk.track)) <= set(np.unique(large.track))
                    assert shrunk.semantic[0, 0] == large.semantic[0, 0]
    assert content(source) == before


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("name", ["vipseg", "vspw"])
def test_small_frames_stay_as_they_are(worlds, tmp_path, name, link):
    target = tmp_path / "copy"
    assert run(name, worlds[name], target, link=link).faults == []
    for old, new in zip(get_format(name).videos(worlds[name], "val"), get_format(name).videos(target, "val")):
        for before, after in zip(old.frames, new.frames):
            assert after.image.read_bytes() == before.image.read_bytes()
            assert after.image.is_symlink() == link


def test_cityscapes_step(worlds, tmp_path):
    name, style = "cityscapes-step", get_format("cityscapes-step")
    source, target = worlds[name], tmp_path / "copy"
    assert run(name, source, target, link=True).faults == []
    for split in ("train", "val", "test"):
        assert videos(name, target, split) == videos(name, source, split)
    for old, new in zip(style.videos(source, "train"), style.videos(target, "train")):
        before, after = old.frames[0], new.frames[0]
        assert after.label.relative_to(target).parts[:2] == ("panoptic_maps", "train")
        wanted, coded = style.read(before.label), read_segments(after.label)
        assert (coded.semantic == wanted.semantic).all()
        assert (coded.track == wanted.track).all()
        assert after.image.resolve() == before.image.resolve()
    found = {branch.pattern: branch.files for branch in survey(target, style.layout)[0]}
    assert found["panoptic_maps/train/CITY/NAME.png"] == len(style.videos(source, "train"))


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_does_nothing(worlds, tmp_path, small, name, capsys):
    arguments = [name, "--src", str(worlds[name]), "--dst", str(tmp_path / "copy"), "--workers", "1"]
    assert main(arguments) == 0
    assert "files made; " in capsys.readouterr().out
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main(arguments) == 0
    assert "nothing to do, all" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == stamps


def test_a_stopped_run_goes_on(worlds, tmp_path, small, monkeypatch):
    whole, target = tmp_path / "whole", tmp_path / "copy"
    run("vspw", worlds["vspw"], whole)
    make, done = module.Piece.make, []

    def stop(piece, link):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(piece.target)
        make(piece, link)

    monkeypatch.setattr(module.Piece, "make", stop)
    with pytest.raises(KeyboardInterrupt):
        run("vspw", worlds["vspw"], target)
    monkeypatch.undo()
    monkeypatch.setitem(RECIPES, "vspw", type(RECIPES["vspw"])(**{
        **vars(RECIPES["vspw"]), "image": ShrinkImage(20), "label": ShrinkMask(20, "P")}))  # fmt: skip
    damaged, other = done[0], done[2]
    damaged.write_bytes(damaged.read_bytes()[:-20])  # as after a loss of power
    Image.new("RGB", (9, 9)).save(other)
    part = target / "data" / ".x.png.999999999-1"
    (damaged.parent / part.name).write_bytes(b"left by a process that was killed")
    outcome = run("vspw", worlds["vspw"], target)
    assert (outcome.faults, outcome.made) == ([], outcome.files - 5)
    own, other = content(whole), content(target)
    assert own == other


def test_processes_make_the_same(worlds, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    run("cityscapes-step", worlds["cityscapes-step"], alone)
    assert run("cityscapes-step", worlds["cityscapes-step"], shared, workers=2).faults == []
    assert content(alone) == content(shared)


SLOW = """
import sys, time
from tools.prepare_data import main
from video_knet.preparation.prepare import Piece

make = Piece.make
Piece.make = lambda piece, link: (time.sleep(0.1), make(piece, link))  # processes import this file, too
if __name__ == "__main__":
    sys.exit(main())
"""


def test_an_interrupt_leaves_what_can_be_completed(tmp_path):
    """A real Ctrl-C to a run with two processes; each file is whole or absent, and the next run completes them."""
    style, source, target = get_format("vspw"), tmp_path / "source", tmp_path / "copy"
    images = [np.broadcast_to(np.arange(90, dtype=np.uint8)[:, None], (60, 90, 3))] * 60
    maps = [SegmentMap(np.zeros((60, 90), np.uint8), np.zeros((60, 90), np.int32))] * 60
    style.write_video(source, "train", "a", images, maps)
    (tmp_path / "slow.py").write_text(SLOW)
    command = [sys.executable, tmp_path / "slow.py", "vspw", "--src", source, "--dst", target, "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    # Where the tests themselves run in the background, processes inherit that Ctrl-C is ignored.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=heed
    )
    deadline = time.monotonic() + 60
    while not list(target.glob("data/a/origin/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    made = list(target.glob("data/a/*/*"))
    assert 0 < len(made) < 120
    for path in made:
        with Image.open(path) as image:
            image.load()
    assert not list(target.rglob(".*"))
    outcome = run("vspw", source, target)
    assert (outcome.faults, outcome.made) == ([], 120 - len(made))


def test_links_become_copies_where_copies_are_asked_for(worlds, tmp_path):
    assert run("vspw", worlds["vspw"], tmp_path, link=True).made
    outcome = run("vspw", worlds["vspw"], tmp_path)
    assert outcome.made == outcome.files
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert run("vspw", worlds["vspw"], tmp_path, link=True).made == 0


def test_damaged_sources_are_named(worlds, tmp_path, small):
    source = shutil.copytree(worlds["vspw"], tmp_path / "source")
    video = get_format("vspw").videos(source, "train")[0]
    image, mask = video.frames[0].image, video.frames[1].label
    image.write_bytes(image.read_bytes()[:-300])
    mask.write_bytes(mask.read_bytes()[:40])
    outcome = run("vspw", source, tmp_path / "copy")
    assert [str(path) in fault for path, fault in zip((mask, image), outcome.faults)] == [True, True]
    assert outcome.made == outcome.files - 2
    shutil.copytree(worlds["vspw"], source, dirs_exist_ok=True)
    assert (run("vspw", source, tmp_path / "copy").faults, outcome.made) == ([], outcome.files - 2)
    image.unlink()
    with pytest.raises(FormatError, match=r"tools/check_dataset\.py vspw"):
        run("vspw", source, tmp_path / "other")


def test_what_is_too_much_is_a_fault(worlds, tmp_path, small):
    run("vspw", worlds["vspw"], tmp_path)
    folder = next((tmp_path / "data").iterdir())
    for place, suffix in (("origin", "jpg"), ("mask", "png")):
        shutil.copy(folder / place / f"00000000.{suffix}", folder / place / f"00000009.{suffix}")
    (fault,) = run("vspw", worlds["vspw"], tmp_path).faults
    assert folder.name in fault
    assert "has 4 frames, the source has 3" in fault


def test_the_disk_is_checked_first(worlds, tmp_path, monkeypatch, capsys):
    usage = namedtuple("Usage", "total used free")(1 << 30, 0, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    target = tmp_path / "copy"
    arguments = ["vipseg", "--src", str(worlds["vipseg"]), "--dst", str(target), "--workers", "1"]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "1000 bytes" in error
    assert "needs about" in error
    assert not target.exists()


def test_the_estimate_is_close(worlds, tmp_path, small):
    pieces = list(RECIPES["vipseg"].pieces(module._list(RECIPES["vipseg"], worlds["vipseg"]).splits, tmp_path))
    estimate = sum(module._estimate(own, link=False) for own in module._by_conversion(pieces).values())
    run("vipseg", worlds["vipseg"], tmp_path)
    size = sum(piece.target.stat().st_size + 2048 for piece in pieces)
    assert 0.8 * size < estimate < 1.25 * size


def test_folders_that_do_not_fit(worlds, tmp_path, capsys):
    source = shutil.copytree(worlds["vspw"], tmp_path / "source")
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "thesis.txt").touch()
    (tmp_path / "link").symlink_to(source)
    for target, word in ((source, "source itself"), (source / "480p", "lies in the source"), (occupied, "not empty"),
                         (tmp_path / "link" / "a", "lies in"), (occupied / "thesis.txt", "is a file")):  # fmt: skip
        assert main(["vspw", "--src", str(source), "--dst", str(target)]) == 1
        assert word in capsys.readouterr().err
    assert main(["vspw", "--src", str(tmp_path / "none"), "--dst", str(tmp_path / "a")]) == 1
    run("vspw", source, tmp_path / "copy")
    with pytest.raises(FormatError, match="holds a copy of vspw"):
        run("vipseg", worlds["vipseg"], tmp_path / "copy")


def test_the_source_is_not_written_through_a_link(worlds, tmp_path, small):
    source, target = shutil.copytree(worlds["vspw"], tmp_path / "source"), tmp_path / "copy"
    run("vspw", source, target)
    before = content(source)
    shutil.rmtree(target / "data")
    (target / "data").symlink_to(source / "data")
    with pytest.raises(FormatError, match="is a link into the source"):
        run("vspw", source, target)
    assert content(source) == before


@pytest.mark.parametrize("arguments", [["kitti-step", "--src", "a", "--dst", "b"], ["vspw"], ["vspw", "--src", "a"]])
def test_misuse(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
