"""The benchmarks run, and what they measure is far from their limits."""

import json

import pytest

from tools.benchmarks.evaluation import main


@pytest.mark.parametrize(
    ("dataset", "size", "limit"),
    [("kitti-step", (375, 1242), 6), ("cityscapes-vps", (256, 512), 8), ("vipseg", (360, 640), 8)],
)
def test_cost(dataset, size, limit, tmp_path, capsys):
    out = tmp_path / "figures.json"
    options = ["--frames", "6", "--repeats", "5", "--size", *map(str, size), "--json", str(out)]
    assert main([dataset, *options]) == 0
    assert json.loads(out.read_text())["ratio"] < limit
    assert "ratio" in capsys.readouterr().out


def test_workers(tmp_path, capsys):
    """How much faster several processes are depends on the machine; that the benchmark runs does not."""
    out = tmp_path / "figures.json"
    options = ["--workers", "2", "--frames", "20", "--size", "32", "64", "--least", "0", "--json", str(out)]
    assert main(options) == 0
    assert json.loads(out.read_text())["speed_up"] > 0
