"""VIPSeg on disk: the world comes back exactly, raw values mean what they should, and every fault is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.common import assert_equal, frame, refuse
from video_knet.formats import VOID, SegmentMap, get_format
from video_knet.formats.coding.id_maps import to_id_map
from video_knet.formats.disk.png import read_png, write_png
from video_knet.formats.vipseg import Vipseg
from video_knet.formats.vipseg.format import RawFrame
from video_knet.formats.vipseg.raw import decode_raw
from video_knet.synthetic import World, write_world

STYLE = Vipseg()
WORLD = World(STYLE.classes, (32, 48), frames=4, seed=3)
VAL = "20000_synthetic"
FRAMES = [f"{i:08d}" for i in range(4)]
WALL, CEILING, PERSON, CAR = 0, 1, 60, STYLE.classes.names.index("car")


@pytest.fixture(scope="module")
def vipseg_world(tmp_path_factory) -> Path:
    """A tiny VIPSeg, read-only by agreement: 2 train, 2 val, 1 test video of 4 frames, 32x48."""
    root = tmp_path_factory.mktemp("world") / "VIPSeg"
    write_world(root, STYLE, WORLD, {"train": 2, "val": 2, "test": 1})
    return root


@pytest.fixture
def root(vipseg_world, tmp_path) -> Path:
    """A copy of the tiny world that may be damaged."""
    return shutil.copytree(vipseg_world, tmp_path / "VIPSeg")


def test_published_facts():
    assert STYLE.published == {"train": (2806, None), "val": (343, None), "test": (387, None)}
    assert get_format("vipseg").name == get_format("VIPSeg").name == "vipseg"
    assert len(STYLE.classes.names) == 124
    assert not {WALL, CEILING} & set(STYLE.classes.thing_ids)
    assert {PERSON, CAR} <= set(STYLE.classes.thing_ids)


@pytest.mark.parametrize("split", ["train", "val"])
def test_world_comes_back_exactly(vipseg_world, split):
    videos = STYLE.videos(vipseg_world, split)
    assert [video.name for video in videos] == STYLE.sequence_names(split, 2)
    STYLE.check_image_sizes(videos)
    crowds = 0
    for index, video in enumerate(videos):
        for found, (image, drawn) in zip(video.frames, WORLD.video(index, split), strict=True):
            assert found.label == RawFrame(vipseg_world / "panomasks" / video.name / f"{found.name}.png")
            back = STYLE.read(found.label)
            assert_equal(back, drawn)
            crowds += int((STYLE.classes.is_thing[drawn.semantic.clip(0, 123)] & (drawn.track == 0)).sum())
            with Image.open(found.image) as written:
                assert np.abs(np.asarray(written).astype(int) - image).mean() < 6  # JPEG
    assert crowds


def test_raw_values_by_hand(tmp_path):
    raw = np.array([[0, 1, 124, 61, 6100, 6199, 200, 125]], np.uint16)
    write_png(tmp_path / "a.png", raw)
    back = STYLE.read(tmp_path / "a.png")
    assert back.semantic.tolist() == [[VOID, 0, 123, PERSON, PERSON, PERSON, CEILING, WALL]]
    assert back.track.tolist() == [[0, 0, 0, 0, 1, 100, 0, 0]]
    for label in (str(tmp_path / "a.png"), RawFrame(tmp_path / "a.png")):
        assert (STYLE.read(label).track == back.track).all()
    STYLE.write(tmp_path / "b.png", back)
    assert read_png(tmp_path / "b.png", "grey").tolist() == [[0, 1, 124, 61, 6100, 6199, 2, 1]]
    assert decode_raw(np.array([[61]], np.uint8)).semantic.tolist() == [[PERSON]]  # small values may be 8 bit


def test_tracks_that_a_mask_cannot_hold_become_others(tmp_path):
    """One number for each (class, track), kept through the video; ids up to 100 stay as they are."""
    maps = [
        frame([PERSON, PERSON, CAR, CAR], [500, 1, 500, 7]),
        frame([PERSON, PERSON, CAR, PERSON], [1, 500, 500, 2]),
    ]
    STYLE.write_video(tmp_path, "val", "v", [np.zeros((1, 4, 3), np.uint8)] * 2, maps)
    (video,) = STYLE.videos(tmp_path, "val")
    tracks = [STYLE.read(f.label).track.tolist() for f in video.frames]
    # Person 1 is itself, person 500 gets the lowest number free by then; cars are numbered on their own.
    assert tracks == [[[2, 1, 1, 7]], [[1, 2, 1, 3]]]


def test_what_cannot_be_coded_is_refused(tmp_path):
    path = tmp_path / "a.png"
    many = frame([PERSON] * 101, list(range(1, 102)))
    refuse(lambda: STYLE.write(path, many), path, "more than 100 objects of class 60")
    refuse(lambda: STYLE.write(path, frame([124], [0])), path, "class 124 is outside 0..123")
    refuse(lambda: STYLE.write(path, frame([PERSON], [-1])), path, "track id -1")
    refuse(lambda: STYLE.write(path, SegmentMap(np.zeros((1, 2)), np.zeros((1, 3)))), path, "one (H, W)")
    assert not path.exists()
    images, maps = [np.zeros((1, 1, 3), np.uint8)], [frame([0], [0])]
    for split, name in (("trainval", "a"), ("val", "a/b"), ("val", ".a"), ("val", "")):
        refuse(lambda s=split, n=name: STYLE.write_video(tmp_path, s, n, images, maps), repr(split), repr(name))
    refuse(lambda: STYLE.write_video(tmp_path, "val", "a", images, maps, start=-1), "-1")


def test_writing_again_changes_no_list(tmp_path):
    images, maps = [np.zeros((2, 2, 3), np.uint8)], [SegmentMap(*np.zeros((2, 2, 2), int))]
    for name in ("b", "a", "b"):
        STYLE.write_video(tmp_path, "val", name, images, maps, start=7)
    assert (tmp_path / "val.txt").read_text() == "b\na\n"
    assert [f.name for video in STYLE.videos(tmp_path, "val") for f in video.frames] == ["00000007"] * 2


def test_the_test_split_has_no_labels(vipseg_world):
    (test,) = STYLE.videos(vipseg_world, "test")
    assert [f.label for f in test.frames] == [None] * 4
    assert not (vipseg_world / "panomasks" / test.name).exists()


def test_other_trees(root, tmp_path):
    wanted = [video.name for video in STYLE.videos(root, "val")]
    (root / "images").rename(root / "imgs")
    assert [video.name for video in STYLE.videos(root, "val")] == wanted
    copy = shutil.copytree(root, tmp_path / "VIPSeg_720P")
    for name in ("train", "val", "test"):
        (copy / f"{name}.txt").unlink()
    assert [video.name for video in STYLE.videos(copy, "val")] == wanted  # the list lies beside, in VIPSeg
    mine = (root / "val.txt").rename(tmp_path / "mine.txt")
    assert [video.name for video in STYLE.videos(root, str(mine))] == wanted
    refuse(lambda: STYLE.videos(root, "val"), root / "val.txt", tmp_path / "val.txt", "split files")
    refuse(lambda: STYLE.videos(tmp_path / "none", "val"), tmp_path / "none", "panomasks")
    shutil.rmtree(root / "imgs")
    refuse(lambda: STYLE.videos(root, str(mine)), root / "images", "imgs/")


def damaged(root: Path) -> dict[str, Path]:
    """Five faults in the two val videos and a name without a video; the file of each."""
    masks, images = root / "panomasks" / VAL, root / "images" / VAL
    (masks / "00000000.png").unlink()
    (images / "00000001.jpg").unlink()
    (root / "images" / "loop").symlink_to(root / "images" / "loop")
    with open(root / "val.txt", "a") as file:
        file.write("absent\nloop\n")
    return {
        "mask": masks / "00000000.png",
        "image": images / "00000001.jpg",
        "absent": root / "images" / "absent",
        "loop": root / "images" / "loop",
    }


def test_all_faults_of_a_split_are_named_at_once(root):
    files = damaged(root)
    error = refuse(lambda: STYLE.videos(root, "val"), *files.values(), "Download", "remove its line")
    assert len(error.faults) == 4
    assert [video.name for video in error.partial] == ["20001_synthetic"]


def test_damaged_masks(root):
    path = root / "panomasks" / VAL / "00000002.png"
    whole = path.read_bytes()
    for content in (b"", whole[:60], b"<html>" + whole):
        path.write_bytes(content)
        refuse(lambda: STYLE.read(RawFrame(path)), path, "again")
    for value in (12500, 65535):
        write_png(path, np.array([[1, value]], np.uint16))
        for read in (STYLE.read, RawFrame.read):
            refuse(lambda read=read: read(RawFrame(path)), path, f"value {value} is no class", "0 is void")
    write_png(path, np.zeros((2, 3, 3), np.uint8))
    refuse(lambda: STYLE.read(path), path, "pixel layout is RGB")
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "val")), path, "3x2", "48x32")
    path.unlink()
    refuse(lambda: STYLE.read(path), path, "no such file")
    path.symlink_to(path)
    refuse(lambda: STYLE.read(path), path, "cannot be read")


def test_damaged_lists_and_folders(root):
    path, masks = root / "val.txt", root / "panomasks" / VAL
    path.write_bytes(b"\xff\xfe\xff")
    refuse(lambda: STYLE.videos(root, "val"), path, "as text")
    path.write_text(f"{VAL}\n{VAL}\n")
    refuse(lambda: STYLE.videos(root, "val"), path, f"{VAL!r} 2 times")
    path.write_text(f"{VAL}\n")
    (masks / ".hidden.png").touch()
    assert len(STYLE.videos(root, "val")[0].frames) == 4
    shutil.copy(root / "images" / VAL / "00000001.jpg", root / "images" / VAL / "00000001.jpeg")
    refuse(lambda: STYLE.videos(root, "val"), "00000001.jp", "the same frame")
    (root / "images" / VAL / "00000001.jpeg").unlink()
    shutil.rmtree(masks)
    refuse(lambda: STYLE.videos(root, "val"), masks, "no such folder")
    masks.touch()
    refuse(lambda: STYLE.videos(root, "val"), masks, "cannot be listed")
    masks.unlink()
    masks.mkdir()
    refuse(lambda: STYLE.videos(root, "val"), masks, "holds no .png")


def test_predictions_are_read_by_name(tmp_path):
    drawn = [segments for _, segments in WORLD.video(0, "val")]
    entries = [STYLE.write_frame(tmp_path, VAL, name, to_id_map(s, STYLE.classes)) for name, s in zip(FRAMES, drawn)]
    STYLE.write_list(tmp_path, {VAL: entries})
    for name, segments in zip(FRAMES, drawn):
        back = STYLE.read_predicted(tmp_path, VAL, name)
        np.testing.assert_array_equal(back.semantic, segments.semantic)
        np.testing.assert_array_equal(back.track, segments.track)
    path = tmp_path / "pred.json"
    refuse(lambda: STYLE.read_predicted(tmp_path, VAL, "00000009"), path, "00000009", VAL, "Predict all frames")
    refuse(lambda: STYLE.read_predicted(tmp_path, "other", FRAMES[0]), path, "other")
    (tmp_path / "pan_pred" / VAL / "00000001.png").unlink()
    refuse(lambda: STYLE.read_predicted(tmp_path, VAL, "00000001"), "00000001.png", "no such file")
    path.write_text("{")
    refuse(lambda: STYLE.read_predicted(tmp_path, VAL, FRAMES[0]), path, "as json")  # the change is seen
    refuse(lambda: STYLE.read_predicted(tmp_path / "none", VAL, FRAMES[0]), tmp_path / "none" / "pred.json")


def test_faults_of_a_truth_json_are_named_at_once(tmp_path):
    path, ids = tmp_path / "panoptic_gt_VIPSeg_val.json", to_id_map(frame([0, PERSON], [0, 1]), STYLE.classes)
    STYLE.write_truth(path, {"a": {"0": ids}, "b": {"0": ids, "1": ids}})
    assert [list(frames) for frames in STYLE.truth(path).values()] == [["0"], ["0", "1"]]
    np.testing.assert_array_equal(STYLE.read(STYLE.truth(path)["a"]["0"]).track, [[0, 1]])
    text = path.read_text()
    path.write_text(text.replace('"category_id": 60', '"category_id": 124', 1).replace('"1.png"', '"0.png"'))
    error = refuse(lambda: STYLE.truth(path), path, "category_id 124", "frame 0 is listed twice")
    assert len(error.faults) == 2
    assert {video: list(frames) for video, frames in error.partial.items()} == {"b": ["0"]}
    path.write_text(text.replace('"area": 1', '"area": Infinity', 1))
    refuse(lambda: STYLE.truth(path), path, "whole numbers")
