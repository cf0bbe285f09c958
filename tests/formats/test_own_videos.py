"""One's own videos on disk: what is read is what was written, and every fault names key or file and the remedy."""

import json
import logging
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.common import refuse
from video_knet.formats import ClassTable, KittiStep, OwnVideos, SegmentMap, format_key, get_format
from video_knet.formats.base import VOID
from video_knet.formats.disk.png import write_png
from video_knet.formats.own_videos.description import Description, distinct_colors, read_description, write_description
from video_knet.synthetic import World, write_world

CLASSES = [{"name": "floor", "thing": False}, {"name": "cup", "thing": True, "color": [1, 2, 3]}]
PANOPTIC = {"name": "kitchen", "classes": CLASSES, "labels": "panoptic"}
SEMANTIC = {**PANOPTIC, "labels": "semantic", "void": 11}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """A tiny world, read-only by agreement: 2 train, 1 val, 1 test video of 4 frames, 32x48."""
    root = tmp_path_factory.mktemp("world") / "own"
    style = OwnVideos()
    write_world(root, style, World(style.classes, (32, 48), frames=4, seed=3), {"train": 2, "val": 1, "test": 1})
    return root


@pytest.fixture
def root(drawn, tmp_path) -> Path:
    """A copy of the tiny world that may be damaged."""
    return shutil.copytree(drawn, tmp_path / "own")


def describe(root: Path, content: object) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def add_frames(root: Path, video: str, *names: str, size: tuple[int, int] = (4, 6)) -> None:
    for name in names:
        write_png(root / "frames" / video / name, np.zeros((*size, 3), np.uint8))


@pytest.mark.parametrize("labels", ["panoptic", "semantic"])
def test_a_world_comes_back_exactly(tmp_path, labels):
    table = ClassTable(KittiStep.classes.names, (11, 13), KittiStep.classes.palette)
    style = OwnVideos(description=Description("street", table, labels, void=200))
    world = World(table, (32, 48), frames=3, seed=1)
    write_world(tmp_path / "own", style, world, {"train": 2, "val": 1, "test": 1}, start=8)
    back = get_format(str(tmp_path / "own"))
    assert (back.classes, back.description.void) == (table, 200)
    for split, count in {"train": 2, "val": 1, "test": 1}.items():
        videos = back.videos(tmp_path / "own", split)
        assert len(videos) == count
        for index, video in enumerate(videos):
            assert [frame.name for frame in video.frames] == ["000008", "000009", "000010"]
            for frame, (image, truth) in zip(video.frames, world.video(index, split), strict=True):
                assert (np.asarray(Image.open(frame.image)) == image).all()
                if split == "test":
                    assert frame.label is None
                    continue
                segments = back.read(frame.label)
                assert (segments.semantic.dtype, segments.track.dtype) == (np.uint8, np.int32)
                assert (segments.semantic == truth.semantic).all()
                assert (segments.track == (truth.track if labels == "panoptic" else 0)).all()


def test_names_and_paths_are_formats(root, monkeypatch):
    assert isinstance(get_format("own_videos"), OwnVideos)
    assert get_format(str(root)).classes == get_format(str(root / "dataset.json")).classes == OwnVideos().classes
    monkeypatch.chdir(root.parent)
    assert format_key("Own") == "Own"  # a path stays as it is
    assert get_format("own").description.name == "synthetic"
    assert [len(get_format("own").videos("own", split)) for split in ("train", "val", "test", "all")] == [2, 1, 1, 4]
    refuse(lambda: get_format("absent"), "'absent'", "kitti-step", "dataset.json")
    refuse(lambda: get_format("absent/dataset.json"), "absent/dataset.json: no such file")


def test_frames_are_in_the_order_of_their_numbers_and_may_lack_labels(tmp_path):
    root = describe(tmp_path, SEMANTIC)
    add_frames(root, "b", "frame10.png", "frame2.png", "frame1.png")
    add_frames(root, "a", "x.png")
    write_png(root / "labels/b/frame2.png", np.array([[0, 1, 11, 255]], np.uint8))
    style = OwnVideos(root)
    first, second = style.videos(root, "all")
    assert [first.name, second.name] == ["a", "b"]
    assert [frame.name for frame in second.frames] == ["frame1", "frame2", "frame10"]
    assert [frame.label is None for frame in second.frames] == [True, False, True]
    (labelled,) = style.videos(root, "all_labelled")
    assert [frame.name for frame in labelled.frames] == ["frame2"]
    assert style.read(labelled.frames[0].label).semantic.tolist() == [[0, 1, VOID, VOID]]


def test_splits_come_from_the_description_or_from_text_files(tmp_path, caplog):
    root = describe(tmp_path, PANOPTIC)
    add_frames(root, "a", "0.png")
    add_frames(root, "b", "0.png")
    with caplog.at_level(logging.WARNING):
        assert [v.name for v in OwnVideos(root).videos(root, "train")] == ["a", "b"]
    assert "has no splits, so train is every video" in caplog.text
    refuse(lambda: OwnVideos(root).videos(root, "dev"), "no split 'dev'", "all")
    (root / "train.txt").write_text("b\n")
    assert [v.name for v in OwnVideos(root).videos(root, "train")] == ["b"]
    refuse(lambda: OwnVideos(root).videos(root, "val"), "no split 'val'", "train, all", "List its videos")
    describe(root, {**PANOPTIC, "splits": {"val": ["a"]}})
    assert [v.name for v in OwnVideos(root).videos(root, "val")] == ["a"]
    describe(root, {**PANOPTIC, "splits": {"train": ["a"]}})
    refuse(lambda: OwnVideos(root).videos(root, "train"), "train.txt", "dataset.json lists the videos of train, too")


def test_colours_that_are_absent_are_chosen(tmp_path):
    table = read_description(describe(tmp_path, PANOPTIC)).classes
    assert table.palette[1] == (1, 2, 3)
    assert len(set(distinct_colors(40))) == 40
    assert (table.names, table.thing_ids, table.void) == (("floor", "cup"), (1,), VOID)
    write_description(tmp_path, Description("again", table, splits={"val": ("a",)}))
    assert read_description(tmp_path).classes == table


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": "masks"}, ["labels is 'masks'", "panoptic, semantic, instances"]),
        ({"klasses": []}, ["key 'klasses' is not known", "name, classes, labels"]),
        ({"classes": []}, ["classes is '[]'", "at least one class"]),
        ({"classes": "cup"}, ["classes is 'cup'"]),
        ({"classes": [*CLASSES, CLASSES[1]]}, ["name 'cup' is there 2 times"]),
        ({"classes": [{"name": "cup"}]}, ["classes[0]: thing is None", "true for objects"]),
        ({"classes": [{"name": "cup", "thing": 1}]}, ["classes[0]: thing is 1"]),
        ({"classes": [{"name": " ", "thing": True}]}, ["classes[0]: name is ' '"]),
        ({"classes": [{**CLASSES[0], "colour": [0, 0, 0]}]}, ["classes[0]: key 'colour' is not known"]),
        ({"classes": [{**CLASSES[0], "color": [0, 0, 256]}]}, ["color is [0, 0, 256]", "0..255"]),
        ({"classes": ["cup"]}, ["classes[0] is 'cup'", "not an object"]),
        ({"classes": [{"name": str(i), "thing": True} for i in range(256)]}, ["256 entries", "255"]),
        ({"labels": "instances"}, ["classes[0]: thing is false", "objects only"]),
        ({"splits": ["a"]}, ["splits is"]),
        ({"splits": {"train": []}}, ["splits.train is '[]'"]),
        ({"splits": {"train": ["a", "a"]}}, ["splits.train: names the video 'a' 2 times"]),
        ({"splits": {"train": ["../a"]}}, ["splits.train: '../a'"]),
        ({"splits": {"all": ["a"]}}, ["splits: 'all'"]),
        ({"void": 1}, ["void is 1", "id of class 1"]),
        ({"void": 256}, ["void is 256", "0..255"]),
        ({"void": True}, ["void is True"]),
        ({"name": 3}, ["name is 3"]),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_faults_of_a_description(tmp_path, change, words):
    root = describe(tmp_path, {**PANOPTIC, **change})
    refuse(lambda: get_format(str(root)), root / "dataset.json", *words)


def test_all_faults_of_a_description_come_at_once(tmp_path):
    faults = refuse(lambda: OwnVideos(describe(tmp_path, {"void": -1, "classes": [{}]}))).faults
    assert len(faults) == 5  # no name, no labels, a class without name and thing, void
    refuse(lambda: OwnVideos(describe(tmp_path, [1])), "is a list")


def test_a_damaged_description(root):
    path = root / "dataset.json"
    for content in (b"{", b'{"name": "k\xfcche"}', b"[" * 100000, b""):
        path.write_bytes(content)
        refuse(lambda: OwnVideos(root), path, "cannot be read as json")
    path.unlink()
    refuse(lambda: OwnVideos(root), path, "no such file", "docs/add_a_dataset.md")


def test_faults_of_files_are_collected(root):
    labels = sorted((root / "labels/train_001").iterdir())
    labels[0].rename(labels[0].with_name("000077.png"))
    shutil.copy(root / "frames/train_002/000001.png", root / "frames/train_002/000001.jpg")
    (root / "labels/typo").mkdir()
    style = OwnVideos(root)
    error = refuse(
        lambda: style.videos(root, "train"),
        "000077.png: has no image",
        "000001.png: 000001.jpg is the same frame",
        "labels/typo: has no folder",
    )
    assert (len(error.faults), error.partial) == (3, [])
    (root / "labels/typo").rmdir()
    assert [v.name for v in style.videos(root, "val")] == ["val_001"]
    shutil.rmtree(root / "frames/val_001")
    refuse(lambda: style.videos(root, "val"), "frames/val_001: no such folder", "take it off the split")


def test_a_name_that_is_no_text(root):
    odd = root / "frames/val_001" / b"fr\xe4me.png".decode(errors="surrogateescape")
    shutil.copy(root / "frames/val_001/000000.png", odd)
    refuse(lambda: OwnVideos(root).videos(root, "val"), "\\udce4", "UTF-8")


def test_another_root_must_mean_the_same(root, tmp_path):
    other = describe(tmp_path / "other", PANOPTIC)
    refuse(lambda: OwnVideos(root).videos(other, "all"), other, "names of the classes", "as the format")
    refuse(lambda: OwnVideos().videos(other, "all"), "Give")
    describe(other, {**PANOPTIC, "labels": "semantic"})
    refuse(lambda: OwnVideos(describe(tmp_path / "third", PANOPTIC)).videos(other, "all"), "semantic with void 255")


def test_labels_that_the_coding_cannot_hold(tmp_path):
    style, path = OwnVideos(describe(tmp_path, PANOPTIC)), tmp_path / "0.png"

    def write(values: list) -> Path:
        write_png(path, np.array([values], np.uint8))
        return path

    found = style.read(write([[0, 0, 0], [1, 1, 2], [1, 0, 0], [255, 0, 9]]))
    assert found.semantic.tolist() == [[0, 1, 1, VOID]]
    assert found.track.tolist() == [[0, 258, 0, 0]]
    refuse(lambda: style.read(write([[2, 0, 0]])), path, "class 2 is outside 0..1", "dataset.json")
    refuse(lambda: style.read(write([[0, 0, 7]])), path, "class 0 (floor) has object id 7", "thing")
    write_png(path, np.zeros((2, 2), np.uint8))
    refuse(lambda: style.read(path), path, "pixel layout is L, expected RGB")
    path.write_bytes(path.read_bytes()[:40])
    refuse(lambda: style.read(path), path)
    for semantic, track in ((3, 0), (1, 70000), (1, -1), (0, 1)):
        segments = SegmentMap(np.full((2, 2), semantic), np.full((2, 2), track))
        refuse(partial(style.write, path, segments), path)
    semantic = OwnVideos(describe(tmp_path, SEMANTIC))
    write_png(path, np.full((2, 2), 12, np.uint8))
    refuse(lambda: semantic.read(path), "class 12 is outside 0..1", "and 11 for void")
