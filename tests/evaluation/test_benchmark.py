"""The benchmark runs, and what it measures is far from its limit."""

import json

from tools.benchmarks.evaluation import main


def test_benchmark(tmp_path, capsys):
    assert main(["--frames", "6", "--repeats", "5", "--json", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text())["ratio"] < 6
    assert "ratio" in capsys.readouterr().out
