"""Mapillary Vistas v1.2: the coding of instances, config.json, and the folders of later downloads."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from video_knet.formats.mapillary import Mapillary
from video_knet.formats.mapillary.format import config_labels
from video_knet.synthetic import World, write_world

from .test_image_sets import faults_of, refuse

STYLE = Mapillary()


def save(path: Path, values: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, np.uint16)).save(path)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    out = tmp_path / "mapillary"
    write_world(out, STYLE, World(STYLE.classes, (32, 48), frames=2), {"training": 1, "validation": 1, "testing": 1})
    return out


def test_published_facts():
    classes = STYLE.classes
    assert (len(classes.names), len(classes.thing_ids), len(classes.stuff_ids)) == (65, 37, 28)
    assert (classes.names[0], classes.names[13], classes.names[55], classes.names[64]) == (
        *("Bird", "Road", "Car"),
        "Ego Vehicle",
    )
    things = {classes.names[i] for i in classes.thing_ids}
    assert {"Bird", "Crosswalk - Plain", "Pole", "Lane Marking - Crosswalk", "Wheeled Slow"} <= things
    assert not {"Road", "On Rails", "Pothole", "Lane Marking - General", "Car Mount"} & things
    assert len(set(classes.palette)) == 65


def test_classes_are_those_of_the_host():
    pytest.importorskip("knet")  # the host needs its stand-in for compiled operators
    meta = pytest.importorskip("mmseg.datasets.mapillary").MapillaryDataset_v1.METAINFO
    assert (*STYLE.classes.names, "Unlabeled") == meta["classes"]
    assert [list(colour) for colour in STYLE.classes.palette] == meta["palette"][:-1]


def test_coding(tmp_path):
    """Car 0 and 255, bird 0, road, unlabelled with and without number; numbers of stuff do not matter."""
    values = [[55 * 256, 55 * 256 + 255, 0, 13 * 256, 65 * 256, 65 * 256 + 3, 13 * 256 + 2]]
    found = STYLE.read(save(tmp_path / "a.png", values))
    assert found.semantic.tolist() == [[55, 55, 0, 13, 255, 255, 13]]
    assert found.track.tolist() == [[1, 256, 1, 0, 0, 0, 0]]


@pytest.mark.parametrize("label", [66, 123, 254, 255])
def test_unknown_labels(tmp_path, label):
    path = save(tmp_path / "a.png", [[0, label * 256]])
    refuse(lambda: STYLE.read(path), path, f"label {label}", "0..65", "v1.2")


def test_a_crowd_becomes_one_object(tmp_path):
    """The format has none. The number is one that no object of the class has."""
    world = World(STYLE.classes, (32, 48), frames=1)
    image, truth = next(iter(world.video(0)))
    crowd = np.isin(truth.semantic, STYLE.classes.thing_ids) & (truth.track == 0)
    assert crowd.any()
    STYLE.write_video(tmp_path, "train", "a", [image], [truth])
    found = STYLE.read(STYLE.videos(tmp_path, "train")[0].frames[0].label)
    numbers = np.unique(found.track[crowd])
    assert len(numbers) == 1
    assert numbers[0] > 0
    others = ~crowd & (truth.semantic == truth.semantic[crowd][0])
    assert not np.isin(found.track[others], numbers).any()


def test_later_downloads(root):
    wanted = [video.name for video in STYLE.videos(root, "training")]
    assert [video.name for video in STYLE.videos(root, "train")] == wanted
    (root / "config.json").rename(root / "config_v1.2.json")
    for split in ("training", "validation"):
        (root / split / "v1.2").mkdir()
        (root / split / "instances").rename(root / split / "v1.2" / "instances")
    videos = STYLE.videos(root, "training")
    assert [video.name for video in videos] == wanted
    assert videos[0].frames[0].label.parts[-3:-1] == ("v1.2", "instances")
    names = [video.name for video in STYLE.videos(root, "val")]
    for path in (root, root / "validation", root / "validation" / "v1.2" / "instances"):
        assert list(STYLE.label_files(path)) == names


def test_config_is_compared(root):
    path = root / "config.json"
    labels = config_labels()
    assert len(labels) == 66
    labels[0]["readable"], labels[13]["instances"], labels[14] = "bird", True, 3
    path.write_text(json.dumps({"labels": labels}))
    error = faults_of(lambda: STYLE.videos(root, "training"))
    assert [fault.split(" has ")[0] for fault in error.faults] == [f"{path}: label {i}" for i in (13, 14, 14)]
    assert "instances True, not False" in str(error)
    path.write_text(json.dumps({"labels": [*labels, *labels]}))
    refuse(lambda: STYLE.videos(root, "training"), path, "132 labels, not 66", "v1.2")
    path.write_text("{")
    refuse(lambda: STYLE.videos(root, "training"), path, "as json")
    path.unlink()
    refuse(lambda: STYLE.videos(root, "training"), path, "no such file")
    assert len(STYLE.videos(root, "testing")) == 2  # needs no labels


def test_misnamed_files(root):
    folder = root / "training" / "images"
    (folder / "a b.jpg").touch()
    (folder / b"\xff.jpg".decode(errors="surrogateescape")).touch()
    error = faults_of(lambda: STYLE.videos(root, "training"))
    assert sum("named by letters" in fault for fault in error.faults) == 2
    assert len(error.partial) == 2
