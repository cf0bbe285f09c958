"""VSPW on disk: what is read is what was written, and every fault names its file and the remedy."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.common import refuse
from video_knet.formats import VOID, SegmentMap
from video_knet.formats.disk.png import read_png
from video_knet.formats.vipseg.classes import VIPSEG_CLASSES
from video_knet.formats.vspw import Vspw
from video_knet.synthetic import World, write_world

STYLE = Vspw()
NAMES = {"train": ["10000_synthetic_0", "10001_synthetic_0"], "val": ["20000_synthetic_0"]}
VAL = NAMES["val"][0]


@pytest.fixture(scope="module")
def vspw_world(tmp_path_factory) -> Path:
    """A tiny VSPW, read-only by agreement: 2 train, 1 val, 1 test video of 4 frames, 32x48."""
    root = tmp_path_factory.mktemp("world") / "vspw"
    world = World(STYLE.classes, (32, 48), frames=4, seed=3)
    write_world(root, STYLE, world, {"train": 2, "val": 1, "test": 1})
    return root


@pytest.fixture
def root(vspw_world, tmp_path) -> Path:
    """A copy of the tiny world that may be damaged."""
    return shutil.copytree(vspw_world, tmp_path / "vspw")


def segments(height: int = 4, width: int = 6) -> SegmentMap:
    semantic = np.random.default_rng(0).choice([0, 5, 123, VOID], (height, width)).astype(np.uint8)
    return SegmentMap(semantic, np.zeros((height, width), np.int32))


def save(path: Path, values: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, np.uint8)).save(path)
    return path


def test_published_facts():
    classes = STYLE.classes
    assert classes is VIPSEG_CLASSES
    assert len(classes.names) == len(set(classes.names)) == len(classes.palette) == 124
    assert len(classes.thing_ids) == 58
    assert (classes.names[0], classes.palette[0]) == ("wall", (120, 120, 120))
    assert (classes.names[60], classes.names[61], classes.names[123]) == ("person", "cat", "train")
    assert {2, 8, 48, 60, 123} <= set(classes.thing_ids)
    assert not {0, 1, 13, 28, 66} & set(classes.thing_ids)
    assert all(len(colour) == 3 and 0 <= min(colour) <= max(colour) <= 255 for colour in classes.palette)
    assert STYLE.published == {"train": (2806, None), "val": (343, None), "test": (387, None)}


@pytest.mark.parametrize("kind", ["", "_prediction"])
def test_round_trip_is_exact(tmp_path, kind):
    write, read = getattr(STYLE, f"write{kind}"), getattr(STYLE, f"read{kind}")
    path, given = tmp_path / "new" / "00000000.png", segments()
    if kind:
        given.semantic[given.semantic == VOID] = 7  # a prediction has no void
    write(path, given)
    for back in (read(path), read(str(path)), read((path,))):
        assert (back.semantic.dtype, back.track.dtype) == (np.uint8, np.int32)
        assert (back.semantic == given.semantic).all()
        assert not back.track.any()
    assert os.listdir(path.parent) == ["00000000.png"]


def test_coding(tmp_path):
    path = save(tmp_path / "a.png", [[0, 1, 124, 255]])
    assert STYLE.read(path).semantic.tolist() == [[VOID, 0, 123, VOID]]
    assert STYLE.read_raw(path).tolist() == [[0, 1, 124, 255]]
    STYLE.write(path, SegmentMap(np.array([[VOID, 0, 123]]), np.zeros((1, 3), int)))  # any type of integer
    assert STYLE.read_raw(path).tolist() == [[0, 1, 124]]
    STYLE.write_prediction(path, SegmentMap(np.array([[7, 0, 123]]), np.zeros((1, 3), int)))
    assert STYLE.read_raw(path).tolist() == [[7, 0, 123]]
    void = SegmentMap(np.array([[VOID, 0, 123]]), np.zeros((1, 3), int))
    refuse(lambda: STYLE.write_prediction(path, void), path, "value 255 (void)", "every pixel")


@pytest.mark.parametrize("colours", [2, 4, 16, 256])
def test_palette_is_read_by_index(tmp_path, colours):
    values = (np.arange(6).reshape(2, 3) % colours).astype(np.uint8)
    image = Image.fromarray(values)
    image.putpalette([c for i in range(colours) for c in (255 - i, 7, i)])
    image.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[25] == 3  # colour type of the file: palette
    assert (read_png(tmp_path / "a.png", "P") == values).all()
    assert (STYLE.read_raw(tmp_path / "a.png") == values).all()
    assert (STYLE.read_prediction(tmp_path / "a.png").semantic == values).all()
    refuse(lambda: read_png(tmp_path / "a.png", "L"), "layout is P, expected L")


def test_unknown_values(tmp_path):
    path = tmp_path / "a.png"
    for value in (125, 200, 254):
        save(path, [[0, value]])
        refuse(lambda: STYLE.read(path), path, f"value {value}", "0..124", "255", "class id + 1")
    for value in (124, 254):
        save(path, [[0, value]])
        refuse(lambda: STYLE.read_prediction(path), path, f"value {value}", "0..123", "no shift")
    refuse(lambda: STYLE.decode(np.array([[125]], np.uint8)), "mask: value 125")


def test_other_pixel_layouts(tmp_path):
    path = tmp_path / "a.png"
    for mode in ("RGB", "RGBA", "I;16", "1"):
        Image.new(mode, (4, 4)).save(path)
        for read in (STYLE.read, STYLE.read_raw, STYLE.read_prediction):
            refuse(lambda read=read: read(path), path, "expected P or L")


def test_damaged_files(tmp_path):
    path = tmp_path / "a.png"
    refuse(lambda: STYLE.read(path), path, "no such file")
    STYLE.write(path, segments(40, 40))
    whole = path.read_bytes()
    for damaged in (b"", whole[:60], b"<html>" + whole):
        path.write_bytes(damaged)
        refuse(lambda: STYLE.read(path), path, "again")
    refuse(lambda: STYLE.read((path, path)), path, "2 files for one frame", "Give one")


def test_what_cannot_be_coded_is_refused(tmp_path):
    path, track = tmp_path / "a.png", np.zeros((1, 1), np.int32)
    for write in (STYLE.write, STYLE.write_prediction):
        for value in (124, 254, -1, 300):
            refuse(lambda w=write, v=value: w(path, SegmentMap(np.array([[v]]), track)), path, f"value {value}", "123")
        refuse(lambda w=write: w(path, SegmentMap(np.zeros((1, 1, 1)), track)), path, "(1, 1, 1)", "(H, W)")
    assert not path.exists()


def test_videos_of_the_world(vspw_world):
    for split, names in NAMES.items():
        videos = STYLE.videos(vspw_world, split)
        assert [video.name for video in videos] == names == STYLE.sequence_names(split, len(names))
        STYLE.check_image_sizes(videos)
        for video in videos:
            assert [frame.name for frame in video.frames] == [f"{i:08d}" for i in range(4)]
            for frame in video.frames:
                assert frame.image == vspw_world / "data" / video.name / "origin" / f"{frame.name}.jpg"
                assert frame.label == STYLE.label_path(vspw_world, video.name, frame.name)
                assert frame.label == STYLE.label_path(vspw_world / "data", video.name, frame.name)
                assert frame.image.is_file()
    (test,) = STYLE.videos(vspw_world, "test")
    assert [frame.label for frame in test.frames] == [None] * 4
    assert not (vspw_world / "data" / test.name / "mask").exists()


def test_world_is_written_as_it_was_drawn(vspw_world):
    (video,) = STYLE.videos(vspw_world, "val")
    world = World(STYLE.classes, (32, 48), frames=4, seed=3)
    for frame, (image, drawn) in zip(video.frames, world.video(0, "val"), strict=True):
        assert (STYLE.read(frame.label).semantic == drawn.semantic).all()
        with Image.open(frame.image) as written:
            assert np.abs(np.asarray(written).astype(int) - image).mean() < 6  # JPEG


def test_root_may_be_the_data_folder(root, monkeypatch):
    wanted = STYLE.videos(root, "val")
    assert STYLE.videos(root / "data", "val") == wanted  # split file above
    monkeypatch.chdir(root / "data")
    assert [video.name for video in STYLE.videos(".", "val")] == NAMES["val"]
    (root / "val.txt").rename(root / "data" / "val.txt")
    for folder in (root, root / "data"):
        assert STYLE.videos(folder, "val") == wanted  # split file in it
    elsewhere = (root / "data" / "val.txt").rename(root.parent / "mine.txt")
    assert STYLE.videos(root, str(elsewhere)) == wanted
    refuse(lambda: STYLE.videos(root, "val"), root / "val.txt", root / "data" / "val.txt", "'val'", "split files")
    refuse(lambda: STYLE.videos(root, "none.txt"), root / "none.txt")
    (root / "test.txt").rename(root.parent / "test.txt")
    (test,) = STYLE.videos(root, str(root.parent / "test.txt"))
    assert test.frames[0].label is None


def test_split_files(root):
    path = root / "val.txt"
    path.write_text(f"\ufeff{NAMES['train'][1]}\r\n\r\n  {NAMES['train'][0]}  ", encoding="utf-8")
    assert [video.name for video in STYLE.videos(root, "val")] == NAMES["train"]
    path.write_text(f"{VAL}\nabsent\n")
    refuse(lambda: STYLE.videos(root, "val"), path, root / "data" / "absent", "'absent'", "remove its line")
    refuse(lambda: STYLE.label_files(root, "val"), path, "'absent'")
    path.write_text(f"{VAL}\n{VAL}\n")
    refuse(lambda: STYLE.videos(root, "val"), path, f"{VAL!r} 2 times")
    path.write_text("")
    refuse(lambda: STYLE.videos(root, "val"), path, "no video")
    path.write_bytes(b"\xff\xfe\xff")
    refuse(lambda: STYLE.videos(root, "val"), path, "as text")
    for name in ("../data", "a/b", ".hidden", "a\0b", "a" * 256):
        path.write_text(f"{name}\n")
        refuse(lambda: STYLE.videos(root, "val"), path, repr(name[:80]))


def test_missing_folders(root):
    refuse(lambda: STYLE.videos(root / "nowhere", "val"), root / "nowhere", "data/")
    refuse(lambda: STYLE.label_files(root / "nowhere"), root / "nowhere", "data/")
    mask, origin = (root / "data" / VAL / name for name in ("mask", "origin"))
    for path in mask.iterdir():
        path.unlink()
    (mask / ".DS_Store.png").touch()
    for call in (STYLE.label_files, lambda r: STYLE.label_files(r, "val"), lambda r: STYLE.videos(r, "val")):
        refuse(lambda call=call: call(root), mask, "holds no .png")
    shutil.rmtree(mask)
    refuse(lambda: STYLE.videos(root, "val"), mask, "no such folder")
    refuse(lambda: STYLE.label_files(root, "val"), mask, "no such folder")
    shutil.rmtree(origin)
    refuse(lambda: STYLE.videos(root, "val"), origin, "no such folder")


def test_image_and_mask_need_each_other(root):
    folder = root / "data" / VAL
    shutil.copy(folder / "origin" / "00000001.jpg", folder / "origin" / "._00000001.jpg")
    shutil.copy(folder / "mask" / "00000001.png", folder / "mask" / ".00000009.png")
    assert len(STYLE.videos(root, "val")[0].frames) == 4  # hidden files do not count
    (folder / "origin" / "00000003.jpg").rename(folder / "origin" / "00000004.jpg")
    mask = folder / "mask" / "00000004.png"
    refuse(lambda: STYLE.videos(root, "val"), mask, folder / "origin" / "00000003.jpg", "Download")
    (folder / "origin" / "00000004.jpg").unlink()
    refuse(lambda: STYLE.videos(root, "val"), folder / "origin" / "00000003.jpg", folder / "mask" / "00000003.png")


def test_other_size_is_found_by_the_headers(root):
    mask = root / "data" / VAL / "mask" / "00000002.png"
    STYLE.write(mask, segments())
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "val")), mask, "6x4", "48x32")
    mask.write_bytes(b"")
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "val")), mask, "again")


def test_label_files(root):
    masks = {f"{i:08d}": (root / "data" / VAL / "mask" / f"{i:08d}.png",) for i in range(4)}
    assert STYLE.label_files(root, "val") == STYLE.label_files(root / "data", root / "val.txt") == {VAL: masks}
    assert list(STYLE.label_files(root)) == [*NAMES["train"], VAL]  # what has masks
    shutil.rmtree(root / "data" / VAL / "origin")
    assert STYLE.label_files(root)[VAL] == masks  # images are not needed
    refuse(lambda: STYLE.label_files(root / "data" / VAL), root / "data" / VAL, "VIDEO/mask")


def test_prediction_files(tmp_path):
    refuse(lambda: STYLE.prediction_files(tmp_path / "pred"), tmp_path / "pred", "no such folder")
    for video, frame in (("b", "00000001"), ("a", "00000002"), ("a", "00000001")):
        STYLE.write_prediction(
            STYLE.prediction_path(tmp_path / "pred", video, frame), SegmentMap(*np.zeros((2, 4, 6), int))
        )
    (tmp_path / "pred" / "logs").mkdir()
    (tmp_path / "pred" / "a" / ".00000003.png").touch()
    found = STYLE.prediction_files(tmp_path / "pred")
    assert [(video, list(frames)) for video, frames in found.items()] == [
        ("a", ["00000001", "00000002"]),
        ("b", ["00000001"]),
    ]
    assert found["b"]["00000001"] == (tmp_path / "pred" / "b" / "00000001.png",)
    refuse(lambda: STYLE.prediction_files(tmp_path), tmp_path, "VIDEO/FRAME.png")


def test_writing_videos(tmp_path, monkeypatch):
    images, maps = [np.zeros((4, 6, 3), np.uint8)] * 2, [segments()] * 2
    for name in ("b", "a", "b"):
        STYLE.write_video(tmp_path, "val", name, images, maps, start=7)
    assert (tmp_path / "val.txt").read_text() == "b\na\n"
    assert [frame.name for frame in STYLE.videos(tmp_path, "val")[0].frames] == ["00000007", "00000008"]
    replace = os.replace

    def fail_at_the_list(part, path) -> None:
        if Path(path).name == "val.txt":
            raise OSError("disk full")
        replace(part, path)

    monkeypatch.setattr(os, "replace", fail_at_the_list)
    with pytest.raises(OSError, match="disk full"):
        STYLE.write_video(tmp_path, "val", "c", images, maps)
    monkeypatch.undo()
    assert (tmp_path / "val.txt").read_text() == "b\na\n"
    assert sorted(os.listdir(tmp_path)) == ["data", "val.txt"]
    STYLE.write_video(tmp_path, "test", "t", images, [None] * 2)
    assert os.listdir(tmp_path / "data" / "t") == ["origin"]
    for split, name in (("trainval", "a"), ("val", "a/b"), ("val", ".a"), ("val", ""), ("val", " a")):
        refuse(lambda s=split, n=name: STYLE.write_video(tmp_path, s, n, images, maps), repr(split), repr(name))
    refuse(lambda: STYLE.write_video(tmp_path, "val", "a", images, maps, start=-1), "-1")


def test_sequence_names():
    names = [STYLE.sequence_names(split, 40) for split in ("train", "val", "test")]
    assert len({name for split in names for name in split}) == 120
    assert names == [sorted(split) for split in names]
