"""PQ of image sets through the command: what is written is what is scored, and no fault stays silent."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tools.evaluate import main
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.image_benchmarks import IMAGE_BENCHMARKS
from video_knet.evaluation.run import Options, evaluate, find_faults
from video_knet.formats import FormatError, SegmentMap
from video_knet.formats.coding.id_maps import read_ids, write_ids
from video_knet.synthetic import World, write_world

from .test_image_panoptic import assert_as_reference, measure, reference

QUIET = Options(progress=False)


@pytest.fixture(params=sorted(IMAGE_BENCHMARKS))
def dataset(request, tmp_path) -> tuple[str, Path, Path]:
    """Name, root, and a folder of predictions that are wrong in parts."""
    benchmark = get_benchmark(request.param)
    split = list(benchmark.style.published)[1]
    root, pred = tmp_path / "root", tmp_path / "pred"
    write_world(root, benchmark.style, World(benchmark.classes, (32, 48), frames=3), {split: 2})
    entries = []
    for video in benchmark.style.videos(root, split):
        truth = benchmark.read_truth(video.frames[0].label)
        moved = SegmentMap(np.roll(truth.semantic, 1, 1), np.roll(truth.track, 1, 1))
        entries.append(benchmark.write(pred, video.name, moved))
    benchmark.finish(pred, entries)
    return request.param, root, pred


def test_command(dataset, tmp_path, capsys):
    name, root, pred = dataset
    out = tmp_path / "scores.json"
    assert main([name, "--gt", str(root), "--pred", str(pred), "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    benchmark = get_benchmark(name)
    truths = [
        benchmark.read_truth(source) for frames in benchmark.truth(root, None).values() for source in frames.values()
    ]
    moved = [SegmentMap(np.roll(t.semantic, 1, 1), np.roll(t.track, 1, 1)) for t in truths]
    assert result == measure(zip(truths, moved), benchmark.classes)
    assert_as_reference(result, reference(list(zip(truths, moved)), benchmark.classes), benchmark.classes)
    assert 0 < result["PQ"] < 1
    assert "6 images" in capsys.readouterr().out
    assert main([name, "--gt", str(root), "--pred", str(pred), "--check-only"]) == 0


def test_predictions_are_read_image_by_image(dataset):
    """As the renderer does it."""
    name, _, pred = dataset
    benchmark = get_benchmark(name)
    images = benchmark.prediction(pred, {})
    for image, frames in images.items():
        found = benchmark.style.read_predicted(pred, image, image)
        np.testing.assert_array_equal(found.semantic, benchmark.read_prediction(frames[image]).semantic)
        np.testing.assert_array_equal(found.track, benchmark.read_prediction(frames[image]).track)
    with pytest.raises(FormatError, match=r"listed|exist"):
        benchmark.style.read_predicted(pred, "aachen_000000_000000", "aachen_000000_000000")
    next(pred.rglob(f"{image}.png")).unlink()
    with pytest.raises(FormatError, match=image):
        benchmark.style.read_predicted(pred, image, image)


def test_self_test(dataset, tmp_path, capsys):
    name, root, _ = dataset
    out = tmp_path / "self_test.json"
    assert main([name, "--gt", str(root), "--self-test", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert [result["as_is"][key] for key in ("PQ", "PQ_things", "PQ_stuff", "SQ", "RQ", "mIoU")] == [1] * 6
    removed = result["class_removed"]
    assert removed["per_class"][removed["removed"]]["PQ"] == 0
    assert "self-test passed" in capsys.readouterr().out


def test_processes_give_the_numbers_of_one(tmp_path):
    benchmark = get_benchmark("coco-panoptic")
    root = tmp_path / "root"
    write_world(root, benchmark.style, World(benchmark.classes, (32, 48), frames=3), {"val2017": 1})
    pred, entries = tmp_path / "pred", []
    for name, frames in benchmark.truth(root, None).items():
        entries.append(benchmark.write(pred, name, benchmark.read_truth(frames[name])))
    benchmark.finish(pred, entries)
    one = evaluate(benchmark, root, pred, options=QUIET)
    assert one["PQ"] == 1
    assert evaluate(benchmark, root, pred, options=Options(workers=2, progress=False)) == one


def test_a_list_limits_the_images(dataset, tmp_path):
    name, root, pred = dataset
    names = list(get_benchmark(name).truth(root, None))
    (tmp_path / "split.txt").write_text("\n".join(names[:2]))
    assert evaluate(get_benchmark(name), root, pred, tmp_path / "split.txt", QUIET)["images"] == 2


def test_faults_of_predictions_are_found_in_one_go(dataset, capsys):
    name, root, pred = dataset
    files = sorted(pred.rglob("*.png"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:60])
    ids = read_ids(files[2])
    write_ids(files[2], ids[:-1])
    shutil.copy(files[3], files[3].with_name("synthetic_300009_000000.png"))
    faults = find_faults(get_benchmark(name), root, pred, options=QUIET)
    words = ["again", "48x31 pixels"]
    assert all(any(word in fault and str(path) in fault for fault in faults) for word, path in zip(words, files[1:3]))
    assert any(files[0].stem in fault for fault in faults)
    if name.startswith("cityscapes"):  # others are listed by their json
        assert any("synthetic_300009_000000" in fault and "the truth does not have it" in fault for fault in faults)
    assert main([name, "--gt", str(root), "--pred", str(pred), "--check-only"]) == 1
    assert main([name, "--gt", str(root), "--pred", str(pred)]) == 1
    assert str(pred) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a[0]["segments_info"].pop(), "does not say what it is"),
        (lambda a: a[0]["segments_info"].append({"id": 12, "category_id": 1}), "id 12 has no pixel"),
        (lambda a: a[0]["segments_info"].append(a[0]["segments_info"][0]), "is listed twice"),
        (lambda a: a[0]["segments_info"][0].update(category_id=999), "category_id 999"),
        (lambda a: a.append(a[0]), "is listed twice"),
        (lambda a: a.pop(), "is missing from the prediction"),
        (lambda a: a.append({**a[0], "file_name": "1.png"}), "the truth does not have it"),
    ],
)
@pytest.mark.parametrize("dataset", ["coco-panoptic", "mapillary"], indirect=True)
def test_wrong_lists(dataset, change, words):
    name, root, pred = dataset
    content = json.loads((pred / "pred.json").read_text())
    change(content["annotations"])
    (pred / "pred.json").write_text(json.dumps(content))
    faults = find_faults(get_benchmark(name), root, pred, options=QUIET)
    assert any(words in fault and str(pred) in fault for fault in faults), faults


def test_the_authors_have_no_script(capsys):
    with pytest.raises(SystemExit):
        main(["mapillary", "--gt", "x", "--pred", "y", "--protocol", "released"])
    assert "not defined for mapillary" in capsys.readouterr().err
    with pytest.raises(ValueError, match="standard"):
        get_benchmark("mapillary", "released")
