"""Cityscapes-VPS and VIPSeg: golden cases through the command, from the layouts that the benchmarks use."""

import json
from pathlib import Path

import numpy as np
import pytest

from tools.evaluate import main
from video_knet.formats.cityscapes_vps import CityscapesVps
from video_knet.formats.coding.id_maps import IdMap, Segment
from video_knet.formats.disk.png import write_png
from video_knet.formats.vipseg import Vipseg

from .golden import ROOT, close

CITYSCAPES = sorted(path.stem for path in (ROOT / "cityscapes_vps").glob("*.json"))
VIPSEG = sorted(path.stem for path in (ROOT / "vipseg").glob("*.json"))


def load(folder: str, case: str) -> tuple[dict, dict[str, dict[str, list[IdMap]]]]:
    """Expected values by run; {video: {"gt" | "pred": frames}}."""
    content, arrays = json.loads((ROOT / folder / f"{case}.json").read_text()), np.load(ROOT / folder / f"{case}.npz")
    videos = {}
    for n, video in enumerate(arrays["videos"].tolist()):
        lists = content["segments"][video]
        videos[video] = {
            side: [
                IdMap(ids, tuple(Segment(s["id"], s["category_id"], bool(s["iscrowd"]), s["area"]) for s in segments))
                for ids, segments in zip(arrays[f"{side}_id_{n}"], lists[side], strict=True)
            ]
            for side in ("gt", "pred")
        }
    return {run["name"]: run["expected"] for run in content["runs"]}, videos


def write_cityscapes(root: Path, videos: dict, reverse: bool = False) -> tuple[Path, Path]:
    style, gt, entries = CityscapesVps(), root / "panoptic_gt_val_city_vps.json", []
    frames = {
        v: {f"{v}_{5 * t + 5:04d}_town_{t:06d}": f for t, f in enumerate(sides["gt"])} for v, sides in videos.items()
    }
    style.write_truth(gt, dict(reversed(frames.items())) if reverse else frames)
    for video, sides in videos.items():
        for name, frame in zip(frames[video], sides["pred"], strict=True):
            entries.append(style.write_frame(root / "pred", name, frame))
    style.write_list(root / "pred", entries)
    return gt, root / "pred"


def write_vipseg(root: Path, videos: dict) -> tuple[Path, Path]:
    style, gt = Vipseg(), root / "panoptic_gt_VIPSeg_val.json"
    style.write_truth(gt, {v: {f"{t:08d}": f for t, f in enumerate(sides["gt"])} for v, sides in videos.items()})
    entries = {
        video: [style.write_frame(root / "pred", video, f"{t:08d}", f) for t, f in enumerate(sides["pred"])]
        for video, sides in videos.items()
    }
    style.write_list(root / "pred", entries)
    return gt, root / "pred"


def run(dataset: str, gt: Path, pred: Path, *more: str) -> dict:
    out = pred.parent / "scores.json"
    assert main([dataset, "--gt", str(gt), "--pred", str(pred), "--json", str(out), *more]) == 0
    return json.loads(out.read_text())


def assert_vpq(result: dict, wanted: dict, windows: tuple[int, ...]) -> None:
    rows = list(result["per_class"].values())
    for k in windows:
        window = wanted[str(k)]
        for suffix, key in (("", "All"), ("_things", "Things"), ("_stuff", "Stuff")):
            assert result[f"VPQ_{k}{suffix}"] == close(window[key]["pq"])
        assert sum(row[f"VPQ_{k}"] is not None for row in rows) == len(window["per_class"])
        for row in window["per_class"]:
            own = rows[row["category_id"]]
            assert [own[f"{name}_{k}"] for name in ("tp", "fp", "fn")] == [row["tp"], row["fp"], row["fn"]]
            assert own[f"iou_sum_{k}"] == close(row["iou_sum"])
    for suffix, key in (("", "All"), ("_things", "Things"), ("_stuff", "Stuff")):
        mean = wanted["mean_over_k_percent"][key]
        assert result[f"VPQ{suffix}"] == close(None if mean is None else mean / 100)


@pytest.mark.parametrize("case", CITYSCAPES)
def test_cityscapes_vps(case, tmp_path, capsys):
    expected, videos = load("cityscapes_vps", case)
    result = run("cityscapes-vps", *write_cityscapes(tmp_path, videos))
    assert_vpq(result, expected["vpq_official"], (1, 2, 3, 4))
    assert "STQ" not in result
    assert "labelled frames" in capsys.readouterr().out


@pytest.mark.parametrize("case", VIPSEG)
def test_vipseg(case, tmp_path):
    expected, videos = load("vipseg", case)
    result = run("vipseg", *write_vipseg(tmp_path, videos))
    assert_vpq(result, expected["vpq_official"], (1, 2, 4, 6))
    stq = expected["stq_official"]
    assert [result[name] for name in ("STQ", "AQ", "SQ")] == [close(stq[name]) for name in ("STQ", "AQ", "IoU")]
    ious = [row["IoU"] for row in result["per_class"].values()]
    assert ious == [close(value) for value in stq["class_iou"][:124]]


@pytest.mark.parametrize("case", VIPSEG)
def test_vipseg_by_the_authors_scripts(case, tmp_path):
    expected, videos = load("vipseg", case)
    result = run("vipseg", *write_vipseg(tmp_path, videos), "--protocol", "released")
    stq = expected["stq_vknet_script"]
    assert [result[name] for name in ("STQ", "AQ", "SQ")] == [close(stq[name]) for name in ("STQ", "AQ", "IoU")]
    for k, window in expected["vpq_vknet_fixed"].items():
        if int(k) not in (1, 2, 4, 6):
            continue
        names = ("PQ", "PQ_things", "PQ_stuff")
        wanted = [None] * 3 if window is None else [close(window[name]) for name in names]
        assert [result[f"VPQ_{k}{suffix}"] for suffix in ("", "_things", "_stuff")] == wanted


@pytest.mark.parametrize("case", VIPSEG)
@pytest.mark.parametrize("split", [True, False])
def test_vipseg_from_raw_masks(case, split, tmp_path):
    """The raw masks say the same as the json that is made of them."""
    expected, videos = load("vipseg", case)
    _, pred = write_vipseg(tmp_path, videos)
    arrays, root = np.load(ROOT / "vipseg" / f"{case}.npz"), tmp_path / "VIPSeg"
    for n, video in enumerate(videos):
        for t, raw in enumerate(arrays[f"gt_panomask_{n}"]):
            write_png(root / "panomasks" / video / f"{t:08d}.png", raw)
    (root / "val.txt").write_text("\n".join(videos) + "\n")
    result = run("vipseg", root, pred, *(["--split", str(root / "val.txt")] if split else []))
    assert_vpq(result, expected["vpq_official"], (1, 2, 4, 6))
    if case != "v03_short_videos":  # its json lists a thing first, which the script takes for a crowd; masks never do
        assert result["STQ"] == close(expected["stq_official"]["STQ"])


def test_order_and_workers_change_nothing(tmp_path):
    _, videos = load("vipseg", "v01_general")
    alone = run("vipseg", *write_vipseg(tmp_path / "a", videos))
    turned = write_vipseg(tmp_path / "b", dict(reversed(videos.items())))
    assert run("vipseg", *turned) == alone
    assert run("vipseg", *turned, "--workers", "2") == alone
    _, videos = load("cityscapes_vps", "c01_general")
    alone = run("cityscapes-vps", *write_cityscapes(tmp_path / "c", videos))
    assert run("cityscapes-vps", *write_cityscapes(tmp_path / "d", videos, reverse=True)) == alone


def test_predictions_without_names_go_by_position(tmp_path):
    expected, videos = load("cityscapes_vps", "c01_general")
    gt, pred = write_cityscapes(tmp_path, videos)
    content = json.loads((pred / "pred.json").read_text())
    bare = [{"segments_info": entry["segments_info"]} for entry in content["annotations"]]
    (pred / "pred.json").write_text(json.dumps({"annotations": bare}))
    assert_vpq(run("cityscapes-vps", gt, pred), expected["vpq_official"], (1, 2, 3, 4))


def test_permuted_ids_change_nothing(tmp_path):
    """Predicted ids have no meaning but which pixels they join."""
    expected, videos = load("cityscapes_vps", "c01_general")
    for sides in videos.values():
        ids = sorted({s.id for frame in sides["pred"] for s in frame.segments})
        names = dict(zip(ids, np.random.default_rng(0).permutation(np.arange(1, len(ids) + 1)).tolist()))
        table = np.vectorize(lambda value, names=names: names.get(value, 0), otypes=[np.uint32])
        sides["pred"] = [
            IdMap(table(f.ids), tuple(Segment(names[s.id], s.category, s.crowd, s.area) for s in f.segments))
            for f in sides["pred"]
        ]
    result = run("cityscapes-vps", *write_cityscapes(tmp_path, videos))
    assert_vpq(result, expected["vpq_official"], (1, 2, 3, 4))


def test_the_value_that_the_authors_take_for_void(tmp_path):
    style, root = Vipseg(), tmp_path / "VIPSeg"
    write_png(root / "panomasks" / "a" / "0.png", np.array([[200, 200, 1, 1]], np.uint16))
    ids = np.array([[7, 7, 1, 1]], np.uint32)
    frame = IdMap(ids, (Segment(7, 1), Segment(1, 0)))
    style.write_list(tmp_path / "pred", {"a": [style.write_frame(tmp_path / "pred", "a", "0", frame)]})
    standard = run("vipseg", root, tmp_path / "pred")
    assert standard["per_class"]["ceiling"]["tp_1"] == 1
    released = run("vipseg", root, tmp_path / "pred", "--protocol", "released")
    assert released["per_class"]["ceiling"]["tp_1"] == released["per_class"]["ceiling"]["fp_1"] == 0
