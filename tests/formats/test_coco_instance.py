"""COCO instances: images as videos of one frame, each kind of mask, and every fault with its file and remedy."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from tests.formats.common import change
from video_knet.formats import VOID, CocoInstance, FormatError, get_format
from video_knet.formats.coco.classes import COCO_THINGS
from video_knet.synthetic import World, write_world

STYLE = CocoInstance()
WORLD = World(STYLE.classes, (32, 64), frames=3, seed=3)
TRAIN = Path("annotations/instances_train2017.json")


@pytest.fixture(scope="module")
def coco_world(tmp_path_factory) -> Path:
    """A tiny data set, read-only by agreement: two videos as 6 train, one as 3 val and 3 test images."""
    root = tmp_path_factory.mktemp("world") / "coco"
    write_world(root, STYLE, WORLD, {"train2017": 2, "val": 1, "test": 1})
    return root


@pytest.fixture
def root(coco_world, tmp_path) -> Path:
    """A copy that may be damaged."""
    return shutil.copytree(coco_world, tmp_path / "coco")


def refused(root: Path, split: str = "train") -> FormatError:
    with pytest.raises(FormatError) as error:
        STYLE.videos(root, split)
    return error.value


def test_facts():
    assert get_format("coco_instance").classes == STYLE.classes
    assert len(STYLE.classes.names) == len(STYLE.classes.thing_ids) == 80
    assert STYLE.classes.names[:2] + STYLE.classes.names[-1:] == ("person", "bicycle", "toothbrush")
    assert STYLE.published["train2017"] == (118287, 118287)


def test_the_world_is_read_back(coco_world):
    crowd = 0
    for split, alias, count in (("train2017", "train", 2), ("val2017", "val", 1)):
        videos = STYLE.videos(coco_world, split)
        assert videos == STYLE.videos(coco_world, alias)
        STYLE.check_image_sizes(videos)
        truths = [truth for i in range(count) for _, truth in WORLD.video(i, "train2017" if count == 2 else "val")]
        for video, truth in zip(videos, truths, strict=True):
            (frame,) = video.frames
            assert frame.image == coco_world / split / f"{video.name}.jpg"
            assert STYLE.label_size(frame.label) == (32, 64)
            found, thing = STYLE.read(frame.label), np.isin(truth.semantic, STYLE.classes.thing_ids)
            assert (found.semantic == np.where(thing, truth.semantic, VOID)).all()
            assert (found.track == truth.track).all()
            crowd += (thing & (truth.track == 0)).sum()
    assert crowd
    assert [video.frames[0].label for video in STYLE.videos(coco_world, "test2017")] == [None] * 3


def test_masks_equal_those_of_pycocotools(coco_world):
    coco = COCO(str(coco_world / TRAIN))
    kinds = set()
    for image, video in zip(coco.dataset["images"], STYLE.videos(coco_world, "train")):
        objects = STYLE.read_objects(video.frames[0].label)
        entries = sorted(coco.imgToAnns[image["id"]], key=lambda entry: not entry["iscrowd"])
        assert len(entries) == len(objects.track)
        for n, entry in enumerate(entries):
            assert (objects.members[objects.regions, n] == coco.annToMask(entry)).all()
            assert COCO_THINGS[objects.semantic[n]][0] == entry["category_id"]
            assert (objects.track[n] == 0) == entry["iscrowd"]
            kinds.add(type(entry["segmentation"]["counts"]))
    assert kinds == {str, list}


def test_polygons(root):
    corners = [[2, 2, 12.5, 2, 12.5, 20, 2.25, 20], [30, 5, 40, 5, 35, 15]]

    def draw(data: dict) -> None:
        data["annotations"][0].update(segmentation=corners, image_id=data["images"][0]["id"], category_id=90, iscrowd=0)

    change(root / TRAIN, draw)
    (frame,) = STYLE.videos(root, "train")[0].frames
    label = pickle.loads(pickle.dumps(frame.label))
    assert label == frame.label
    objects = STYLE.read_objects(label)
    coco = COCO(str(root / TRAIN))
    n = list(objects.semantic).index(79)
    assert (objects.members[objects.regions, n] == coco.annToMask(coco.dataset["annotations"][0])).all()


def test_images_without_an_object_stay(root):
    change(root / TRAIN, lambda d: d.update(annotations=[]))
    videos = STYLE.videos(root, "train")
    assert len(videos) == 6
    assert (STYLE.read(videos[0].frames[0].label).semantic == VOID).all()
    assert not len(STYLE.read_objects(videos[0].frames[0].label).track)


def test_iscrowd_and_track_id_may_be_absent(root):
    def strip(data: dict) -> None:
        for entry in data["annotations"]:
            for key in ("track_id", "area", "bbox", *(["iscrowd"] if not entry["iscrowd"] else [])):
                entry.pop(key, None)

    change(root / TRAIN, strip)
    for video in STYLE.videos(root, "train"):
        track = STYLE.read_objects(video.frames[0].label).track
        assert track[track > 0].tolist() == list(range(1, (track > 0).sum() + 1))


def test_writing_again_changes_nothing(root):
    before = (root / TRAIN).read_bytes()
    for index, name in enumerate(STYLE.sequence_names("train", 2)):
        images, maps = zip(*WORLD.video(index, "train2017"))
        STYLE.write_video(root, "train", name, images, maps)
        assert (root / TRAIN).read_bytes() == before
    for wrong in (dict(split="minival"), dict(name="first"), dict(start=-1), dict(maps=(None,) * 3)):
        with pytest.raises(FormatError):
            STYLE.write_video(**{**dict(root=root, split="train", name="7", images=images, maps=maps), **wrong})
        assert (root / TRAIN).read_bytes() == before


def test_a_json_as_split_finds_its_images(root):
    shutil.copy(root / "annotations" / "instances_val2017.json", root / "part.json")
    change(root / "part.json", lambda d: d["images"].pop())
    ids = [entry["id"] for entry in json.loads((root / "part.json").read_text())["images"]]
    change(root / "part.json", lambda d: d.update(annotations=[a for a in d["annotations"] if a["image_id"] in ids]))
    for split in ("part.json", str(root / "part.json")):
        videos = STYLE.videos(root, split)
        assert [video.frames[0].image.parent.name for video in videos] == ["val2017"] * 2


FAULTS = {
    "image key": (lambda d: d["images"][0].pop("height"), "image entry 0: is .* lacks some of id, file_name, height"),
    "image id": (
        lambda d: d["images"][1].update(id=d["images"][0]["id"]),
        "image entry 1: id 1000000000 is no whole .* twice",
    ),
    "image size": (lambda d: d["images"][0].update(width=0), "image entry 0: width is 0, not"),
    "file": (lambda d: d["images"][0].update(file_name="../a.jpg"), "image entry 0: file_name '../a.jpg' is no name"),
    "file name": (lambda d: d["images"][0].update(file_name=7), "image entry 0: file_name 7 is no name"),
    "absent": (lambda d: d["images"][0].update(file_name="a.jpg"), r"train2017/a\.jpg: no such file, .*1 of 6 missing"),
    "id": (
        lambda d: d["annotations"][1].update(id=1),
        "annotation entry 1: id 1 is no whole number from 1, or there twice",
    ),
    "key": (lambda d: d["annotations"][1].pop("segmentation"), "annotation entry 1: is .*, which lacks some of"),
    "image": (lambda d: d["annotations"][1].update(image_id=3), "annotation entry 1: image_id 3 is not among the 6"),
    "category": (lambda d: d["annotations"][1].update(category_id=12), "entry 1: category_id 12 is not among the 80"),
    "crowd": (lambda d: d["annotations"][1].update(iscrowd="no"), "annotation entry 1: iscrowd is 'no', not 0 or 1"),
    "empty": (lambda d: d["annotations"][1].update(segmentation=[]), r"entry 1: segmentation '\[\]' is no list of"),
    "corners": (lambda d: d["annotations"][1].update(segmentation=[[1, 2, 3, 4]]), "entry 1: a polygon has 4 numbers"),
    "size": (
        lambda d: d["annotations"][1]["segmentation"].update(size=[64, 32]),
        r"entry 1: mask .*size is \[64, 32\] \(H, W\), that of the image \[32, 64\]",
    ),
    "no size": (lambda d: d["annotations"][1]["segmentation"].update(size=32), "entry 1: mask .*size is 32"),
    "counts": (
        lambda d: d["annotations"][1].update(segmentation={"size": [32, 64], "counts": [1, 2]}),
        "entry 1: mask cannot be decoded, counts are not lengths from 0 with the sum 2048",
    ),
    "categories": (lambda d: d["categories"][0].update(name="bridge"), "1 categories are no things of COCO: bridge"),
    "no list": (lambda d: d.pop("annotations"), "has no list 'annotations'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_in_the_json(root, name):
    edit, message = FAULTS[name]
    change(root / TRAIN, edit)
    with pytest.raises(FormatError, match=message) as error:
        STYLE.videos(root, "train")
    assert str(root) in str(error.value)


def test_all_faults_are_named_and_the_rest_is_given(root):
    def spoil(data: dict) -> None:
        data["annotations"][0].update(category_id=12, iscrowd=7)
        data["images"][5].update(width=None)

    change(root / TRAIN, spoil)
    error = refused(root)
    assert len(error.faults) > 3  # those of the objects of the lost image, too
    assert len(error.partial) == 4


@pytest.mark.parametrize("content", [b"", b'{"images": [', b"\xff\xfe\x00", b"[]", b"[" * 100_000])
def test_damaged_json(root, content):
    (root / TRAIN).write_bytes(content)
    assert str(root / TRAIN) in str(refused(root))


def test_absent_files(root, tmp_path):
    assert "instances_minival.json: no such file" in str(refused(root, "minival"))
    assert "other.json: no such file" in str(refused(root, "other.json"))
    shutil.rmtree(root / "train2017")
    assert f"{root / 'train2017'}: cannot be listed (No such file" in str(refused(root))
    shutil.rmtree(root / "test2017")
    assert f"{root / 'test2017'}: no such folder" in str(refused(root, "test"))
    assert "no such file" in str(refused(tmp_path / "nowhere"))


def test_damaged_mask_is_named_when_it_is_read(root):
    change(root / TRAIN, lambda d: d["annotations"][-1].update(segmentation={"size": [32, 64], "counts": "00"}))
    with pytest.raises(FormatError, match=r"instances_train2017\.json: image 0\d+\.jpg, object \d+: mask cannot"):
        STYLE.read(STYLE.videos(root, "train")[-1].frames[0].label)
