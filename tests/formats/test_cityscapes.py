"""Cityscapes and Cityscapes-STEP: the coding of instance ids, prepared maps, and the names of files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from video_knet.formats import FormatError, KittiStep, SegmentMap
from video_knet.formats.cityscapes import Cityscapes, CityscapesPanoptic, CityscapesStep
from video_knet.synthetic import World, write_world

from .test_image_sets import faults_of, refuse

PANOPTIC, STEP = CityscapesPanoptic(), CityscapesStep()
NAME = "aachen_000000_000019"


def save(path: Path, values: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, np.uint16)).save(path)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    out = tmp_path / "cityscapes"
    write_world(out, PANOPTIC, World(PANOPTIC.classes, (32, 48), frames=2), {"train": 1, "val": 1, "test": 1})
    return out


def test_coding(tmp_path):
    """Person 0 and 1, a group of persons, rider 999, train 3, road, caravan (object), trailer, licence to be void."""
    path = save(tmp_path / f"{NAME}_gtFine_instanceIds.png", [[24000, 24001, 24, 25999, 31003, 7, 29004, 30, 0]])
    found = PANOPTIC.read(path)
    assert found.semantic.tolist() == [[11, 11, 11, 12, 16, 0, 255, 255, 255]]
    assert found.track.tolist() == [[1, 2, 0, 1000, 4, 0, 0, 0, 0]]
    for step in (STEP.read(str(path)), Cityscapes.step_map(path)):
        assert step.semantic.tolist() == found.semantic.tolist()
        assert step.track.tolist() == [[1, 2, 0, 0, 0, 0, 0, 0, 0]]


def test_every_label_id(tmp_path):
    """Label id to train id, as published."""
    published = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13}
    published |= {27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
    path = save(tmp_path / f"{NAME}_gtFine_instanceIds.png", [list(range(34))])
    assert PANOPTIC.read(path).semantic.tolist() == [[published.get(label, 255) for label in range(34)]]
    assert not PANOPTIC.read(path).track.any()
    names = [PANOPTIC.classes.names[published[label]] for label in (7, 17, 23, 31, 33)]
    assert names == ["road", "pole", "sky", "train", "bicycle"]
    assert PANOPTIC.classes.thing_ids == tuple(range(11, 19))
    assert STEP.classes.thing_ids == (11, 13)
    assert PANOPTIC.classes.names == STEP.classes.names


@pytest.mark.parametrize("value", [34, 100, 7000, 23999, 34000, 65535])
def test_unknown_values(tmp_path, value):
    path = save(tmp_path / f"{NAME}_gtFine_instanceIds.png", [[7, value]])
    refuse(lambda: PANOPTIC.read(path), path, f"value {value}", "0..33", "24..33")


def test_prepared_maps_are_read_by_step_alone(root):
    """They tell persons and cars apart only, so Cityscapes with its eight things must not read them."""
    labels = [video.frames[0].label for video in STEP.videos(root, "train")]
    for label in labels:
        name = label.name.removesuffix("_gtFine_instanceIds.png")
        STEP.write_map(root / "panoptic_maps" / "train" / label.parent.name / f"{name}.png", STEP.step_map(label))
    prepared = [video.frames[0].label for video in STEP.videos(root, "train")]
    assert [path.relative_to(root).parts[0] for path in prepared] == ["panoptic_maps"] * 2
    assert [video.frames[0].label for video in PANOPTIC.videos(root, "train")] == labels
    assert STEP.videos(root, "val")[0].frames[0].label.name.endswith("instanceIds.png")  # was not prepared
    for new, old in zip(prepared, labels):
        for read in (STEP.read, KittiStep().read):
            np.testing.assert_array_equal(read(new).semantic, STEP.read(old).semantic)
            np.testing.assert_array_equal(read(new).track, STEP.read(old).track)
    prepared[0].unlink()
    refuse(lambda: STEP.videos(root, "train"), prepared[0], "no such file")


def test_the_test_split_does_not_read_its_dummy_labels(root):
    save(root / "gtFine" / "test" / "synthetic" / "synthetic_600000_000000_gtFine_instanceIds.png", [[0]])
    assert [video.frames[0].label for video in PANOPTIC.videos(root, "test")] == [None, None]


def test_other_files_of_the_download_do_not_count(root):
    label = PANOPTIC.videos(root, "train")[0].frames[0].label
    for kind in ("color.png", "labelIds.png", "labelTrainIds.png", "polygons.json"):
        label.with_name(label.name.replace("instanceIds.png", kind)).touch()
    (root / "gtFine" / "train" / "README").touch()
    assert len(PANOPTIC.videos(root, "train")) == 2


def test_misnamed_files_are_found_in_one_go(root):
    image = PANOPTIC.videos(root, "train")[0].frames[0].image
    other = image.parent.with_name("bochum") / image.name
    other.parent.mkdir()
    image.rename(other)
    (image.parent / "copy_leftImg8bit.png").touch()
    error = faults_of(lambda: PANOPTIC.videos(root, "train"))
    assert sum("Rename or remove" in fault for fault in error.faults) == 2
    assert any(f"{image}: no such file" in fault for fault in error.faults)
    assert len(error.partial) == 1
    bad = image.parent / b"aachen_\xff.png".decode(errors="surrogateescape")
    bad.touch()
    assert len(faults_of(lambda: PANOPTIC.videos(root, "train")).faults) == 4


def test_where_labels_and_predictions_are_looked_for(root, tmp_path):
    for folder in (root, root / "gtFine", root / "gtFine" / "val"):
        if folder.name != "gtFine":
            assert list(PANOPTIC.label_files(folder)) == [f"synthetic_300000_{i:06d}" for i in range(2)]
    refuse(lambda: PANOPTIC.label_files(tmp_path / "nowhere"), "nowhere", "instanceIds.png")
    refuse(lambda: PANOPTIC.prediction_files(tmp_path / "nowhere"), "nowhere", "no such folder")
    segments = SegmentMap(np.full((2, 3), 11, np.uint8), np.full((2, 3), 300, np.int32))
    path = PANOPTIC.prediction_path(tmp_path / "pred", NAME, NAME)
    PANOPTIC.write_map(path, segments)
    assert PANOPTIC.prediction_files(tmp_path / "pred") == {NAME: path}
    assert path == tmp_path / "pred" / "aachen" / f"{NAME}.png"
    assert PANOPTIC.read_map(path).track.tolist() == segments.track.tolist()
    for semantic, track, word in ((19, 0, "class 19"), (11, 1 << 16, "65536")):
        wrong = SegmentMap(np.full((2, 3), semantic, np.uint8), np.full((2, 3), track, np.int32))
        with pytest.raises(FormatError, match=word):
            PANOPTIC.write_map(path, wrong)
    Image.fromarray(np.full((2, 3, 3), 19, np.uint8)).save(path)
    refuse(lambda: PANOPTIC.read_map(path), path, "class 19")
