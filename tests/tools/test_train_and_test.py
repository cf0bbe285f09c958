"""The tools as a user calls them: train, resume, test, and what they leave behind."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.tiny import mmdet_scope  # noqa: F401
from tools import evaluate, test, train
from video_knet.apis.video_io import read_frames

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "configs" / "quickstart" / "kitti_step.py")
SMALL = [
    "train_dataloader.batch_size=2",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
    "default_hooks.logger.interval=1",
    "log_processor.window_size=1",
    "train_cfg.val_interval=1",
    "default_hooks.checkpoint.interval=1",
    "default_hooks.checkpoint.max_keep_ckpts=5",
    "model.decoder.num_stages=1",
    "model.decoder.link_stages=(0,)",
]


@pytest.fixture(scope="module", autouse=True)
def no_report_of_the_environment():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmengine.runner.runner.collect_env", dict)
        yield


@pytest.fixture(scope="module")
def data(world):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KITTI_STEP_ROOT", str(world))
        yield world


def run_train(work_dir: Path, *arguments: str, epochs: int = 2) -> int:
    return train.main(
        [CONFIG, "--work-dir", str(work_dir), *arguments, "--cfg-options", f"train_cfg.max_epochs={epochs}", *SMALL]
    )


def losses(work_dir: Path) -> list[tuple[int, float]]:
    """(step, loss) of every logged iteration, of all runs in the work dir."""
    rows = []
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        rows += [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]
    return rows


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    """Work dir of a training run of two epochs."""
    work_dir = tmp_path_factory.mktemp("trained")
    assert run_train(work_dir) == 0
    return work_dir


def test_training_leaves_checkpoints_curve_and_metrics(trained):
    best = list(trained.glob("best_STQ_epoch_*.pth"))
    assert len(best) == 1
    assert (trained / "epoch_2.pth").is_file()
    metrics = json.loads((trained / "metrics.json").read_text())
    assert [entry["epoch"] for entry in metrics["history"]] == [1, 2]
    assert metrics["STQ"] == max(entry["STQ"] for entry in metrics["history"])
    assert {"AQ", "SQ", "VPQ", "VPQ_1_things", "epoch"} <= set(metrics)
    assert losses(trained)


def test_checkpoints_load_without_executing_anything(trained):
    checkpoint = torch.load(trained / "epoch_1.pth", weights_only=True)
    assert {"state_dict", "optimizer", "message_hub", "meta"} <= set(checkpoint)


def test_a_resumed_run_repeats_an_uninterrupted_one(trained, data, tmp_path):
    shutil.copy(trained / "epoch_1.pth", tmp_path / "epoch_1.pth")
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "epoch_1.pth"))
    assert run_train(tmp_path, "--resume") == 0
    uninterrupted = losses(trained)
    half = len(uninterrupted) // 2
    assert losses(tmp_path) == uninterrupted[half:]
    first, second = (torch.load(d / "epoch_2.pth", weights_only=True)["state_dict"] for d in (trained, tmp_path))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def tested(trained, tmp_path_factory) -> Path:
    """Outputs of a test run."""
    out = tmp_path_factory.mktemp("tested")
    arguments = ["--out", out / "pred", "--show-dir", out / "overlay", "--json", out / "m.json", "--work-dir", out]
    options = ["--cfg-options", *SMALL[-2:]]
    assert test.main([CONFIG, str(trained / "epoch_2.pth"), *map(str, arguments), *options]) == 0
    return out


def test_predictions_score_the_same_by_the_evaluation_command(tested, data, tmp_path):
    (sequence,) = (tested / "pred").iterdir()
    assert sorted(p.name for p in sequence.iterdir()) == [f"{i:06d}.png" for i in range(5)]
    report = tmp_path / "report.json"
    truth = data / "panoptic_maps" / "val"
    assert evaluate.main(["kitti-step", "--gt", str(truth), "--pred", str(tested / "pred"), "--json", str(report)]) == 0
    assert json.loads(report.read_text()) == json.loads((tested / "m.json").read_text())


def test_overlay_has_every_frame(tested):
    (video,) = (tested / "overlay").iterdir()
    assert read_frames(video).length == 5


def test_comparison_and_test_split(trained, tested, data, tmp_path, capsys):
    arguments = [
        CONFIG,
        str(trained / "epoch_2.pth"),
        "--work-dir",
        str(tmp_path),
        "--show-dir",
        str(tmp_path / "show"),
    ]
    assert test.main([*arguments, "--compare", str(tested / "pred"), "--cfg-options", *SMALL[-2:]]) == 0
    wide = next(iter(read_frames(next((tmp_path / "show").iterdir()))))[1].shape
    plain = next(iter(read_frames(next((tested / "overlay").iterdir()))))[1].shape
    assert wide[0] * wide[1] > plain[0] * plain[1]
    options = ["test_dataloader.dataset.split=test", *SMALL[-2:]]
    out = tmp_path / "server"
    assert test.main([*arguments[:4], "--out", str(out), "--cfg-options", *options]) == 0
    assert len(list(out.glob("*/*.png"))) == 5


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        (train, ["nowhere.py"], "nowhere.py"),
        (test, ["nowhere.py", "nowhere.pth"], "nowhere.py"),
        (train, [CONFIG, "--amp"], "--amp needs a CUDA GPU"),
    ],
)
def test_faults_are_one_sentence(tool, arguments, said, data, tmp_path, capsys):
    if "--amp" in arguments and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert tool.main([*arguments, "--work-dir", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err.splitlines()[-1], "the fault is the last line, after no traceback"


def test_missing_data_are_named_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(tmp_path / "no_such_data"))
    assert train.main([CONFIG, "--work-dir", str(tmp_path)]) == 1
    assert "no_such_data" in capsys.readouterr().err


def test_hostile_and_unfitting_checkpoints_are_refused(data, trained, tmp_path, capsys):
    hostile = tmp_path / "hostile.pth"
    torch.save({"state_dict": {}, "payload": Path}, hostile)
    cut = tmp_path / "cut.pth"
    cut.write_bytes((trained / "epoch_2.pth").read_bytes()[:9000])
    starts = [["--cfg-options", f"load_from={path}"] for path in (hostile, cut)] + [["--resume", str(hostile)]]
    for arguments in ([str(hostile)], [str(cut)], *starts):
        tool = test if len(arguments) == 1 else train
        assert tool.main([CONFIG, *arguments, "--work-dir", str(tmp_path / "run")]) == 2
        assert "refused" in capsys.readouterr().err.splitlines()[-1]
        assert not (tmp_path / "run").exists()  # before anything is built
    # The config has three stages, the checkpoint one.
    assert test.main([CONFIG, str(trained / "epoch_2.pth"), "--work-dir", str(tmp_path)]) == 1
    assert "not in the file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["train", "test", "quickstart", "make_world", "evaluate", "demo", "convert_checkpoint"]
)
def test_help_is_instant(name):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "tools" / f"{name}.py"), "--help"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert "usage:" in result.stdout
    assert "torch" not in result.stderr, "heavy imports come after the arguments were read"
