"""`tools/check_dataset.py`: damaged copies of a world are caught, whatever the format; a clean one passes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.preparation.damage import NAMES, faults, label_file, one_fault, some_frame
from video_knet.formats import FormatError, SegmentMap, get_format
from video_knet.formats.disk.png import read_png, write_png
from video_knet.preparation.check import check_dataset


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_world_passes(worlds, name):
    report = check_dataset(name, worlds[name], progress=False)
    assert report.faults == []
    assert len(report.splits) == 3
    assert all(split.frames for split in report.splits)
    assert all(branch.files or "in place of" in branch.what for branch in report.tree), report.tree
    assert bool(report.warnings) == bool(get_format(name).published)  # fewer than published


@pytest.mark.parametrize("name", NAMES)
def test_missing_image(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    frame.image.unlink()
    one_fault(name, root, frame.image.with_suffix(""), "no such file", "no image")


@pytest.mark.parametrize("name", NAMES)
def test_cut_off_image(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    frame.image.write_bytes(frame.image.read_bytes()[:-300])
    one_fault(name, root, frame.image, "again")


@pytest.mark.parametrize("name", NAMES)
def test_image_of_another_size(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    Image.new("RGB", (30, 20)).save(frame.image)
    found = [fault for fault in faults(name, root) if str(frame.image) in fault]
    assert any("30x20" in fault and "48x32" in fault for fault in found)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("youtube-vis-2019", "coco-instance")])
def test_missing_and_cut_off_label(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    path = label_file(frame)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    one_fault(name, root, path, "again")
    path.unlink()
    if name != "own-videos":  # where a label may be missing
        assert any(str(path) in fault or path.name in fault for fault in faults(name, root))


def test_faults_of_one_video_do_not_hide_each_other(copy):
    root = copy("kitti-step")
    image, label = (root / folder / "0000" for folder in ("training/image_02", "panoptic_maps/train"))
    (image / "000001.png").unlink()
    (label / "000002.png").unlink()
    (image / "000004.png").write_bytes(b"no image")
    found = faults("kitti-step", root)
    assert len(found) == 3 == len({fault.split(":")[0] for fault in found})
    with pytest.raises(FormatError) as error:
        get_format("kitti-step").videos(root, "trainval")
    assert [len(video.frames) for video in error.value.partial] == [4, 6, 6]


def test_forbidden_values(copy):
    root = copy("kitti-step")
    path = root / "panoptic_maps/train/0000/000001.png"
    coded = np.array(read_png(path, "RGB"))
    coded[0, 0, 0] = 77
    write_png(path, coded)
    one_fault("kitti-step", root, path, "class 77")
    root = copy("vipseg")
    _, frame = some_frame("vipseg", root)
    raw = np.array(read_png(label_file(frame), "grey"))
    for value, word in ((200, "value 200 is forbidden"), (12600, "value 12600 is no class")):
        raw[0, 0] = value
        write_png(label_file(frame), raw)
        one_fault("vipseg", root, label_file(frame), word)


@pytest.mark.parametrize("name", ["kitti-step", "vspw", "vipseg"])
def test_label_without_annotation_or_in_another_layout(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    path, style = label_file(frame), get_format(name)
    blank = np.zeros((32, 48))
    style.write(path, SegmentMap(np.full((32, 48), 255, np.uint8), blank.astype(np.int32)))
    one_fault(name, root, path, "no pixel is annotated")
    Image.new("RGBA", (48, 32)).save(path)
    one_fault(name, root, path, "pixel layout")


def relabel(path: Path, change) -> None:
    style = get_format("kitti-step")
    segments = style.read(path)
    change(segments)
    style.write(path, segments)


def test_an_id_that_changes_its_class(copy):
    root = copy("kitti-step")
    path = root / "panoptic_maps/train/0001/000003.png"
    segments = get_format("kitti-step").read(path)
    ids, areas = np.unique(segments.track[segments.track > 0], return_counts=True)
    largest = int(ids[areas.argmax()])

    def change(segments: SegmentMap) -> None:
        mine = segments.track == largest
        segments.semantic[mine] = 24 - segments.semantic[mine]  # person 11, car 13

    relabel(path, change)
    one_fault("kitti-step", root, path, f"id {largest} is", "at the same place")


def test_ids_that_do_not_last(copy):
    root = copy("kitti-step")
    folder = root / "panoptic_maps/train/0001"
    for number, path in enumerate(sorted(folder.iterdir())):
        relabel(path, lambda s, n=number: s.track.__iadd__((s.track > 0) * np.int32(100 * n)))
    assert any("video 0001" in fault and "no id is in two of them" in fault for fault in faults("kitti-step", root))


def test_objects_elsewhere_may_have_an_old_id(tmp_path):
    """KITTI-STEP may number the objects of each class on their own: the same number is no fault by itself."""
    style = get_format("kitti-step")
    maps = [SegmentMap(np.zeros((16, 32), np.uint8), np.zeros((16, 32), np.int32)) for _ in range(4)]
    for number, segments in enumerate(maps):
        place = slice(0, 8) if number < 2 else slice(20, 30)
        segments.semantic[4:8, place], segments.track[4:8, place] = 13 if number < 2 else 11, 1
    style.write_video(tmp_path, "train", "0000", [np.zeros((16, 32, 3), np.uint8)] * 4, maps)
    assert faults("kitti-step", tmp_path) == []


def change_json(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "file", "key"),
    [
        ("youtube-vis-2019", "train.json", "annotations"),
        ("coco-instance", "annotations/instances_train2017.json", "annotations"),
        ("coco-instance", "annotations/instances_train2017.json", "images"),
        ("coco-panoptic", "annotations/panoptic_train2017.json", "annotations"),
        ("cityscapes-vps", "panoptic_gt_val_city_vps.json", "images"),
        ("cityscapes-vps", "instances_train_city_vps_rle.json", "annotations"),
    ],
)
def test_duplicate_id_in_a_json(copy, name, file, key):
    root = copy(name)
    path = root / file
    assert path.is_file()
    change_json(path, lambda content: content[key].append(content[key][0]))
    one_fault(name, root, path, "twice")


def test_doubled_segment(copy):
    root = copy("coco-panoptic")
    _, frame = some_frame("coco-panoptic", root)

    def change(content: dict) -> None:
        for entry in content["annotations"]:
            entry["segments_info"].append(entry["segments_info"][0])

    change_json(root / "annotations/panoptic_train2017.json", change)
    one_fault("coco-panoptic", root, label_file(frame), "is listed 2 times")


def test_damaged_json(copy):
    root = copy("youtube-vis-2019")
    path = root / "train.json"
    path.write_bytes(path.read_bytes()[:200])
    one_fault("youtube-vis-2019", root, path)


@pytest.mark.parametrize("name", ["kitti-step", "vspw", "vipseg"])
def test_names_that_are_not_utf8(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    bad = os.path.join(os.fsencode(frame.image.parent), b"x\xe9" + os.fsencode(frame.image.suffix))
    os.rename(frame.image, bad)
    found = faults(name, root)
    assert any(r"x\udce9" in fault and "UTF-8" in fault for fault in found)
    assert any(str(frame.image) in fault for fault in found)


@pytest.mark.parametrize("name", ["kitti-step", "vspw", "vipseg", "cityscapes-panoptic"])
def test_loops_of_links(copy, name):
    root = copy(name)
    _, frame = some_frame(name, root)
    frame.image.unlink()
    frame.image.symlink_to(frame.image.name)
    one_fault(name, root, frame.image, "leads back to itself")
    loop = frame.image.parent / "again"
    loop.symlink_to(frame.image.parent.parent)
    one_fault(name, root, loop, "loop of links")
    frame.image.unlink()
    frame.image.symlink_to(root / "gone.png")
    one_fault(name, root, frame.image, "is a link to")
