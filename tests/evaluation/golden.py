"""Reference values: inputs and what public evaluators gave for them (see the README beside the files)."""

import json
from pathlib import Path

import numpy as np
import pytest

from video_knet.formats import SegmentMap

ROOT = Path(__file__).parents[1] / "golden" / "metrics"
CASES = sorted(path.stem for path in (ROOT / "kitti").glob("*.json"))


def expected(case: str, run: str) -> dict:
    runs = json.loads((ROOT / "kitti" / f"{case}.json").read_text())["runs"]
    return next(r["expected"] for r in runs if r["name"] == run)


def videos(case: str) -> dict[str, list[tuple[SegmentMap, SegmentMap]]]:
    """Pairs of (truth, prediction) of each video."""
    data = np.load(ROOT / "kitti" / f"{case}.npz")
    found = {}
    for n, name in enumerate(data["videos"].tolist()):
        arrays = [data[f"{key}_{n}"] for key in ("gt_sem", "gt_ins", "pred_sem", "pred_ins")]
        found[name] = [
            (SegmentMap(a, b.astype(np.int32)), SegmentMap(c, d.astype(np.int32))) for a, b, c, d in zip(*arrays)
        ]
    return found


def close(value: float | None, rel: float = 1e-9):
    """Approximately, where there is a value; None equals None alone."""
    return None if value is None else pytest.approx(value, rel=rel, abs=1e-12)


def assert_stq(result: dict, wanted: dict, names: tuple[str, ...]) -> None:
    assert result["STQ"] == close(wanted["STQ"])
    assert result["AQ"] == close(wanted["AQ"])
    assert result["SQ"] == close(wanted["IoU"])
    for video in wanted["per_seq"]:
        single = result["per_video"][video["id"]]
        assert single["frames"] == video["length"]
        assert (single["STQ"], single["AQ"], single["SQ"]) == (
            close(video["STQ"]),
            close(video["AQ"]),
            close(video["IoU"]),
        )
    assert [result["per_class"][name]["IoU"] for name in names] == [close(v) for v in wanted["class_iou"][: len(names)]]


def assert_vpq(result: dict, wanted: dict, names: tuple[str, ...]) -> None:
    for k, window in wanted.items():
        if window is None:
            assert result[f"VPQ_{k}"] is None
            continue
        assert result[f"VPQ_{k}"] == close(window["PQ"], 1e-5)
        rows = [result["per_class"][name] for name in names]
        for key in ("tp", "fp", "fn"):
            assert [row[f"{key}_{k}"] for row in rows] == window["per_class"][key]
        assert [row[f"iou_sum_{k}"] for row in rows] == [close(v) for v in window["per_class"]["iou_sum"]]
        assert sum(row[f"VPQ_{k}"] is not None for row in rows) == window["classes_averaged"]
