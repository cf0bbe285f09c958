"""`make quickstart` at the smallest size: everything it promises is there, and a second run uses the data again."""

import json
import re

import pytest
import torch

from tests.tools.test_train_and_test import SMALL
from tools import demo, evaluate, quickstart
from video_knet.apis.trainings.runs import train
from video_knet.apis.video_io import read_frames

OPTIONS = [
    "world.videos.train=1",
    "world.videos.val=2",
    "world.frames.train=4",
    "world.frames.val=4",
    "world.frames.test=4",
    "world.size=(48,96)",
    "train_cfg.max_epochs=1",
    *SMALL,
]


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmengine.runner.runner.collect_env", dict)
        patch.setenv("KITTI_STEP_ROOT", "is replaced")
        folder = tmp_path_factory.mktemp("quickstart")
        assert quickstart.main(["kitti_step", "--work-dir", str(folder), "--cfg-options", *OPTIONS]) == 0
        yield folder


def test_it_leaves_what_it_promises(work_dir):
    metrics = json.loads((work_dir / "metrics.json").read_text())
    assert {"STQ", "AQ", "SQ", "VPQ", "per_class", "per_video"} <= set(metrics)
    assert "state_dict" in torch.load(work_dir / "checkpoint.pth", weights_only=True)
    assert sorted(p.name for p in (work_dir / "pred").iterdir()) == ["0002", "0006"]
    videos = sorted((work_dir / "overlay").iterdir())
    assert [p.name for p in videos] == ["0002.mp4", "0006.mp4"]
    assert all(read_frames(path).length == 4 for path in videos)


def test_a_second_run_uses_the_world_again(work_dir, capsys, monkeypatch):
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    monkeypatch.setenv("KITTI_STEP_ROOT", "is replaced")
    made = (work_dir / "data" / "world.json").stat().st_mtime_ns
    assert quickstart.main(["kitti_step", "--work-dir", str(work_dir), "--cfg-options", *OPTIONS]) == 0
    assert (work_dir / "data" / "world.json").stat().st_mtime_ns == made
    out = capsys.readouterr().out
    assert "held-out sequences" in out
    assert str(work_dir / "overlay") in out


def test_a_folder_with_other_things_is_left_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", "is replaced")
    precious = tmp_path / "data" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    assert quickstart.main(["kitti_step", "--work-dir", str(tmp_path), "--cfg-options", *OPTIONS]) == 1
    assert "something else than a synthetic world" in capsys.readouterr().err
    assert precious.read_text() == "mine"


def test_the_checkpoint_runs_on_a_folder_of_frames(work_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(work_dir / "data"))
    frames = work_dir / "data" / "testing" / "image_02"
    folder = next(frames.iterdir())
    out = tmp_path / "overlay.mp4"
    config = str(quickstart.CONFIGS / "kitti_step.py")
    arguments = [config, str(work_dir / "checkpoint.pth"), str(folder), "--out", str(out), "--device", "cpu"]
    assert demo.main([*arguments, "--cfg-options", *SMALL[-2:]]) == 0
    assert read_frames(out).length == 4


@pytest.mark.parametrize("dataset", ["kitti_step", "vspw"])
def test_a_folder_of_another_origin_stays_as_it_is(dataset, tmp_path, capsys):
    kept = tmp_path / "pred" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert quickstart.main([dataset, "--work-dir", str(tmp_path)]) == 1
    assert f"{kept.parent} is there, and {tmp_path} was not made by a quickstart" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["pred", "mine.txt"]


@pytest.mark.parametrize(
    ("dataset", "frames", "gt", "pred", "headline"),
    [
        ("vipseg", 4, "", "", "STQ"),
        ("cityscapes_vps", 10, "panoptic_gt_val_city_vps.json", "", "VPQ"),
        ("youtube_vis", 4, "valid.json", "results.zip", "AP50"),
    ],
)
def test_other_datasets_run_the_same_way(dataset, frames, gt, pred, headline, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    monkeypatch.setenv(f"{dataset.upper()}_ROOT", "is replaced")
    parts = [] if dataset != "youtube_vis" else ["model.decoder.link_stages=()"]
    options = [*OPTIONS, f"world.frames.val={frames}", *parts]
    assert quickstart.main([dataset, "--work-dir", str(tmp_path), "--cfg-options", *options]) == 0
    assert headline in capsys.readouterr().out
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    overlays = sorted((tmp_path / "overlay").iterdir())
    assert [read_frames(path).length for path in overlays] == [frames, frames]
    report, truth = tmp_path / "report.json", tmp_path / "data" / gt
    arguments = ["--gt", str(truth), "--pred", str(tmp_path / "pred" / pred), "--json", str(report)]
    assert evaluate.main([dataset.replace("_", "-"), *arguments]) == 0
    assert json.loads(report.read_text()) == metrics

    out = tmp_path / "demo.mp4"
    arguments = [str(quickstart.CONFIGS / f"{dataset}.py"), str(tmp_path / "checkpoint.pth"), str(overlays[0])]
    assert demo.main([*arguments, "--out", str(out), "--device", "cpu", "--cfg-options", *SMALL[-2:], *parts]) == 0
    assert read_frames(out).length == frames


def test_a_baseline_is_trained_beside_on_the_same_world(tmp_path, capsys, monkeypatch):
    """One after the other in this process, which spares starting others."""
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    monkeypatch.setenv("VSPW_ROOT", "is replaced")
    trained = []

    def train_all(runs, jobs):
        for run in runs:
            train(run, lambda epochs: None)
            trained.append(run)

    monkeypatch.setattr("video_knet.apis.comparison.train_all", train_all)
    options = [*OPTIONS[:-2], "world.videos.val=1", "world.frames.val=10"]
    assert quickstart.main(["vspw", "--work-dir", str(tmp_path), "--cfg-options", *options]) == 0
    assert [run.config["model"]["decoder"] is None for run in trained] == [True, False]
    out = capsys.readouterr().out
    (baseline,) = re.findall(r"^baseline \(%\) +[\d.]+ +[\d.]+ +-$", out, re.MULTILINE)
    assert f"{100 * trained[0].result()['metrics']['mIoU']:.1f}" in baseline
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["mIoU"] == trained[1].result()["metrics"]["mIoU"]
    (overlay,) = (tmp_path / "overlay").iterdir()
    assert read_frames(overlay).length == 10
    arguments = ["--gt", str(tmp_path / "data/data"), "--split", str(tmp_path / "data/val.txt")]
    arguments += ["--pred", str(tmp_path / "pred")]
    assert evaluate.main(["vspw", *arguments, "--json", str(tmp_path / "report.json")]) == 0
    assert json.loads((tmp_path / "report.json").read_text()) == metrics
    demo_video = tmp_path / "demo.mp4"
    frames = tmp_path / "data/data" / overlay.stem / "origin"
    arguments = [str(quickstart.CONFIGS / "vspw.py"), str(tmp_path / "checkpoint.pth"), str(frames)]
    assert demo.main([*arguments, "--out", str(demo_video), "--device", "cpu"]) == 0
    assert read_frames(demo_video).length == 10


def test_seeds_are_for_comparisons(tmp_path, capsys):
    assert quickstart.main(["kitti_step", "--seeds", "2", "--work-dir", str(tmp_path)]) == 1
    assert "kitti_step has no baseline to compare with" in capsys.readouterr().err
