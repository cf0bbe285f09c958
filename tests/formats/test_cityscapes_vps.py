"""Cityscapes-VPS on disk: the world comes back exactly from both kinds of labels, and every fault is named."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.common import assert_equal, change, frame, refuse
from video_knet.formats import VOID, get_format
from video_knet.formats.cityscapes_vps import CityscapesVps
from video_knet.formats.cityscapes_vps.names import is_labelled
from video_knet.formats.cityscapes_vps.train import LabelmapFrame
from video_knet.formats.coding.id_maps import IdMap, Segment, to_id_map
from video_knet.formats.coding.id_tracks import TrackedFrame
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.disk.png import read_png, write_png
from video_knet.synthetic import World, write_world

STYLE = CityscapesVps()
WORLD = World(STYLE.classes, (32, 48), frames=11, seed=3)
PERSON, CAR = 11, 13
INSTANCES, PANOPTIC = "instances_train_city_vps_rle.json", "panoptic_gt_val_city_vps.json"
NAMES = {"train": ["1000", "1001"], "val": ["4000", "4001"], "test": ["7000"]}


@pytest.fixture(scope="module")
def vps_world(tmp_path_factory) -> Path:
    """A tiny Cityscapes-VPS, read-only by agreement: 2 train, 2 val, 1 test video of 11 frames, 32x48."""
    root = tmp_path_factory.mktemp("world") / "cityscapes_vps"
    write_world(root, STYLE, WORLD, {split: len(names) for split, names in NAMES.items()})
    return root


@pytest.fixture
def root(vps_world, tmp_path) -> Path:
    """A copy of the tiny world that may be damaged."""
    return shutil.copytree(vps_world, tmp_path / "cityscapes_vps")


def test_published_facts():
    assert STYLE.published == {"train": (400, 2400), "val": (50, 300), "test": (50, None)}
    assert get_format("cityscapes-vps").name == get_format("cityscapes_vps").name == "cityscapes-vps"
    assert STYLE.classes.thing_ids == (11, 12, 13, 14, 15, 16, 17, 18)
    assert [t for t in range(30) if is_labelled(t, 30)] == [4, 9, 14, 19, 24, 29]
    assert [t for t in range(3) if is_labelled(t, 3)] == [2]


@pytest.mark.parametrize(("split", "labelled"), [("train", range(11)), ("val", (4, 9)), ("test", ())])
def test_world_comes_back_exactly(vps_world, split, labelled):
    videos = STYLE.videos(vps_world, split)
    assert [video.name for video in videos] == NAMES[split] == STYLE.sequence_names(split, len(videos))
    STYLE.check_image_sizes(videos)
    crowds = 0
    for index, video in enumerate(videos):
        assert [t for t, found in enumerate(video.frames) if found.label is not None] == list(labelled)
        for found, (image, drawn) in zip(video.frames, WORLD.video(index, split), strict=True):
            with Image.open(found.image) as written:
                np.testing.assert_array_equal(np.asarray(written), image)
            if found.label is not None:
                assert_equal(STYLE.read(found.label), drawn)
                assert_equal(STYLE.read(pickle.loads(pickle.dumps(found.label))), drawn)
                crowds += int((np.isin(drawn.semantic, STYLE.classes.thing_ids) & (drawn.track == 0)).sum())
    assert crowds or split == "test"


def test_labels_of_both_kinds_say_the_same_as_ids(vps_world):
    """What the evaluator reads of a frame are its segments: crowds are marked, objects keep their ids."""
    for split, kind in (("train", LabelmapFrame), ("val", TrackedFrame)):
        label = next(f.label for f in STYLE.videos(vps_world, split)[0].frames if f.label is not None)
        assert isinstance(label, kind)
        ids, segments = label.read(), STYLE.read(label)
        for segment in ids.segments:
            (category,), tracks = (
                np.unique(segments.semantic[ids.ids == segment.id]),
                segments.track[ids.ids == segment.id],
            )
            assert category == segment.category
            thing = category in STYLE.classes.thing_ids
            assert (tracks == (segment.id if thing and not segment.crowd else 0)).all()
            assert segment.crowd == (thing and not tracks.any())
        assert ((ids.ids == 0) == (segments.semantic == VOID)).all()


def test_splits_of_labelled_frames(vps_world):
    whole = STYLE.videos(vps_world, "val")
    labelled = STYLE.videos(vps_world, "val_labelled")
    assert [[f.name for f in video.frames] for video in labelled] == [
        [f.name for f in video.frames if f.label is not None] for video in whole
    ]
    both = STYLE.videos(vps_world, "trainval")
    assert both == STYLE.videos(vps_world, "train") + labelled
    refuse(lambda: STYLE.videos(vps_world, "nosuch"), "'nosuch'", "train, val, test")


def test_without_the_unlabelled_frames(root):
    wanted = STYLE.videos(root, "val_labelled")
    shutil.rmtree(root / "val" / "img_all")
    assert STYLE.videos(root, "val") == wanted


def test_the_labelled_frames_are_found_among_all(root):
    wanted = [[f.name for f in video.frames] for video in STYLE.videos(root, "val_labelled")]
    shutil.rmtree(root / "val" / "img")
    assert [[f.name for f in video.frames] for video in STYLE.videos(root, "val_labelled")] == wanted


def test_short_videos_have_their_last_frame_labelled(tmp_path):
    maps = [frame([PERSON], [t + 1]) for t in range(3)]
    STYLE.write_video(tmp_path, "val", "0001", [np.zeros((1, 1, 3), np.uint8)] * 3, maps)
    (video,) = STYLE.videos(tmp_path, "val")
    assert [f.label is not None for f in video.frames] == [False, False, True]
    assert STYLE.read(video.frames[-1].label).track.tolist() == [[3]]


def official(root: Path) -> Path:
    """A training video as the data set has it: other suffixes, ids and categories than ours, by hand."""
    semantic = np.array([[0, 13, 13, 13], [11, 11, 13, 255]], np.uint8)
    first, second = np.zeros((2, 2, 4), bool)
    first[:, 0:3], second[0, 2:] = True, True  # the first covers road and persons, too; they share one pixel
    crowd = semantic == 13
    names = ["0005_0025_frankfurt_000000_001736_leftImg8bit", "0005_0030_frankfurt_000000_001741_newImg8bit"]
    for name, label in zip(names, ("gtFine_color", "final_mask")):
        write_png(root / "train" / "img" / f"{name}.png", np.zeros((2, 4, 3), np.uint8))
        write_png(root / "train" / "labelmap" / f"{name.rsplit('_', 1)[0]}_{label}.png", semantic)

    def entry(number: int, image: int, category: int, inst: int, mask: np.ndarray, crowd: int = 0) -> dict:
        (rle,) = encode_masks(mask[None])
        return {
            "id": number,
            "image_id": image,
            "category_id": category,
            "inst_id": inst,
            "iscrowd": crowd,
            "segmentation": rle,
        }

    annotations = [
        entry(1, 50001, 26, 0, first),
        entry(2, 50001, 26, 90000, second),
        entry(3, 50001, 26, 7, crowd, 1),
        entry(4, 50001, 24, 3, semantic == 11),
        entry(5, 50002, 26, 90000, semantic == 13),
    ]
    images = [{"id": 50001 + i, "file_name": f"{name}.png", "height": 2, "width": 4} for i, name in enumerate(names)]
    categories = [{"id": 24 + i, "trainid": 11 + i, "name": name} for i, name in enumerate(STYLE.classes.names[11:])]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / INSTANCES).write_text(json.dumps(content))
    return root / INSTANCES


def test_training_labels_by_hand(tmp_path):
    """Numbers are free but for one: inst_id 3 is kept. Cars 0 and 90000, which no track can be, get 1 and 2."""
    path = official(tmp_path)
    (video,) = STYLE.videos(tmp_path, "train")
    assert (video.name, [f.name[:9] for f in video.frames]) == ("0005", ["0005_0025", "0005_0030"])
    first, second = (STYLE.read(f.label) for f in video.frames)
    assert first.semantic.tolist() == [[0, 13, 13, 13], [11, 11, 13, 255]]
    assert first.track.tolist() == [[0, 1, 2, 2], [3, 3, 1, 0]]  # the shared pixel is the later one's
    assert second.track.tolist() == [[0, 2, 2, 2], [0, 0, 2, 0]]  # persons without an instance are a crowd

    def renumber(content: dict) -> None:  # categories without trainid are the things in order
        content["categories"] = [{"id": i} for i in range(1, 9)]
        for entry in content["annotations"]:
            entry["category_id"] -= 23

    change(path, renumber)
    assert STYLE.read(STYLE.videos(tmp_path, "train")[0].frames[0].label).track.tolist() == first.track.tolist()
    change(path, lambda content: content.pop("categories"))
    assert STYLE.read(STYLE.videos(tmp_path, "train")[0].frames[0].label).track.tolist() == first.track.tolist()

    def uncompressed(content: dict) -> None:
        content["annotations"][3]["segmentation"]["counts"] = [1, 1, 1, 1, 4]

    change(path, uncompressed)
    assert STYLE.read(STYLE.videos(tmp_path, "train")[0].frames[0].label).track.tolist() == first.track.tolist()


def test_panoptic_training_labels_come_first(root):
    """Where train has ids and their json, these are read; official ids may be larger than any track."""
    (root / "train" / "panoptic_video").mkdir()
    name = STYLE.videos(root, "train")[0].frames[0].name
    ids = np.full((32, 48), 3, np.uint32)
    ids[:10], ids[10:12], ids[20:] = 0x8E0000, 0x8E0100, 7
    frames = {name: IdMap(ids, (Segment(0x8E0000, 13), Segment(0x8E0100, 13, True), Segment(7, 11), Segment(3, 0)))}
    STYLE.write_truth(root / "train" / "panoptic_gt_train_city_vps.json", {"1000": frames})
    shutil.copy(root / "train" / "panoptic_gt_train_city_vps.json", root)
    error = refuse(lambda: STYLE.videos(root, "train"), "has no label", "_newImg8bit.png")
    assert len(error.faults) == 21  # the other frames are not in the json
    (video,) = error.partial
    (only,) = video.frames
    assert isinstance(only.label, TrackedFrame)
    back = STYLE.read(only.label)
    assert (back.semantic[[0, 11, 15, 31], 0].tolist(), back.track[[0, 11, 15, 31], 0].tolist()) == (
        [13, 13, 0, 11],
        [1, 0, 0, 7],
    )
    change(root / "panoptic_gt_train_city_vps.json", lambda content: content.pop("annotations"))
    assert isinstance(STYLE.videos(root, "train")[0].frames[0].label, LabelmapFrame)  # images alone say nothing


def test_writing_again_changes_nothing(root, monkeypatch):
    texts = {name: (root / name).read_text() for name in (INSTANCES, PANOPTIC)}
    for split in ("train", "val"):
        images, maps = zip(*WORLD.video(0, split))
        STYLE.write_video(root, split, NAMES[split][0], images, maps)
    assert {name: (root / name).read_text() for name in texts} == texts
    replace = os.replace

    def fail_at_the_json(part, path) -> None:
        if str(path).endswith(".json"):
            raise OSError("disk full")
        replace(part, path)

    monkeypatch.setattr(os, "replace", fail_at_the_json)
    for split in ("train", "val"):
        images, maps = zip(*WORLD.video(5, split))
        with pytest.raises(OSError, match="disk full"):
            STYLE.write_video(root, split, "0009", images, maps)
    assert {name: (root / name).read_text() for name in texts} == texts


def test_tracks_that_two_classes_share_are_told_apart(tmp_path):
    maps = [frame([PERSON, CAR, CAR, 0], [4, 4, 0, 0])] * 5
    for split, name in (("train", "0001"), ("val", "0002")):
        STYLE.write_video(tmp_path, split, name, [np.zeros((1, 4, 3), np.uint8)] * 5, maps)
        labels = [f.label for f in STYLE.videos(tmp_path, split)[0].frames if f.label is not None]
        assert {tuple(STYLE.read(label).track[0].tolist()) for label in labels} == {(4, 1, 0, 0)}


def test_what_cannot_be_written_is_refused(tmp_path):
    images = [np.zeros((1, 1, 3), np.uint8)]
    for split in ("train", "val"):
        for segments, word in ((frame([19], [0]), "class 19"), (frame([PERSON], [-1]), "track id -1")):
            refuse(lambda s=split, m=segments: STYLE.write_video(tmp_path, s, "0001", images, [m]), word, tmp_path)
    for split, name in (("trainval", "0001"), ("val", "a"), ("val", "12")):
        refuse(lambda s=split, n=name: STYLE.write_video(tmp_path, s, n, images, [frame([0], [0])]), repr(split), name)
    refuse(lambda: STYLE.write_video(tmp_path, "val", "0001", images, [frame([0], [0])], start=-1), "-1")
    refuse(lambda: STYLE.write_video(tmp_path, "val", "0001", images, [frame([0], [0])], start=9999), "10000")
    refuse(lambda: STYLE.read(tmp_path / "a.png"), tmp_path / "a.png", "`videos`")


def test_all_faults_of_train_are_named_at_once(root):
    maps, images = sorted((root / "train" / "labelmap").iterdir()), sorted((root / "train" / "img").iterdir())
    maps[0].unlink()
    images[1].unlink()
    images[2].rename(images[2].with_name("town_newImg8bit.png"))

    def damage(content: dict) -> None:
        first = next(e for e in content["annotations"] if e["image_id"] == content["images"][3]["id"])
        first["category_id"] = 30
        content["annotations"][-1]["segmentation"]["counts"] = [1, 2]
        content["annotations"][-2]["id"] = 1
        content["images"].pop(4)

    change(root / INSTANCES, damage)
    error = refuse(
        lambda: STYLE.videos(root, "train"),
        images[0],
        maps[0].name,
        images[1],
        "does not start with the number",
        "30",
        "category_id (one of [1, 2, 3",
        "with the sum 1536",
        "id 1 is listed twice",
        f"does not list image {images[4].stem.removesuffix('_newImg8bit')}",
    )
    assert [video.name for video in error.partial] == NAMES["train"]
    assert not {images[i].stem.removesuffix("_newImg8bit") for i in (0, 1, 2, 4)} & {
        f.name for video in error.partial for f in video.frames
    }


def test_all_faults_of_val_are_named_at_once(root):
    images, masks = root / "val" / "img_all", root / "val" / "panoptic_video"
    names = [f.name for video in STYLE.videos(root, "val_labelled") for f in video.frames]
    (images / f"{names[0]}_newImg8bit.png").unlink()
    (masks / f"{names[1]}_final_mask.png").unlink()
    shutil.copy(images / f"{names[1]}_newImg8bit.png", images / "0001_0001_town_000000_000001_newImg8bit.png")

    def damage(content: dict) -> None:
        twice, lost = content["annotations"][2]["segments_info"], content["annotations"].pop(3)
        twice.append(dict(twice[0]))
        assert lost["image_id"] == names[3]

    change(root / PANOPTIC, damage)
    error = refuse(
        lambda: STYLE.videos(root, "val"),
        f"{names[0]}_newImg8bit.png: no such file",
        f"{names[1]}_final_mask.png: no such file",
        "is listed twice",
        f"image {names[3]} has no annotation",
        "no frame of video 0001 has a label",
    )
    assert [video.name for video in error.partial] == ["0001", *NAMES["val"]]
    assert not any(f.label for video in error.partial for f in video.frames)


@pytest.mark.parametrize("name", [INSTANCES, PANOPTIC])
def test_damaged_jsons(root, name):
    path, split = root / name, "train" if name == INSTANCES else "val"
    text = path.read_text()
    for content in ("{", "[]", '{"images": [], "annotations": {}}', '{"images": []}'):
        path.write_text(content)
        refuse(lambda: STYLE.videos(root, split), path)
    path.write_bytes(b"\xff\xfe{}")
    refuse(lambda: STYLE.videos(root, split), path, "as json")
    path.write_text(text)
    for key in ("images", "annotations"):
        for wrong in (3, None, {}, []):
            change(path, lambda content, k=key, w=wrong: content[k].append(w))
            refuse(lambda: STYLE.videos(root, split), path)
            path.write_text(text)

    for wrong in (7, {"a": 1}, [{"id": "road"}], *([[{"id": True}]] * (name == PANOPTIC))):
        change(path, lambda content, w=wrong: content.update(categories=w))
        refuse(lambda: STYLE.videos(root, split), path)
    path.write_text(text)

    def twice(content: dict) -> None:
        content["images"].append(content["images"][0])

    change(path, twice)
    refuse(lambda: STYLE.videos(root, split), path, "is listed twice")
    path.unlink()
    refuse(lambda: STYLE.videos(root, split), path, "no such file")
    path.symlink_to(path)
    refuse(lambda: STYLE.videos(root, split), path, "cannot be read")


def test_damaged_labels(root):
    label = STYLE.videos(root, "train")[0].frames[0].label
    whole = label.path.read_bytes()
    label.path.write_bytes(whole[:60])
    refuse(lambda: STYLE.read(label), label.path, "again")
    write_png(label.path, np.array([[0, 19]], np.uint8))
    refuse(lambda: STYLE.read(label), label.path, "class 19", "train ids")
    refuse(lambda: STYLE.check_image_sizes(STYLE.videos(root, "train")), label.path, "2x1", "48x32")
    write_png(label.path, np.array([[0, 13]], np.uint8))
    refuse(lambda: STYLE.read(label), INSTANCES, label.origin, "size is")
    label.path.unlink()
    label.path.symlink_to(label.path)
    refuse(lambda: STYLE.read(label), label.path, "cannot be read")
    label = STYLE.videos(root, "val_labelled")[0].frames[0].label
    ids = read_png(label.path, "RGB").copy()
    ids[0, 0] = 255
    write_png(label.path, ids)
    refuse(lambda: STYLE.read(label), label.path, "id 16777215", PANOPTIC)
    label.path.write_bytes(b"")
    refuse(lambda: STYLE.read(label), label.path, "again")


def test_missing_folders(root):
    refuse(lambda: STYLE.videos(root / "none", "train"), root / "none" / "train" / "img", "train/, val/")
    for split, folder in (
        ("train", "train/labelmap"),
        ("train", "train/img"),
        ("val", "val/panoptic_video"),
        ("test", "test/img_all"),
    ):
        shutil.rmtree(root / folder)
        refuse(lambda s=split: STYLE.videos(root, s), root / folder if split != "val" else "panoptic_video")
    shutil.rmtree(root / "val" / "img")
    (root / "val" / "img_all").rename(root / "val" / "other")
    (root / "val" / "img_all").symlink_to(root / "val" / "img_all")
    refuse(lambda: STYLE.videos(root, "val"), root / "val" / "img_all", "no such folder")


def test_predictions_are_read_by_name(tmp_path):
    drawn = [segments for _, segments in WORLD.video(0, "val")]
    names = [f"4000_{t + 1:04d}_town_000000_{t:06d}" for t in range(11)]
    entries = [STYLE.write_frame(tmp_path, names[t], to_id_map(drawn[t], STYLE.classes)) for t in (4, 9)]
    STYLE.write_list(tmp_path, entries)
    for t, name in enumerate(names):
        back = STYLE.read_predicted(tmp_path, "4000", name)
        if t in (4, 9):
            assert_equal(back, drawn[t])
        else:
            assert back is None
    path = tmp_path / "pred.json"
    refuse(lambda: STYLE.read_predicted(tmp_path, "4001", "4001_0005_town"), path, "4001", "Predict the video")
    (tmp_path / "pan_pred" / f"{names[4]}.png").unlink()
    refuse(lambda: STYLE.read_predicted(tmp_path, "4000", names[4]), names[4], "no such file")
    refuse(lambda: STYLE.read_predicted(tmp_path / "none", "4000", names[4]), tmp_path / "none" / "pred.json")
    STYLE.write_list(tmp_path, [{"segments_info": []}])
    refuse(lambda: STYLE.read_predicted(tmp_path, "4000", names[4]), path, "image_id")
