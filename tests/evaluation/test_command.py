"""`tools/evaluate.py`: self-test, submission check, usage, and that no fault stays silent."""

import json
import shutil
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from tools.evaluate import main
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.run import Options, evaluate, find_faults
from video_knet.formats import KittiStep, SegmentMap
from video_knet.formats.coding.id_maps import read_ids, write_ids
from video_knet.synthetic import World

from .golden import ROOT
from .test_id_maps import load, write_cityscapes, write_vipseg

KITTI = ROOT / "disk" / "kitti_step"
VSPW = ROOT / "disk" / "vspw"


def kitti(root):
    return KITTI / "gt", KITTI / "pred"


def vspw(root):
    return VSPW / "data", VSPW / "pred"


def cityscapes(root):
    return write_cityscapes(root, load("cityscapes_vps", "c01_general")[1])


def vipseg(root):
    return write_vipseg(root, load("vipseg", "v01_general")[1])


QUIET = Options(progress=False)
LAYOUTS = {"kitti-step": kitti, "cityscapes-vps": cityscapes, "vipseg": vipseg, "vspw": vspw}


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_self_test(dataset, tmp_path, capsys):
    gt, _ = LAYOUTS[dataset](tmp_path)
    out = tmp_path / "self_test.json"
    assert main([dataset, "--gt", str(gt), "--self-test", "--json", str(out)]) == 0
    results = json.loads(out.read_text())
    assert results["faults"] == []
    scores = {name: value for name, value in results["as_is"].items() if isinstance(value, float)}
    assert scores == dict.fromkeys(scores, 1.0)
    benchmark = get_benchmark(dataset)
    for name in benchmark.frame_scores:
        assert results["shuffled_ids"][name] == 1
    for name in benchmark.association:
        assert results["shuffled_ids"][name] < 1
    removed = results["class_removed"]
    assert removed["per_class"][removed["removed"]][benchmark.class_score] == 0
    assert ("shuffled_ids" in results) == (dataset != "vspw")
    assert "self-test passed" in capsys.readouterr().out


def test_self_test_notices_a_wrong_truth(tmp_path, capsys):
    """Areas in the json that are not those of the PNG shift every IoU."""
    gt, _ = cityscapes(tmp_path)
    content = json.loads(gt.read_text())
    for segment in content["annotations"][0]["segments_info"]:
        segment["area"] *= 2
    gt.write_text(json.dumps(content))
    assert main(["cityscapes-vps", "--gt", str(gt), "--self-test"]) == 1
    assert "instead of 1" in capsys.readouterr().err


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_a_sound_prediction_has_no_fault(dataset, tmp_path, capsys):
    gt, pred = LAYOUTS[dataset](tmp_path)
    assert main([dataset, "--gt", str(gt), "--pred", str(pred), "--check-only", "--workers", "2"]) == 0
    assert "no fault found" in capsys.readouterr().out


def edit_json(path, change) -> None:
    content = json.loads(path.read_text())
    change(content["annotations"])
    path.write_text(json.dumps(content))


def test_every_fault_is_listed_and_scoring_refuses(tmp_path, capsys):
    gt, pred = cityscapes(tmp_path)
    files = sorted((pred / "pan_pred").glob("*.png"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:60])
    ids = read_ids(files[2])
    write_ids(files[2], ids[:-1])
    ids = read_ids(files[3])
    ids[0, 0] = 77
    write_ids(files[3], ids)
    faults = find_faults(get_benchmark("cityscapes-vps"), gt, pred)
    for path, words in zip(files, ("no such file", "cannot be read", "128x95 pixels", "id 77 has pixels")):
        assert any(str(path) in fault and words in fault for fault in faults), (path, words, faults)
    assert len(faults) == 4
    assert main(["cityscapes-vps", "--gt", str(gt), "--pred", str(pred), "--check-only"]) == 1
    assert capsys.readouterr().err.count(str(pred)) >= 4
    assert main(["cityscapes-vps", "--gt", str(gt), "--pred", str(pred)]) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a[0]["segments_info"][0].update(category_id=19), "category_id 19"),
        (lambda a: a[0]["segments_info"].append(dict(a[0]["segments_info"][0])), "listed twice"),
        (lambda a: a[0]["segments_info"].append(dict(id=5, category_id=0)), "id 5 has no pixel"),
        (lambda a: a[0]["segments_info"].pop(), "does not say what it is"),
        (lambda a: a[0]["segments_info"][0].pop("category_id"), "needs whole numbers"),
        (lambda a: a[0].pop("segments_info"), "segments_info is not a list"),
        (lambda a: a.pop(), "is missing from the prediction"),
        (lambda a: [e.pop("image_id") and e.pop("file_name") for e in a[:2]], "Name all or none"),
        (lambda a: a[1].update(image_id=a[0]["image_id"]), "listed twice"),
        (lambda a: (a.pop(), [e.pop("image_id") and e.pop("file_name") for e in a]), "annotations without names"),
    ],
    ids=["class", "twice", "no_pixel", "unlisted", "key", "list", "frame", "partly_named", "named_twice", "unnamed"],
)
def test_faults_of_lists_are_named(change, words, tmp_path, capsys):
    gt, pred = cityscapes(tmp_path)
    edit_json(pred / "pred.json", change)
    assert main(["cityscapes-vps", "--gt", str(gt), "--pred", str(pred)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert str(pred) in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop(), "is missing from the prediction"),
        (lambda a: a[0]["annotations"].pop(), "9 annotations, the truth has 10 frames"),
        (lambda a: a.append(a[0]), "listed twice"),
        (
            lambda a: a.append(dict(video_id="other", annotations=[dict(segments_info=[])])),
            "the truth does not have it",
        ),
        (lambda a: a[0].pop("annotations"), "is not {video_id"),
    ],
    ids=["video", "frame", "twice", "other", "entry"],
)
def test_faults_of_videos_are_named(change, words, tmp_path, capsys):
    gt, pred = vipseg(tmp_path)
    edit_json(pred / "pred.json", change)
    assert main(["vipseg", "--gt", str(gt), "--pred", str(pred)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert str(pred) in said


def test_missing_files_are_named(tmp_path, capsys):
    for dataset in LAYOUTS:
        assert main([dataset, "--gt", str(tmp_path / "no.json"), "--pred", str(tmp_path / "none")]) == 1
        assert "no" in capsys.readouterr().err
    gt, pred = cityscapes(tmp_path / "c")
    shutil.rmtree(tmp_path / "c" / "panoptic_video")
    assert main(["cityscapes-vps", "--gt", str(gt), "--pred", str(pred)]) == 1
    assert "panoptic_video" in capsys.readouterr().err
    (pred / "pred.json").write_text("{")
    gt, _ = cityscapes(tmp_path / "d")
    assert main(["cityscapes-vps", "--gt", str(gt), "--pred", str(pred)]) == 1
    assert "cannot be read as json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["kitti-step", "--gt", "x"],
        ["kitti-step", "--gt", "x", "--pred", "y", "--self-test"],
        ["cityscapes-vps", "--gt", "x", "--pred", "y", "--protocol", "released"],
        ["youtube-vis", "--gt", "x", "--pred", "y", "--protocol", "released"],
        ["kitti-step", "--gt", "x", "--protocol", "released", "--self-test"],
        ["kitti-step", "--gt", "x", "--pred", "y", "--workers", "0"],
        ["kitti-step", "--gt", "x", "--pred", "y", "--self-test", "--check-only"],
        ["davis", "--gt", "x", "--pred", "y"],
    ],
)
def test_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_predictions_of_another_size_may_be_resized(tmp_path, capsys):
    style = KittiStep()
    for number, (_, truth) in enumerate(World(style.classes, (24, 48), frames=2).video(0)):
        large = SegmentMap(*(np.kron(a, np.ones((2, 2), a.dtype)) for a in (truth.semantic, truth.track)))
        style.write(style.prediction_path(tmp_path / "gt", "0002", f"{number:06d}"), truth)
        style.write(style.prediction_path(tmp_path / "pred", "0002", f"{number:06d}"), large)
    command = ["kitti-step", "--gt", str(tmp_path / "gt"), "--pred", str(tmp_path / "pred")]
    assert main(command) == 1
    assert "--allow-resize" in capsys.readouterr().err
    out = tmp_path / "scores.json"
    assert main([*command, "--allow-resize", "--json", str(out)]) == 0
    assert json.loads(out.read_text())["STQ"] == 1


def test_a_split_file_limits_the_videos(tmp_path, capsys):
    split = tmp_path / "split.txt"
    split.write_text("0002\n0006\n")
    out = tmp_path / "scores.json"
    command = ["kitti-step", "--gt", str(KITTI / "gt"), "--pred", str(KITTI / "pred"), "--split", str(split)]
    assert main([*command, "--json", str(out)]) == 0
    assert list(json.loads(out.read_text())["per_video"]) == ["0002", "0006"]
    split.write_text("0003\n")
    assert main(command) == 1
    assert "0003" in capsys.readouterr().err


def test_images_are_read_once(tmp_path, monkeypatch):
    gt, pred = vipseg(tmp_path)
    opened = []
    true_open = Image.open
    monkeypatch.setattr(Image, "open", lambda file, *a, **k: (opened.append(1), true_open(file, *a, **k))[1])
    assert main(["vipseg", "--gt", str(gt), "--pred", str(pred)]) == 0
    assert len(opened) == 2 * 18


def test_memory_does_not_grow_with_the_number_of_videos(tmp_path):
    style = KittiStep()
    frames = [truth for _, truth in World(style.classes, (96, 192), frames=6).video(0)]
    peaks = []
    for count in (2, 12):
        for video in range(count):
            for number, truth in enumerate(frames):
                for folder in ("gt", "pred"):
                    path = style.prediction_path(tmp_path / str(count) / folder, f"{video:04d}", f"{number:06d}")
                    style.write(path, truth)
        tracemalloc.start()
        evaluate(get_benchmark("kitti-step"), *(tmp_path / str(count) / f for f in ("gt", "pred")), options=QUIET)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 10 * 20_000  # counters of a video, not its pixels: a frame alone has 18432


def test_faults_of_lists_and_of_files_are_found_in_one_go(tmp_path):
    gt, pred = cityscapes(tmp_path)
    files = sorted((pred / "pan_pred").glob("*.png"))

    def spoil(annotations: list) -> None:
        for entry in annotations[:2]:
            entry["segments_info"][0]["category_id"] = 99

    edit_json(pred / "pred.json", spoil)
    ids = read_ids(files[2])
    ids[0, :2] = 77, 78
    write_ids(files[2], ids[:-1])
    files[3].unlink()
    faults = find_faults(get_benchmark("cityscapes-vps"), gt, pred)
    wanted = ["category_id 99", "category_id 99", "128x95 pixels", "id 77 has", "id 78 has", "no such file"]
    assert [sum(word in fault for fault in faults) for word in wanted] == [2, 2, 1, 1, 1, 1]


def test_areas_of_the_truth(tmp_path, capsys):
    """Without areas in the json the pixels count; areas that are too small would give an IoU above 1."""
    gt, pred = cityscapes(tmp_path)
    out = tmp_path / "scores.json"
    command = ["cityscapes-vps", "--gt", str(gt), "--pred", str(pred), "--json", str(out)]
    assert main(command) == 0
    expected = json.loads(out.read_text())
    edit_json(gt, lambda a: [s.pop("area") for entry in a for s in entry["segments_info"]])
    assert main(command) == 0
    assert json.loads(out.read_text()) == expected
    edit_json(gt, lambda a: [s.update(area=1) for entry in a for s in entry["segments_info"]])
    assert main(command) == 1
    assert "correct the area" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["{}_newImg8bit.png", "{}_final_mask.png", "{}.png"])
def test_predictions_may_be_named_by_image_or_label(name, tmp_path):
    gt, pred = cityscapes(tmp_path)
    out = tmp_path / "scores.json"
    command = ["cityscapes-vps", "--gt", str(gt), "--pred", str(pred), "--json", str(out)]
    assert main(command) == 0
    expected = json.loads(out.read_text())
    edit_json(pred / "pred.json", lambda a: [e.update(file_name=name.format(e.pop("image_id"))) for e in a])
    edit_json(pred / "pred.json", lambda a: a.reverse())
    assert main(command) == 0
    assert json.loads(out.read_text()) == expected


@pytest.mark.parametrize(
    "content",
    [
        {"images": [1], "annotations": []},
        {"images": [{"id": "a"}, {"id": "a"}], "annotations": [{"image_id": "a", "segments_info": []}]},
        {"images": [], "annotations": [], "categories": [1]},
        {"images": [{"id": "a"}], "annotations": []},
        {"annotations": [3]},
        [],
    ],
)
def test_a_truth_that_is_not_laid_out_as_it_should_is_named(content, tmp_path, capsys):
    gt, pred = cityscapes(tmp_path)
    gt.write_text(json.dumps(content))
    for dataset in ("cityscapes-vps", "vipseg"):
        assert main([dataset, "--gt", str(gt), "--pred", str(pred)]) == 1
        assert "evaluate: " in capsys.readouterr().err


def test_images_beside_the_released_truth_are_passed_over(tmp_path):
    shutil.copytree(KITTI / "gt", tmp_path / "gt")
    truth = next((tmp_path / "gt" / "video_sequence" / "val").glob("*_panoptic.png"))
    shutil.copy(truth, truth.with_name(truth.name.replace("panoptic", "leftImg8bit")))
    assert main(["kitti-step", "--gt", str(tmp_path / "gt"), "--pred", str(KITTI / "pred")]) == 0


def test_void_predicted_where_the_format_has_none(tmp_path, capsys):
    shutil.copytree(VSPW / "pred", tmp_path / "pred")
    path = next((tmp_path / "pred").glob("*/*.png"))
    Image.fromarray(np.full_like(np.asarray(Image.open(path)), 255)).save(path)
    for more in ([], ["--check-only"]):
        assert main(["vspw", "--gt", str(VSPW / "data"), "--pred", str(tmp_path / "pred"), *more]) == 1
        said = capsys.readouterr().err
        assert str(path) in said
        assert "no void" in said


def test_a_truth_without_association_passes_with_a_remark(tmp_path, capsys):
    gt, _ = write_vipseg(tmp_path, load("vipseg", "v00_tiny")[1])
    assert main(["vipseg", "--gt", str(gt), "--self-test"]) == 0
    assert "not tested" in capsys.readouterr().out
