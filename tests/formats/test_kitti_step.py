"""KITTI-STEP on disk: what is read is what was written, and every fault names its file and the remedy."""

import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.formats.common import refuse
from video_knet.formats import VOID, KittiStep, SegmentMap, get_format

STYLE = KittiStep()


@pytest.fixture
def root(world, tmp_path):
    """A copy of the tiny world that may be damaged."""
    return shutil.copytree(world, tmp_path / "kitti_step")


def segments(height: int = 4, width: int = 6) -> SegmentMap:
    rng = np.random.default_rng(0)
    semantic = rng.choice([0, 11, 13, VOID], (height, width)).astype(np.uint8)
    return SegmentMap(semantic, rng.integers(0, 65536, (height, width)).astype(np.int32))


def test_published_facts():
    assert STYLE.classes.thing_ids == (11, 13)
    assert [STYLE.classes.names[i] for i in STYLE.classes.thing_ids] == ["person", "car"]
    assert STYLE.classes.palette[13] == (0, 0, 142)
    assert len(STYLE.classes.names) == len(STYLE.classes.palette) == 19
    assert {split: len(sequences) for split, sequences in STYLE.splits.items()} == {
        "train": 12,
        "val": 9,
        "trainval": 21,
        "test": 29,
    }
    assert sum(STYLE.splits["val"].values()) == 2981
    assert sum(STYLE.splits["train"].values()) == 5027
    assert sum(STYLE.splits["test"].values()) == 11095


def test_get_format():
    assert type(get_format("kitti-step")) is type(get_format("kitti_step")) is KittiStep
    refuse(lambda: get_format("kitty"), "'kitty'", "kitti-step")


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "new" / "000000.png"
    STYLE.write(path, segments())
    back = STYLE.read(path)
    assert back.semantic.dtype == np.uint8
    assert back.track.dtype == np.int32
    assert (back.semantic == segments().semantic).all()
    assert (back.track == segments().track).all()


def test_coding():
    pixel = STYLE.encode(SegmentMap(np.array([[13]], np.uint8), np.array([[0x1234]], np.int32)))
    assert pixel.tolist() == [[[13, 0x12, 0x34]]]


def test_writing_leaves_nothing_behind_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "000000.png"
    STYLE.write(path, segments())
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        STYLE.write(path, segments(5, 5))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["000000.png"]


def test_what_cannot_be_coded_is_refused(tmp_path):
    good, path = segments(), tmp_path / "000000.png"
    refuse(lambda: STYLE.write(path, SegmentMap(good.semantic, good.track + 65536)), path, "0..65535", "Number the")
    refuse(lambda: STYLE.write(path, SegmentMap(good.semantic, good.track - 65536)), path, "-", "0..65535")
    refuse(lambda: STYLE.write(path, SegmentMap(np.full((4, 6), 19, np.uint8), good.track)), path, "class 19", "0..18")
    refuse(lambda: STYLE.write(path, SegmentMap(np.full((4, 6), -1), good.track)), path, "class -1")
    refuse(lambda: STYLE.write(path, SegmentMap(good.semantic[1:], good.track)), path, "(3, 6)", "(4, 6)")
    assert not path.exists()


def test_videos_of_the_world(world):
    for split, names in (("train", ["0000", "0001"]), ("val", ["0002"]), ("trainval", ["0000", "0001", "0002"])):
        videos = STYLE.videos(world, split)
        assert [video.name for video in videos] == names
        STYLE.check_image_sizes(videos)
        for frame in (frame for video in videos for frame in video.frames):
            assert frame.image.is_file()
            assert frame.label.is_file()
            assert frame.name == frame.image.stem == frame.label.stem
    (test,) = STYLE.videos(world, "test")
    assert [frame.label for frame in test.frames] == [None] * 5


def test_sequence_may_start_anywhere(tmp_path):
    maps = [segments(16, 16)] * 3
    STYLE.write_video(tmp_path, "val", "0002", [np.zeros((16, 16, 3), np.uint8)] * 3, maps, start=78)
    (video,) = STYLE.videos(tmp_path, "val")
    assert [frame.name for frame in video.frames] == ["000078", "000079", "000080"]


def test_missing_folders(root, tmp_path):
    refuse(lambda: STYLE.videos(tmp_path / "nowhere", "val"), tmp_path / "nowhere", "data_root")
    refuse(lambda: STYLE.videos(root, "validation"), "'validation'", "val")
    shutil.rmtree(root / "training" / "image_02" / "0001")
    refuse(lambda: STYLE.videos(root, "train"), root / "training" / "image_02" / "0001", "Download")
    shutil.rmtree(root / "panoptic_maps" / "val")
    refuse(lambda: STYLE.videos(root, "val"), root / "panoptic_maps" / "val", "data_root")
    shutil.rmtree(root / "panoptic_maps" / "train" / "0000")
    shutil.rmtree(root / "panoptic_maps" / "train" / "0001")
    refuse(lambda: STYLE.videos(root, "train"), root / "panoptic_maps" / "train", "no sequence")


def test_label_without_image(root):
    image = root / "training" / "image_02" / "0000" / "000002.png"
    image.unlink()
    refuse(lambda: STYLE.videos(root, "train"), image, "Download the images")


@pytest.mark.parametrize("name", ["000000", "000002", "000004"])
def test_image_without_label(root, name):
    label = root / "panoptic_maps" / "train" / "0000" / f"{name}.png"
    label.unlink()
    refuse(lambda: STYLE.videos(root, "train"), label, "Download the labels")


def test_misnamed_files(root):
    folder = root / "panoptic_maps" / "train" / "0000"
    shutil.copy(folder / "000000.png", folder / "._000000.png")  # left by a file manager: not counted
    assert len(STYLE.videos(root, "train")[0].frames) == 5
    shutil.copy(folder / "000000.png", folder / "1.png")
    refuse(lambda: STYLE.videos(root, "train"), folder / "1.png", "six digits")
    folder.rename(folder.with_name("first"))
    refuse(lambda: STYLE.videos(root, "train"), folder.with_name("first"), "four digits")


def test_other_size_is_found_by_the_headers(root):
    label = root / "panoptic_maps" / "train" / "0001" / "000003.png"
    STYLE.write(label, segments())
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "train")), label, "6x4", "96x48")
    label.write_bytes(b"")
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "train")), label, "again")


def test_damaged_files(tmp_path):
    path = tmp_path / "000000.png"
    refuse(lambda: STYLE.read(path), path, "no such file")
    STYLE.write(path, segments(40, 40))
    whole = path.read_bytes()
    for damaged in (b"", whole[:20], whole[:60], whole[: len(whole) // 2], b"<html>" + whole):
        path.write_bytes(damaged)
        refuse(lambda: STYLE.read(path), path, "again")
    path.write_bytes(whole[:200] + bytes(50) + whole[250:])
    refuse(lambda: STYLE.read(path), path, "again")
    path.unlink()
    path.mkdir()
    refuse(lambda: STYLE.read(path), path)


def test_other_pixel_layouts(tmp_path):
    path = tmp_path / "000000.png"
    for mode in ("L", "RGBA", "P", "I;16"):
        Image.new(mode, (4, 4)).save(path)
        refuse(lambda: STYLE.read(path), path, "expected RGB")
    path.write_bytes(deep_png())
    refuse(lambda: STYLE.read(path), path, "bit depth 16")


def deep_png() -> bytes:
    """An RGB PNG of one pixel with 16 bits a channel, which decoders quietly cut down to 8."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    body = zlib.compress(bytes(7))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_unknown_class(tmp_path):
    path = tmp_path / "000000.png"
    Image.fromarray(np.full((4, 4, 3), 19, np.uint8)).save(path)
    refuse(lambda: STYLE.read(path), path, "class 19", "0..18", "255")


def write_pair(folder, classes: int, name: str = "000002_000007") -> tuple:
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}_cat.png", folder / f"{name}_ins.png"
    for path, value in zip(paths, (classes, 40000)):
        Image.fromarray(np.full((2, 3), value, np.uint16)).save(path)
    return paths


def test_released_pair(tmp_path):
    for value, wanted in ((13, 13), (19, VOID), (255, VOID)):
        back = STYLE.read(write_pair(tmp_path / "2", value))
        assert (back.semantic == wanted).all()
        assert (back.track == 40000).all()
    paths = write_pair(tmp_path / "2", 300)
    refuse(lambda: STYLE.read(paths), paths[0], "class 300", "19 is void")


def test_label_files_by_name(tmp_path):
    paths = write_pair(tmp_path / "pred" / "panoptic" / "2", 0)
    for folder in ("pred", "pred/panoptic"):
        assert STYLE.label_files(tmp_path / folder) == {"0002": {"000007": paths}}
    STYLE.write(STYLE.prediction_path(tmp_path / "official", "0002", "000007"), segments())
    ours = tmp_path / "official" / "0002" / "000007.png"
    assert STYLE.label_files(tmp_path / "official") == {"0002": {"000007": (ours,)}}
    paths[1].unlink()
    refuse(lambda: STYLE.label_files(tmp_path / "pred"), paths[0], "000002_000007_ins.png")
    shutil.copy(paths[0], tmp_path / "official" / "0002")
    refuse(lambda: STYLE.label_files(tmp_path / "official"), "Keep one of them")
    ours.rename(ours.with_name("frame.png"))
    refuse(lambda: STYLE.label_files(tmp_path / "official"), "frame.png", "SEQ/FRAME.png")


def test_sequence_names():
    assert STYLE.sequence_names("train", 3) == ["0000", "0001", "0003"]
    names = [STYLE.sequence_names(split, 40) for split in ("train", "val", "test")]
    assert len({*names[0], *names[1]}) == 80
    assert all(len(set(n)) == 40 for n in names)


def test_real_data(real_kitti_step):
    for split, lengths in (("train", {"0000": 11, "0001": 10}), ("val", {"0002": 60})):
        videos = STYLE.videos(real_kitti_step, split)
        assert {video.name: len(video.frames) for video in videos} == lengths
        STYLE.check_image_sizes(videos)
    assert videos[0].frames[0].name == "000078"
    label = STYLE.read(videos[0].frames[0].label)
    assert label.semantic.shape == (375, 1242)
    assert set(np.unique(label.semantic[label.track > 0])) <= {11, 13}


def test_a_sequence_of_another_split_is_refused(root):
    """A split is what its folder holds, but never what the data set has in another one."""
    folder = root / "panoptic_maps" / "train"
    shutil.copytree(root / "panoptic_maps" / "val" / "0002", folder / "0002")
    refuse(lambda: STYLE.videos(root, "train"), folder / "0002", "belongs to val")
    refuse(lambda: STYLE.videos(root, "trainval"), folder / "0002", "belongs to val")
    (folder / "0002").rename(folder / "5000")  # a number that no split has
    (root / "training" / "image_02" / "0002").rename(root / "training" / "image_02" / "5000")
    assert "5000" in [video.name for video in STYLE.videos(root, "train")]
