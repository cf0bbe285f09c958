"""`tools/check_dataset.py`: its command, its report, and the splits of a dataset."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.preparation.damage import NAMES, faults, label_file, one_fault, some_frame
from tools.check_dataset import main
from video_knet.formats import Published, SegmentMap, get_format
from video_knet.preparation.check import check_dataset, format_report
from video_knet.preparation.splits import list_splits


def test_swapped_splits(copy):
    root = copy("kitti-step")
    (root / "panoptic_maps/val/0002").rename(root / "panoptic_maps/train/0002")
    found = faults("kitti-step", root)
    assert any("train/0002" in fault and "belongs to val" in fault for fault in found)
    root = copy("vspw")
    (root / "val.txt").write_text((root / "train.txt").read_text())
    assert any("is in split train and in split val" in fault for fault in faults("vspw", root))
    root = copy("own-videos")
    (root / "val.txt").write_text((root / "train.txt").read_text().split()[0])
    assert any("is in split" in fault for fault in faults("own-videos", root))


def test_swapped_counts_are_warned_of(copy, monkeypatch):
    published = {"train": Published(7), "val": Published(2, 99), "test": Published(1)}
    monkeypatch.setattr(type(get_format("vspw")), "published", published)
    assert check_dataset("vspw", copy("vspw"), progress=False).warnings == [
        "split train: 2 videos found, 7 published. 2 is the number of val: are the splits swapped? Is it meant to be a "
        "part?",
        "split val: 1 videos found, 2 published; 6 frames found, 99 published. 1 is the number of test: are the splits "
        "swapped? Is it meant to be a part?",
    ]


def test_videos_without_frames(copy):
    root = copy("vspw")
    video, _ = some_frame("vspw", root)
    for path in (root / "data" / video.name / "origin").iterdir():
        path.unlink()
    one_fault("vspw", root, root / "data" / video.name / "origin", "no .jpg")


def test_exchanged_splits_are_faults(copy, monkeypatch):
    monkeypatch.setattr(type(get_format("vspw")), "published", {"train": Published(1), "val": Published(2)})
    found = faults("vspw", copy("vspw"))
    assert [fault.split(": ", 1)[1] for fault in found] == [
        "split train has 2 videos as val should, and val 1 as train should: they are swapped. Restore the original "
        "splits."
    ]


@pytest.mark.parametrize(
    ("name", "gone", "images"),
    [("kitti-step", "panoptic_maps/val", "training/image_02/0002"), ("kitti-step", "testing", None),
     ("vipseg", "test.txt", "images/30000_synthetic"), ("vspw", "val.txt", "data/20000_synthetic_0")],
)  # fmt: skip
def test_splits_that_are_not_there_are_no_faults(copy, name, gone, images):
    """Unless something of them is there."""
    root = copy(name)
    path = root / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if images:
        one_fault(name, root, root / images, "no split has")
        one_fault(name, root, path, "is not there")
        shutil.rmtree(root / images)
    report = check_dataset(name, root, progress=False)
    assert (report.faults, len(report.absent)) == ([], 1 + (gone == "panoptic_maps/val"))  # trainval needs val
    assert str(path) in format_report(report)


@pytest.mark.parametrize("name", ["coco-panoptic", "coco-instance", "youtube-vis-2019", "cityscapes-vps"])
def test_images_without_the_json_of_their_split(copy, name):
    root = copy(name)
    path = next(path for path in sorted(root.rglob("*.json")) if "train" in path.name)
    path.unlink()
    one_fault(name, root, path, "no such file", "has no json")


def test_videos_of_no_split_are_warned_of(copy):
    root = copy("vspw")
    train = (root / "train.txt").read_text().split()
    (root / "train.txt").write_text(train[0])
    report = check_dataset("vspw", root, progress=False)
    assert report.faults == []
    assert f"{root}/data/{train[1]}: the first of 1 videos that no split has" in report.warnings[0]


def test_frames_without_label_are_warned_of(copy):
    root = copy("own-videos")
    _, frame = some_frame("own-videos", root)
    label_file(frame).unlink()
    report = check_dataset("own-videos", root, progress=False)
    assert (report.faults, len(report.warnings)) == ([], 1)
    assert report.warnings[0].startswith(f"{frame.image}: split train: 1 frames of labelled videos have no label")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_folder_is_a_fault(tmp_path, name):
    if name == "own-videos":
        pytest.skip("without dataset.json it is no format")
    assert faults(name, tmp_path)


def test_the_data_folder_itself_may_be_given(worlds):
    report = check_dataset("vspw", worlds["vspw"] / "data", progress=False)
    assert [branch.files for branch in report.tree] == [24, 18, 3]
    assert report.faults == []


def test_processes_find_the_same(copy):
    root = copy("vspw")
    for split in list_splits(get_format("vspw"), root).splits[:2]:
        for video in split.videos:
            video.frames[2].image.write_bytes(b"\xff\xd8")
            label_file(video.frames[-1]).write_bytes(b"") if split.name == "val" else None
    alone, shared = (check_dataset("vspw", root, workers=n, progress=False) for n in (1, 2))
    assert len(alone.faults) == 4
    assert (alone.faults, alone.warnings) == (shared.faults, shared.warnings)


def test_command(copy, tmp_path, capsys):
    root, out = copy("kitti-step"), tmp_path / "new" / "report.json"
    assert main(["kitti_step", str(root), "--workers", "1", "--json", str(out)]) == 0
    text = capsys.readouterr().out
    assert "panoptic_maps/train/SEQ/FRAME.png  12 files  labels of train" in text
    assert "split train: 2 videos found, 12 published; 12 frames found, 5027 published" in text
    assert json.loads(out.read_text())["splits"]["train"]["videos"] == 2
    for path in (root / "panoptic_maps/train").glob("*/*.png"):
        path.write_bytes(b"")
    (root / "training/image_02/0000/000000.png").unlink()
    for _ in range(5):
        main(["kitti_step", str(root), "--workers", "1", "--split", "train", "--json", str(out)])
    assert main(["kitti_step", str(root), "--workers", "1", "--split", "val"]) == 0
    assert main(["kitti_step", str(root), "--workers", "1", "--split", "trainval", "--json", str(out)]) == 1
    assert len(json.loads(out.read_text())["faults"]) == 12  # one frame has no image, so its label is not read


def test_long_lists_are_cut_in_the_text_only(tmp_path, capsys):
    style = get_format("kitti-step")
    maps = [SegmentMap(np.full((16, 16), 255, np.uint8), np.zeros((16, 16), np.int32))] * 60
    style.write_video(tmp_path / "d", "train", "0000", [np.zeros((16, 16, 3), np.uint8)] * 60, maps)
    out = tmp_path / "report.json"
    assert main(["kitti-step", str(tmp_path / "d"), "--workers", "1", "--json", str(out)]) == 1
    assert "60 faults:" in (text := capsys.readouterr().out)
    assert "... and 10 more; --json" in text
    assert len(json.loads(out.read_text())["faults"]) == 60


def test_own_videos_are_named_by_their_folder(worlds, capsys):
    root = str(worlds["own-videos"])
    for arguments in ([root], [root, root], ["own-videos", root]):
        assert main([*arguments, "--workers", "1"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [["kitty", "."], ["kitti-step", "/nowhere"], ["kitti-step"], ["kitti-step", ".", "--workers", "0"]],
)
def test_misuse(arguments, capsys):
    try:
        status = main(arguments)
    except SystemExit as error:
        status = error.code
    assert status == 2
    assert capsys.readouterr().err


def test_unknown_split_is_misuse(worlds, capsys):
    assert main(["kitti-step", str(worlds["kitti-step"]), "--split", "validation"]) == 2
    assert "'validation'" in capsys.readouterr().err


def test_it_starts_without_torch(worlds):
    code = (
        "import sys; from tools.check_dataset import main; "
        f"status = main(['kitti-step', {str(worlds['kitti-step'])!r}, '--workers', '1']); "
        "sys.exit(status or ('torch' in sys.modules or 'mmcv' in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr


def test_real_data(real_kitti_step):
    report = check_dataset("kitti-step", real_kitti_step, progress=False)
    assert report.faults == []
    assert [split.frames for split in report.splits] == [21, 60]
