"""The benchmark of the training pipeline runs; how fast it is depends on the machine."""

import json
from pathlib import Path

import pytest
from pycocotools import mask as coco_mask

from tools.benchmarks.pipeline import decode_label, main
from video_knet.formats.coding.frame_objects import FrameObjects, pack_polygon

QUICKSTARTS = Path(__file__).parents[2] / "configs/quickstart"
CONFIG = QUICKSTARTS / "kitti_step.py"
decode = coco_mask.decode


@pytest.mark.parametrize(
    ("style", "limit", "status"),
    [("kitti_step", "0", 0), ("youtube_vis", "1000", 1)],
    ids=["label PNGs", "run-length codes"],
)
def test_figures(style, limit, status, tmp_path, capsys):
    out = tmp_path / "new" / "figures.json"
    options = ["--size", "64", "96", "--samples", "2", "--repeats", "1", "--limit", limit, "--json", str(out)]
    assert main([str(QUICKSTARTS / f"{style}.py"), *options]) == status
    assert json.loads(out.read_text())["ratio"] > 0
    assert "samples per s" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nowhere.py"], [str(CONFIG), "--data", "/nowhere"]])
def test_misuse_ends_in_one_sentence(arguments, capsys):
    assert main(arguments) == 1
    assert f"pipeline: {arguments[-1]}: no such" in capsys.readouterr().err


def test_objects_of_a_json_are_decoded(monkeypatch):
    """Polygons are drawn, and codes decoded; an image without objects is none to fail on."""
    drawn = []
    monkeypatch.setattr(coco_mask, "decode", lambda codes: drawn.append(decode(codes)))
    triangle = (pack_polygon([0, 0, 8, 0, 0, 8]),)
    for masks in ((triangle, "8h1"), ()):
        count = len(masks)
        decode_label(FrameObjects(Path("a.json"), "image", (8, 8), (0,) * count, (1,) * count, masks))
    assert drawn[0].shape == (8, 8, 2)
    assert drawn[0][0, 0].tolist() == [1, 0]
    assert drawn[0][7, 7].tolist() == [0, 1]
