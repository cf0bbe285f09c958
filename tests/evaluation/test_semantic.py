"""mIoU and mVC: reference values, pencil and paper, and properties that hold whatever the data."""

import json
import math

import numpy as np
import pytest

from video_knet.evaluation.consistency import VideoConsistency
from video_knet.evaluation.contingency import contingency
from video_knet.evaluation.miou import MeanIoU, mean_over_all_classes, mean_over_true_classes
from video_knet.evaluation.semantic import SemanticEvaluator, SemanticTruth
from video_knet.evaluation.semantic_report import format_semantic
from video_knet.formats import VOID, SegmentMap
from video_knet.formats.vspw import Vspw
from video_knet.synthetic import World

from .golden import ROOT, close

STYLE = Vspw()
CLASSES = STYLE.classes
CASES = sorted(path.stem for path in (ROOT / "vspw").glob("*.json"))
Videos = dict[str, list[tuple[SemanticTruth, SegmentMap]]]


def segments(semantic: np.ndarray) -> SegmentMap:
    semantic = np.asarray(semantic, np.uint8)
    return SegmentMap(semantic, np.zeros(semantic.shape, np.int32))


def truth(raw: np.ndarray) -> SemanticTruth:
    raw = np.asarray(raw, np.uint8)
    return SemanticTruth(STYLE.decode(raw).semantic, raw)


def golden(case: str) -> Videos:
    data = np.load(ROOT / "vspw" / f"{case}.npz")
    return {
        name: [(truth(raw), segments(pred)) for raw, pred in zip(data[f"gt_raw_{n}"], data[f"pred_{n}"])]
        for n, name in enumerate(data["videos"].tolist())
    }


def expected(case: str, run: str) -> dict:
    runs = json.loads((ROOT / f"{case}.json").read_text())["runs"]
    return next(r["expected"] for r in runs if r["name"] == run)


def evaluate(videos: Videos, **settings) -> dict:
    evaluator = SemanticEvaluator(CLASSES, **settings)
    for video, pairs in videos.items():
        for pair in pairs:
            evaluator.update(video, *pair)
        evaluator.close(video)
    return evaluator.result()


def consistency(videos: dict[str, tuple[list, list]], windows: tuple[int, ...]) -> VideoConsistency:
    """Core that has seen (truth, prediction) of each video, both T rows of labels."""
    core = VideoConsistency(windows)
    for name, (true, predicted) in videos.items():
        for pair in zip(np.array(true, np.uint8), np.array(predicted, np.uint8)):
            core.update(name, *(labels[None] for labels in pair))
    return core


@pytest.fixture(scope="module")
def drawn() -> Videos:
    """Videos of 20 and 11 frames, predicted two pixels aside, one class renamed, with a void corner that flickers."""
    found = {}
    for index, (name, frames) in enumerate((("10_a", 20), ("11_b", 11))):
        pairs = []
        for time, (_, labels) in enumerate(World(CLASSES, (24, 48), frames=frames, seed=1).video(index)):
            semantic = np.roll(labels.semantic, 2, 1)
            semantic[semantic == semantic[-1, -1]] = 5
            semantic[: time % 3, :5] = VOID
            pairs.append((SemanticTruth(labels.semantic), segments(semantic)))
        found[name] = pairs
    return found


@pytest.mark.parametrize("case", CASES)
def test_golden_miou(case):
    wanted = expected(f"vspw/{case}", "miou_official")
    result = evaluate(golden(case))
    for key in ("mIoU", "pixel_acc", "class_acc", "fwIoU"):
        assert result[key] == close(wanted[key])
    found = {name: row for name, row in result["per_class"].items() if row["IoU"] is not None}
    assert list(found) == [CLASSES.names[row["cls"]] for row in wanted["per_class"]]
    for row, reference in zip(found.values(), wanted["per_class"]):
        assert row["IoU"] == close(reference["iou"])
        assert row["truth_pixels"] == reference["gt_pixels"]
        assert row["predicted_pixels"] == reference["pred_pixels"]
        assert row["shared_pixels"] == reference["inter"]
    assert list(result["per_video"]) == [video["id"] for video in wanted["per_video"]]
    for video in wanted["per_video"]:
        single = result["per_video"][video["id"]]
        assert (single["mIoU"], single["fwIoU"]) == (close(video["mIoU"]), close(video["fwIoU"]))


@pytest.mark.parametrize("case", CASES)
def test_golden_miou_of_the_released_code(case):
    wanted = expected(f"vspw/{case}", "miou_vknet")
    result = evaluate(golden(case), averaging=mean_over_all_classes)
    assert result["mIoU"] == close(wanted["mIoU_nan_to_num"])
    present = [row["IoU"] for row in result["per_class"].values() if row["IoU"] is not None]
    assert math.fsum(present) / len(present) == close(wanted["mIoU_nanmean"])
    assert present == [close(row["iou"]) for row in wanted["per_class"]]
    assert "mean over all classes" in result["definition"]
    official = evaluate(golden(case))
    assert "mean over true classes" in official["definition"]
    assert official["per_class"] == result["per_class"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("n", [8, 16])
def test_golden_mvc(case, n):
    wanted = expected(f"vspw/{case}", f"vc{n}_official")
    result = evaluate(golden(case))
    assert result[f"mVC_{n}"] == close(wanted["VC"])
    core = VideoConsistency((8, 16))
    for name, pairs in golden(case).items():
        for true, predicted in pairs:
            core.update(name, true.raw, predicted.semantic)
    total = core.result().windows[n]
    assert (total.windows + total.undefined, total.undefined) == (wanted["n_windows"], wanted["n_nan"])
    for video in wanted["per_video"]:
        single = core.result().per_video[video["id"]].windows[n]
        values = video["windows"] or []
        assert single.windows == len(values)
        assert single.mean == close(math.fsum(values) / len(values) if values else None)
        assert result["per_video"][video["id"]][f"mVC_{n}"] == single.mean


def test_golden_files():
    root = ROOT / "disk" / "vspw"
    videos, predictions = STYLE.label_files(root, "val"), STYLE.prediction_files(root / "pred")
    assert videos.keys() == predictions.keys()
    assert STYLE.label_files(root / "data") == videos
    result = evaluate(
        {
            name: [
                (truth(STYLE.read_raw(mask)), STYLE.read_prediction(predictions[name][frame]))
                for frame, mask in frames.items()
            ]
            for name, frames in videos.items()
        }
    )
    wanted = expected("disk/vspw", "miou_dvis_cli")
    names = {"mIoU": "mIoU", "fwIoU": "fwIoU", "pixel_acc": "Acc", "class_acc": "Acc_class"}
    assert {key: result[key] for key in names} == {key: close(wanted[name]) for key, name in names.items()}
    wanted = expected("disk/vspw", "vc_official_script")
    assert (result["mVC_8"], result["mVC_16"]) == (close(wanted["VC8"]), close(wanted["VC16"]))
    assert [single["frames"] for single in result["per_video"].values()] == [18, 10]


def test_pencil_and_paper_miou():
    """One frame: a void pixel, a pixel predicted void, and a class that is only predicted."""
    true, predicted = segments([[0, 0, 0, 0, 1, 1, VOID]]), segments([[0, 0, 7, VOID, 1, 0, 1]])
    result = evaluate({"v": [(SemanticTruth(true.semantic), predicted)]})
    rows = result["per_class"]
    assert list(rows[CLASSES.names[0]].values()) == [2 / 5, 4, 3, 2]
    assert list(rows[CLASSES.names[1]].values()) == [1 / 2, 2, 1, 1]
    assert list(rows[CLASSES.names[7]].values()) == [0, 0, 1, 0]
    assert list(rows[CLASSES.names[2]].values()) == [None, 0, 0, 0]
    assert result["mIoU"] == pytest.approx((2 / 5 + 1 / 2) / 2, abs=1e-15)
    assert result["fwIoU"] == pytest.approx((4 * 2 / 5 + 2 * 1 / 2) / 6, abs=1e-15)
    assert result["pixel_acc"] == 3 / 6
    assert result["class_acc"] == (2 / 4 + 1 / 2) / 2
    released = evaluate({"v": [(SemanticTruth(true.semantic), predicted)]}, averaging=mean_over_all_classes)
    assert released["mIoU"] == pytest.approx((2 / 5 + 1 / 2) / 124, abs=1e-15)


def test_pencil_and_paper_mvc():
    """Three pixels, four frames, windows of two: of the three windows the last one is left out.

    Frames 0-1: the truth lasts in pixels 0 and 1, the prediction in 0 and 2: 1/2. Frames 1-2: 0, 1, 2 and 0, 1: 2/3.
    """
    true = [[1, 2, 3], [1, 2, 4], [1, 2, 4], [9, 9, 9]]
    predicted = [[5, 6, 7], [5, 0, 7], [5, 0, 8], [5, 0, 8]]
    result = consistency({"v": (true, predicted)}, (2, 3, 4)).result().windows
    assert (result[2].mean, result[2].windows) == (pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-15), 2)
    assert (result[3].mean, result[3].windows) == (1 / 2, 1)
    assert (result[4].mean, result[4].windows) == (None, 0)


def test_mean_over_windows_not_over_videos():
    """One window of value 0, and three of value 1."""
    videos = {"a": ([[1]] * 3, [[1], [2], [3]]), "b": ([[1]] * 5, [[1]] * 5)}
    result = consistency(videos, (2,)).result()
    assert [single.windows[2].mean for single in result.per_video.values()] == [0, 1]
    assert result.windows[2].mean == 3 / 4


def test_window_without_lasting_truth_does_not_count():
    """Windows of two: 0 / 0, then 1 / 1, then the last one."""
    total = consistency({"v": ([[1], [2], [2], [2]], [[7]] * 4)}, (2,)).result().windows[2]
    assert (total.mean, total.windows, total.undefined) == (1, 1, 1)
    total = consistency({"v": ([[1], [2], [3]], [[7]] * 3)}, (2,)).result().windows[2]
    assert (total.mean, total.windows, total.undefined) == (None, 0, 1)


def test_void_is_a_label_over_time_and_its_two_values_differ():
    flat = segments([[3]])
    for values, windows in (((0, 0, 0), 1), ((255, 255, 255), 1), ((0, 255, 0), 0)):
        core = VideoConsistency((2,))
        for value in values:
            core.update("v", truth([[value]]).raw, flat.semantic)
        assert core.result().windows[2].windows == windows
    evaluator = SemanticEvaluator(CLASSES, windows=(2,))
    for value in (0, 255, 0):
        evaluator.update("v", SemanticTruth(truth([[value]]).semantic), flat)  # dataset ids know one void only
    assert evaluator.result()["mVC_2"] == 1


@pytest.mark.parametrize("windows", [(1, 2, 5), (8, 16), (3, 255), (300,)])
def test_mvc_equals_reading_every_window_again(windows):
    rng = np.random.default_rng(0)
    videos = {}
    for name, length in (("a", 30), ("b", 5), ("c", 330)):
        keep = rng.random((2, length, 40)) < 0.9
        keep[0, :, :9] = keep[1, :, :5] = True
        labels = rng.integers(0, 4, (2, length, 40))
        for time in range(1, length):
            labels[:, time] = np.where(keep[:, time], labels[:, time - 1], labels[:, time])
        videos[name] = tuple(labels)
    result = consistency(videos, windows).result().windows
    for n in windows:
        values = []
        for true, predicted in videos.values():
            for first in range(len(true) - n):
                lasts, both = ((a[first : first + n] == a[first]).all(0) for a in (true, predicted))
                if lasts.any():
                    values.append((lasts & both).sum() / lasts.sum())
        assert result[n].windows == len(values)
        assert result[n].mean == close(math.fsum(values) / len(values) if values else None, 1e-12)


def test_perfect_prediction_scores_exactly_one(drawn):
    result = evaluate({name: [(true, segments(true.semantic)) for true, _ in pairs] for name, pairs in drawn.items()})
    for scores in (result, *result["per_video"].values()):
        scores = {key: value for key, value in scores.items() if isinstance(value, float) and value is not None}
        assert scores == dict.fromkeys(scores, 1.0)
    assert result["mVC_16"] == 1
    assert result["per_video"]["11_b"]["mVC_16"] is None
    assert all(row["IoU"] in (1, None) for row in result["per_class"].values())


def test_any_prediction_will_do_on_void(drawn):
    def fill(pairs: list, value: int) -> list:
        filled = (np.where(true.semantic == VOID, value, predicted.semantic) for true, predicted in pairs)
        return [(true, segments(semantic)) for (true, _), semantic in zip(pairs, filled)]

    first, second = (evaluate({name: fill(pairs, v) for name, pairs in drawn.items()}) for v in (3, 100))
    assert first["mIoU"] == second["mIoU"]
    assert first["per_class"] == second["per_class"]


def test_constant_wrong_prediction_is_consistent(drawn):
    wrong = segments(np.full((24, 48), 123))
    result = evaluate({name: [(true, wrong) for true, _ in pairs] for name, pairs in drawn.items()})
    assert (result["mIoU"], result["mVC_8"], result["mVC_16"]) == (0, 1, 1)


def test_order_of_videos_does_not_matter(drawn):
    assert evaluate(dict(reversed(drawn.items()))) == evaluate(drawn)


def test_order_of_frames_does_not_matter_to_miou(drawn):
    def turned(pairs: list) -> list:
        return [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))]

    whole, shuffled = evaluate(drawn), evaluate({name: turned(pairs) for name, pairs in drawn.items()})
    for key in ("mIoU", "fwIoU", "pixel_acc", "class_acc", "per_class"):
        assert shuffled[key] == whole[key]
    assert shuffled["mVC_8"] != whole["mVC_8"]


@pytest.mark.parametrize("parts", [[["10_a"], ["11_b"]], [["11_b"], ["10_a"]], [[], ["10_a", "11_b"]]])
def test_merge_equals_one_evaluator(drawn, parts):
    merged = SemanticEvaluator(CLASSES)
    for names in parts:
        part = SemanticEvaluator(CLASSES)
        for name in names:
            for pair in drawn[name]:
                part.update(name, *pair)
        merged.merge(part)
    assert merged.result() == evaluate(drawn)


def test_interleaved_videos_and_questions_in_between_change_nothing(drawn):
    evaluator = SemanticEvaluator(CLASSES)
    for time in range(20):
        for name, pairs in drawn.items():
            if time < len(pairs):
                evaluator.update(name, *pairs[time])
                evaluator.result()
    assert evaluator.result() == evaluate(drawn)


def test_results_and_inputs_are_not_shared(drawn):
    evaluator = SemanticEvaluator(CLASSES, windows=(2,))
    raw, predicted = np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)
    for value in range(4):
        raw[:], predicted[:] = value % 2, 0  # one buffer for all frames, as a decoder may have it
        evaluator.update("v", SemanticTruth(np.zeros((2, 3), np.uint8), raw), segments(predicted))
    before, sums = evaluator.miou.result(), evaluator.consistency.result()
    assert sums.windows[2].undefined == 2
    evaluator.update("v", SemanticTruth(np.ones((2, 3), np.uint8)), segments(predicted))
    assert before.counters.frames == 4
    assert before.per_video["v"].counters.true.tolist()[:2] == [24, 0]
    assert sums.per_video["v"].windows[2].undefined == 2


def test_memory_does_not_grow_with_the_video(drawn):
    core = VideoConsistency((8, 16))
    true, predicted = drawn["10_a"][0]
    for _ in range(50):
        core.update("v", true.raw, predicted.semantic)
    history = core._open["v"]
    assert history._age.nbytes == history._labels.nbytes == 2 * true.raw.nbytes
    core.close("v")
    assert not core._open


def test_track_ids_do_not_matter():
    rng = np.random.default_rng(0)
    semantic = rng.integers(0, 5, (6, 8)).astype(np.uint8)
    tracked = SegmentMap(semantic, rng.integers(0, 9, (6, 8)).astype(np.int32))
    true = SemanticTruth(np.roll(semantic, 1))
    assert evaluate({"v": [(true, tracked)]}) == evaluate({"v": [(true, segments(semantic))]})
    core, plain = MeanIoU(CLASSES), MeanIoU(CLASSES)
    core.update("v", contingency(tracked, tracked))
    plain.update("v", contingency(segments(semantic), segments(semantic)))
    assert core.result().class_iou == plain.result().class_iou


@pytest.mark.parametrize("averaging", [mean_over_true_classes, mean_over_all_classes])
def test_nothing_to_judge_is_undefined(averaging):
    void = segments(np.full((2, 3), VOID))
    for videos in ({}, {"v": [(SemanticTruth(void.semantic), segments(np.zeros((2, 3))))]}):
        result = evaluate(videos, averaging=averaging)
        scores = [result[key] for key in ("mIoU", "mVC_8", "mVC_16", "pixel_acc", "class_acc", "fwIoU")]
        assert scores == [None] * 6
        assert "-" in format_semantic(result, CLASSES)


def test_video_in_two_evaluators_is_refused(drawn):
    parts = []
    for _ in range(2):
        parts.append(SemanticEvaluator(CLASSES))
        parts[-1].update("10_a", *drawn["10_a"][0])
    for core in (lambda e: e, lambda e: e.miou, lambda e: e.consistency):
        with pytest.raises(ValueError, match="'10_a' is in both evaluators"):
            core(parts[0]).merge(core(parts[1]))
    with pytest.raises(ValueError, match=r"windows \(2,\) cannot be merged into \(8, 16\)"):
        parts[0].merge(SemanticEvaluator(CLASSES, windows=(2,)))
    with pytest.raises(ValueError, match="at least one length"):
        VideoConsistency(())


def test_closed_and_merged_videos_are_refused(drawn):
    evaluator, merged = SemanticEvaluator(CLASSES), SemanticEvaluator(CLASSES)
    evaluator.update("10_a", *drawn["10_a"][0])
    merged.merge(evaluator)
    table, labels = contingency(segments([[0]]), segments([[0]])), np.zeros((24, 48), np.uint8)
    evaluator.close("10_a")
    for closed in (merged, evaluator):
        for update in (
            lambda e=closed: e.update("10_a", *drawn["10_a"][1]),
            lambda e=closed: e.miou.update("10_a", table),
            lambda e=closed: e.consistency.update("10_a", labels, labels),
        ):
            with pytest.raises(ValueError, match="'10_a' is closed"):
                update()


def test_merged_evaluator_stands_alone(drawn):
    evaluator, merged = SemanticEvaluator(CLASSES, windows=(2,)), SemanticEvaluator(CLASSES, windows=(2,))
    for pair in drawn["10_a"][:5]:
        evaluator.update("10_a", *pair)
    merged.merge(evaluator)
    before = merged.result()
    for pair in drawn["10_a"][5:]:
        evaluator.update("10_a", *pair)
    assert merged.result() == before
    assert evaluator.result()["per_video"]["10_a"]["frames"] == 20


def test_what_cannot_be_counted_is_named_and_leaves_no_trace(drawn):
    evaluator = SemanticEvaluator(CLASSES)
    evaluator.update("10_a", *drawn["10_a"][0])
    before = evaluator.result()
    small = segments(np.zeros((3, 4)))
    for pair, words in (
        ((drawn["10_a"][0][0], small), "differ in size"),
        ((SemanticTruth(small.semantic), small), r"'10_a': frame 1 is \(3, 4\), those before it \(24, 48\)"),
        ((SemanticTruth(small.semantic, np.zeros((5, 6))), small), r"truth is \(5, 6\), prediction \(3, 4\)"),
        ((drawn["10_a"][0][0], segments(np.full((24, 48), 124))), r"class 124 in the prediction is outside 0\.\.123"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluator.update("10_a", *pair)
    assert evaluator.result() == before


def test_report_as_text(drawn):
    result = evaluate(drawn)
    text = format_semantic(result, CLASSES)
    assert f"{100 * result['mIoU']:.2f}" in text
    assert f"{100 * result['mVC_16']:.2f}" in text
    assert "10_a" in text
    assert text.endswith(result["definition"])
    rows = text.split("\n\n")[0].splitlines()[1:-1]
    assert len(rows) == sum(row["IoU"] is not None for row in result["per_class"].values())
