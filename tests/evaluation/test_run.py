"""The command `tools/evaluate.py`: layouts on disk in, numbers out, faults named."""

import json
import shutil
import subprocess
import sys

import pytest

from tools.evaluate import main
from video_knet.formats import KittiStep, SegmentMap
from video_knet.synthetic import World

from .golden import CASES, ROOT, assert_stq, assert_vpq, close, expected, videos

STYLE = KittiStep()
DISK = ROOT / "disk" / "kitti_step"


def run(gt, pred, out, *more) -> dict:
    assert main(["kitti-step", "--gt", str(gt), "--pred", str(pred), "--json", str(out), *more]) == 0
    return json.loads(out.read_text())


@pytest.fixture
def folders(tmp_path):
    """Truth and an equal prediction on disk: one video of three frames."""
    for number, (_, truth) in enumerate(World(STYLE.classes, (24, 48), frames=3).video(0), 78):
        for folder in ("gt", "pred"):
            STYLE.write(STYLE.prediction_path(tmp_path / folder, "0002", f"{number:06d}"), truth)
    return tmp_path / "gt", tmp_path / "pred"


@pytest.mark.parametrize("case", CASES)
def test_golden_arrays_through_files(case, tmp_path, capsys):
    for video, pairs in videos(case).items():
        for number, pair in enumerate(pairs):
            for folder, segments in zip(("gt", "pred"), pair):
                STYLE.write(STYLE.prediction_path(tmp_path / folder, video, f"{number:06d}"), segments)
    result = run(tmp_path / "gt", tmp_path / "pred", tmp_path / "out" / "scores.json")
    assert_stq(result, expected(case, "stq_int_counters"), STYLE.classes.names)
    assert_vpq(result, expected(case, "vpq_deeplab2_tf"), STYLE.classes.names)
    assert f"{100 * result['STQ']:.2f}" in capsys.readouterr().out


@pytest.mark.parametrize("case", CASES)
def test_the_authors_scripts(case, tmp_path, capsys):
    for video, pairs in videos(case).items():
        for number, pair in enumerate(pairs):
            for folder, segments in zip(("gt", "pred"), pair):
                STYLE.write(STYLE.prediction_path(tmp_path / folder, video, f"{number:06d}"), segments)
    result = run(tmp_path / "gt", tmp_path / "pred", tmp_path / "scores.json", "--protocol", "released")
    assert_stq(result, expected(case, "stq_vknet_script"), STYLE.classes.names)
    for k, window in expected(case, "vpq_vknet_script").items():
        names = ("PQ", "PQ_things", "PQ_stuff")
        wanted = [None] * 3 if window is None else [close(window[name]) for name in names]
        assert [result[f"VPQ_{k}{suffix}"] for suffix in ("", "_things", "_stuff")] == wanted
    assert "authors' scripts" in capsys.readouterr().out


@pytest.mark.parametrize("gt", ["gt", "gt/video_sequence/val", "gt_official", "gt_official/panoptic_maps/val"])
@pytest.mark.parametrize("pred", ["pred", "pred/panoptic"])
def test_golden_layouts(gt, pred, tmp_path):
    result = run(DISK / gt, DISK / pred, tmp_path / "scores.json")
    runs = {r["name"]: r["expected"] for r in json.loads((ROOT / "disk" / "kitti_step.json").read_text())["runs"]}
    wanted = runs["stq_official"]
    assert result["STQ"] == close(wanted["STQ"], 1e-5)
    assert result["AQ"] == close(wanted["AQ"], 1e-5)
    assert result["SQ"] == close(wanted["IoU"], 1e-5)
    for video in wanted["per_seq"]:
        assert result["per_video"][video["id"]]["STQ"] == close(video["STQ"], 1e-5)
    for k, window in runs["vpq_vknet_exact"].items():  # the sums of both definitions agree, the averages do not
        rows = [result["per_class"][name] for name in STYLE.classes.names]
        assert [row[f"tp_{k}"] for row in rows] == window["per_class"]["tp"]
        assert [row[f"fp_{k}"] for row in rows] == window["per_class"]["fp"]
        assert [row[f"fn_{k}"] for row in rows] == window["per_class"]["fn"]
        assert [row[f"iou_sum_{k}"] for row in rows] == [close(v) for v in window["per_class"]["iou_sum"]]


def test_workers_change_nothing(tmp_path):
    alone = run(DISK / "gt", DISK / "pred", tmp_path / "1.json")
    assert run(DISK / "gt", DISK / "pred", tmp_path / "2.json", "--workers", "2") == alone


def test_written_truth_scores_one(world, tmp_path):
    for video in STYLE.videos(world, "val"):
        for frame in video.frames:
            STYLE.write(STYLE.prediction_path(tmp_path / "pred", video.name, frame.name), STYLE.read(frame.label))
    result = run(world / "panoptic_maps" / "val", tmp_path / "pred", tmp_path / "scores.json")
    assert (result["STQ"], result["AQ"], result["SQ"], result["VPQ"]) == (1, 1, 1, 1)


def test_real_truth_scores_one(real_kitti_step, tmp_path):
    for split in ("train", "val"):
        for video in STYLE.videos(real_kitti_step, split):
            for frame in video.frames[:6]:
                for folder in ("gt", "pred"):
                    path = STYLE.prediction_path(tmp_path / folder, video.name, frame.name)
                    STYLE.write(path, STYLE.read(frame.label))
                assert (STYLE.read(path).track == STYLE.read(frame.label).track).all()
    result = run(tmp_path / "gt", tmp_path / "pred", tmp_path / "scores.json")
    scores = {key: value for key, value in result.items() if not isinstance(value, dict | str)}
    assert scores == dict.fromkeys(scores, 1.0)


def refuse(folders, capsys, *words: str) -> None:
    """The command fails with status 1 and names each of the words, and writes nothing."""
    out = folders[0].parent / "scores.json"
    assert main(["kitti-step", "--gt", str(folders[0]), "--pred", str(folders[1]), "--json", str(out)]) == 1
    message = capsys.readouterr().err
    for word in words:
        assert word in message
    assert "Traceback" not in message
    assert not out.exists()


def test_missing_frames_are_all_listed(folders, capsys):
    for name in ("000078", "000080"):
        (folders[1] / "0002" / f"{name}.png").unlink()
    refuse(folders, capsys, "0002/000078 is missing", "0002/000080 is missing", "Predict it")


def test_missing_video(folders, capsys):
    shutil.copytree(folders[0] / "0002", folders[0] / "0006")
    refuse(folders, capsys, "video 0006 is missing from the prediction")


def test_extra_video_and_frame(folders, capsys):
    shutil.copytree(folders[1] / "0002", folders[1] / "0006")
    shutil.copy(folders[1] / "0002" / "000078.png", folders[1] / "0002" / "000099.png")
    refuse(folders, capsys, "video 0006 is predicted", "0002/000099 is predicted, but has no truth")


def test_other_size(folders, capsys):
    path = folders[1] / "0002" / "000079.png"
    segments = STYLE.read(path)
    STYLE.write(path, SegmentMap(segments.semantic[:-4], segments.track[:-4]))
    refuse(folders, capsys, str(path), "48x20", "48x24", "original images")


def test_damaged_file(folders, capsys):
    path = folders[1] / "0002" / "000079.png"
    path.write_bytes(path.read_bytes()[:-40])
    refuse(folders, capsys, str(path), "damaged?", "again")


def test_empty_or_absent_folder(folders, capsys):
    refuse((folders[0], folders[1] / "nowhere"), capsys, "nowhere", "no such folder")
    (folders[1] / "empty").mkdir()
    refuse((folders[0], folders[1] / "empty"), capsys, "holds no PNG file")


def test_usage_is_status_two(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["kitti-step", "--gt", "somewhere"])
    assert stop.value.code == 2
    with pytest.raises(SystemExit) as stop:
        main(["no-such-dataset", "--gt", "a", "--pred", "b"])
    assert stop.value.code == 2
    capsys.readouterr()


def test_neither_torch_nor_openmmlab_is_imported():
    code = (
        "import sys, video_knet.evaluation.run, video_knet.synthetic\n"
        "sys.exit(any(m.split('.')[0] in ('torch', 'mmengine', 'mmcv', 'mmdet') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
