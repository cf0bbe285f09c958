"""The benchmark of the training pipeline runs; how fast it is depends on the machine."""

import json
from pathlib import Path

import pytest

from tools.benchmarks.pipeline import main

CONFIG = Path(__file__).parents[2] / "configs/quickstart/kitti_step.py"


@pytest.mark.parametrize(("limit", "status"), [("0", 0), ("1000", 1)])
def test_figures(limit, status, tmp_path, capsys):
    out = tmp_path / "new" / "figures.json"
    options = ["--size", "64", "96", "--samples", "2", "--repeats", "1", "--limit", limit, "--json", str(out)]
    assert main([str(CONFIG), *options]) == status
    assert json.loads(out.read_text())["ratio"] > 0
    assert "samples per s" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nowhere.py"], [str(CONFIG), "--data", "/nowhere"]])
def test_misuse_ends_in_one_sentence(arguments, capsys):
    assert main(arguments) == 1
    assert f"pipeline: {arguments[-1]}: no such" in capsys.readouterr().err
