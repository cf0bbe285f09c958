"""COCO panoptic: categories by name, lists of segments, crowds, and what a json can have wrong."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from video_knet.formats import FormatError
from video_knet.formats.coco import CocoPanoptic
from video_knet.formats.coco.classes import COCO_STUFF, COCO_THINGS
from video_knet.formats.coco.panoptic import CATEGORY_IDS
from video_knet.formats.coding.id_maps import write_ids
from video_knet.synthetic import World, write_world

from .test_image_sets import faults_of, refuse

STYLE = CocoPanoptic()


@pytest.fixture
def root(tmp_path) -> Path:
    out = tmp_path / "coco"
    write_world(out, STYLE, World(STYLE.classes, (32, 48), frames=3), {"train2017": 1, "val2017": 1})
    return out


def json_of(root: Path, split: str = "val2017") -> Path:
    return root / "annotations" / f"panoptic_{split}.json"


def edit(root: Path, change) -> Path:
    path = json_of(root)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_published_facts():
    assert (len(COCO_THINGS), len(COCO_STUFF), len(set(CATEGORY_IDS))) == (80, 53, 133)
    assert list(CATEGORY_IDS) == sorted(CATEGORY_IDS)
    names = {number: name for number, name, _ in COCO_THINGS + COCO_STUFF}
    assert (names[1], names[13], names[44], names[90]) == ("person", "stop sign", "bottle", "toothbrush")
    assert (names[92], names[149], names[184], names[200]) == ("banner", "road", "tree-merged", "rug-merged")
    assert STYLE.classes.thing_ids == tuple(range(80))
    assert STYLE.classes.label_ids == tuple(range(133))
    assert len(set(STYLE.classes.palette)) == 133


def test_order_is_that_of_the_host():
    """The weights of released models depend on it."""
    pytest.importorskip("knet")  # the host needs its stand-in for compiled operators
    meta = pytest.importorskip("mmdet.datasets.coco_panoptic").CocoPanopticDataset.METAINFO
    assert STYLE.classes.names == meta["classes"]
    assert list(STYLE.classes.palette) == [tuple(colour) for colour in meta["palette"]]


def test_coding(tmp_path):
    """Objects are numbered in the order of the list over all classes; a crowd has track 0, id 0 is void."""
    folder = tmp_path / "annotations" / "panoptic_val2017"
    write_ids(folder / "000000000139.png", np.array([[0, 70000, 9, 5, 300]], np.uint32))
    segments = [(5, 1, 0), (300, 149, 0), (70000, 3, 0), (9, 1, 1), (77, 1, 0)]
    info = [{"id": i, "category_id": c, "iscrowd": k, "area": 1, "bbox": [0, 0, 1, 1]} for i, c, k in segments]
    content = {
        "images": [{"id": 139, "file_name": "000000000139.jpg", "height": 1, "width": 5}],
        "annotations": [{"image_id": 139, "file_name": "000000000139.png", "segments_info": info}],
    }
    json_of(tmp_path).write_text(json.dumps(content))
    (label,) = STYLE.label_files(tmp_path).values()
    found = STYLE.read(label)
    assert found.semantic.tolist() == [[255, 2, 0, 0, CATEGORY_IDS.index(149)]]
    assert found.track.tolist() == [[0, 2, 0, 1, 0]]
    assert len(pickle.dumps(label)) < 400  # COCO has 118,287 of them
    write_ids(label.path, np.array([[0, 12]], np.uint32))
    refuse(lambda: STYLE.read(label), label.path, "id 12 has pixels", json_of(tmp_path))


def test_short_names_of_splits_and_the_folder_in_the_root(root):
    wanted = [video.name for video in STYLE.videos(root, "val2017")]
    assert wanted == [f"{2000000 + i:012d}" for i in range(3)]
    assert [video.name for video in STYLE.videos(root, "val")] == wanted
    (root / "annotations" / "panoptic_val2017").rename(root / "panoptic_val2017")
    assert [video.name for video in STYLE.videos(root, "val")] == wanted
    assert list(STYLE.label_files(root)) == list(STYLE.label_files(json_of(root))) == wanted
    (root / "panoptic_val2017").rename(root / "elsewhere")
    refuse(lambda: STYLE.videos(root, "val"), json_of(root).with_suffix(""), "no such folder")


def test_a_part_of_the_images_is_a_data_set(root):
    """Images that the json does not list are left out, as in the usual small splits."""

    def shorten(content: dict) -> None:
        del content["images"][0], content["annotations"][0]

    edit(root, shorten)
    assert len(STYLE.videos(root, "val")) == 2


def test_categories_are_known_by_name(root):
    path = edit(root, lambda content: content["categories"].reverse())
    before = [STYLE.read(video.frames[0].label) for video in STYLE.videos(root, "val")]
    edit(root, lambda content: content.pop("categories"))
    for video, wanted in zip(STYLE.videos(root, "val"), before):
        np.testing.assert_array_equal(STYLE.read(video.frames[0].label).semantic, wanted.semantic)

    def spoil(content: dict) -> None:
        content["categories"] = [
            {"id": 1, "name": "person", "isthing": 0},
            {"id": 2, "name": "car", "isthing": 1},
            {"id": 4, "name": "unicorn", "isthing": 1},
            7,
        ]

    edit(root, spoil)
    error = faults_of(lambda: STYLE.videos(root, "val"))
    for words in ("isthing=0", "'car' has id 2, but the dataset says 3", "unicorn", "category 7"):
        assert any(words in fault and str(path) in fault for fault in error.faults), words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["annotations"].pop(0), "image 000002000000 has no annotation"),
        (lambda c: c["images"].pop(0), "annotation 000002000000 has no entry in images"),
        (lambda c: c["images"].append({"id": 3}), "has no file_name"),
        (lambda c: c["annotations"].append(c["annotations"][0]), "image 000002000000 is listed twice"),
        (lambda c: c["annotations"][0].pop("file_name"), "no file_name of a PNG"),
        (lambda c: c["annotations"][0].update(file_name="../1.png"), "no file_name of a PNG"),
        (lambda c: c["annotations"][0].update(file_name=7), "no file_name of a PNG"),
        (lambda c: c["annotations"][0].pop("segments_info"), "segments_info is not a list"),
        (lambda c: c["annotations"][0]["segments_info"][0].update(category_id=12), "category_id 12"),
        (lambda c: c["annotations"][0]["segments_info"][0].update(id="x"), "whole numbers"),
        (lambda c: c["annotations"][0]["segments_info"][0].update(id=-1), "id -1"),
        (lambda c: c["annotations"][0]["segments_info"].append(3), "not a list of objects"),
        (
            lambda c: c["annotations"][0]["segments_info"].append(c["annotations"][0]["segments_info"][0]),
            "listed twice",
        ),
        (lambda c: c.update(annotations=3), "no list 'annotations'"),
        (lambda c: c["annotations"].insert(0, 5), "no file_name of a PNG"),
        (lambda c: c.update(categories=7), "categories are 7, not a list"),
        (lambda c: c["categories"][0].update(name=["person"]), "['person']"),
    ],
)
def test_a_wrong_json(root, change, words):
    path = edit(root, change)
    error = faults_of(lambda: STYLE.videos(root, "val"))
    assert any(words in fault and str(path) in fault for fault in error.faults), error.faults
    if error.partial is not None:
        assert {video.name for video in error.partial} >= {"000002000001", "000002000002"}


def test_a_json_that_is_none(root):
    path = json_of(root)
    for content in ("", "[1", "[]", "\udcff"):
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        refuse(lambda: STYLE.videos(root, "val"), path)
    path.unlink()
    refuse(lambda: STYLE.videos(root, "val"), path, "no such file")


def test_too_many_videos_for_their_ids():
    with pytest.raises(FormatError, match="at most 1000"):
        STYLE.sequence_names("train", 1001)
