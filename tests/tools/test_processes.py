"""Several processes on CPU train one model, and test with exactly the one-process metrics."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import torch

from tests.tools.test_train_and_test import CONFIG, ROOT, SMALL
from tools import test


def launch(script: str, *arguments: object, data: Path) -> str:
    """Run a launcher script; returns what it printed."""
    environment = {**os.environ, "KITTI_STEP_ROOT": str(data), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [str(ROOT / "tools" / script), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=300)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return result.stdout


@pytest.fixture(scope="module")
def trained_by_two(world, tmp_path_factory) -> Path:
    """Work dir of one epoch on two processes."""
    work_dir = tmp_path_factory.mktemp("two")
    options = ["--cfg-options", "train_cfg.max_epochs=1", *SMALL]
    launch("dist_train.sh", CONFIG, 2, "--work-dir", work_dir, *options, data=world)
    return work_dir


def test_two_processes_train_one_model(trained_by_two):
    checkpoint = torch.load(trained_by_two / "epoch_1.pth", weights_only=True)
    assert not any(name.startswith("module.") for name in checkpoint["state_dict"])
    # 10 frames in batches of 2 on 2 processes.
    assert checkpoint["meta"]["iter"] == 3
    assert json.loads((trained_by_two / "metrics.json").read_text())["history"][0]["epoch"] == 1


def test_more_processes_than_videos_give_the_same_metrics_and_files(trained_by_two, world, tmp_path, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(world))
    reports, predictions = [], []
    for run in ("in this process", "in two"):  # the split has one video
        out = tmp_path / run.replace(" ", "_")
        arguments = [CONFIG, trained_by_two / "epoch_1.pth", "--work-dir", out / "log", "--json", out / "m.json"]
        options = ["--out", out / "pred", "--cfg-options", *SMALL[-2:]]
        if run == "in two":
            launch("dist_test.sh", *arguments[:2], 2, *arguments[2:], *options, data=world)
        else:
            assert test.main(list(map(str, [*arguments, *options]))) == 0
        reports.append(json.loads((out / "m.json").read_text()))
        predictions.append({path.name: path.read_bytes() for path in out.glob("pred/*/*.png")})
    assert reports[0] == reports[1]
    assert predictions[0] == predictions[1]
    assert len(predictions[0]) == 5


def test_launchers_say_how_they_are_used():
    for script in ("dist_train.sh", "dist_test.sh", "slurm_train.sh", "slurm_test.sh"):
        result = subprocess.run([str(ROOT / "tools" / script)], capture_output=True, text=True)
        assert result.returncode == 2
        assert f"tools/{script}" in result.stderr


def test_slurm_asks_for_what_it_is_told(tmp_path):
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "GPUS": "4"}
    command = [str(ROOT / "tools" / "slurm_train.sh"), "gpu", "job", "CONFIG.py", "--amp"]
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert "-p gpu --job-name=job --gres=gpu:4 --ntasks=4 --ntasks-per-node=4" in said
    assert said.rstrip().endswith("train.py CONFIG.py --amp --launcher slurm")
