"""STQ and VPQ: reference values, pencil and paper, and properties that hold whatever the data."""

import numpy as np
import pytest

from video_knet.evaluation import STQ, VPQ, PanopticEvaluator, contingency
from video_knet.formats import VOID, KittiStep, SegmentMap
from video_knet.synthetic import World

from .golden import CASES, assert_stq, assert_vpq, expected, videos

CLASSES = KittiStep.classes


def evaluate(frames: dict) -> dict:
    evaluator = PanopticEvaluator(CLASSES)
    for video, pairs in frames.items():
        for truth, prediction in pairs:
            evaluator.update(video, truth, prediction)
        evaluator.close(video)
    return evaluator.result()


@pytest.fixture(scope="module")
def drawn() -> dict:
    """Two videos with a wrong prediction: everything moved by two pixels, one class renamed, some of it void."""
    found = {}
    for index, name in enumerate(("0002", "0006")):
        pairs = []
        for _, truth in World(CLASSES, (48, 96), frames=6, seed=1).video(index, "val"):
            semantic, track = (np.roll(a, 2, 1) for a in (truth.semantic, truth.track))
            semantic, track = np.where(semantic == 8, 2, semantic).astype(np.uint8), track + (track > 3)
            semantic[:5, :5] = VOID
            pairs.append((truth, SegmentMap(semantic, track)))
        found[name] = pairs
    return found


@pytest.mark.parametrize("case", CASES)
def test_golden(case):
    result = evaluate(videos(case))
    assert_stq(result, expected(case, "stq_int_counters"), CLASSES.names)
    assert_vpq(result, expected(case, "vpq_deeplab2_tf"), CLASSES.names)


@pytest.mark.parametrize("case", CASES)
def test_golden_tubes(case):
    wanted = expected(case, "stq_int_counters")
    core, windows = STQ(CLASSES), VPQ(CLASSES)
    for name, pairs in videos(case).items():
        for pair in pairs:
            core.update(name, contingency(*pair))
            windows.update(name, contingency(*pair))
    assert core.result().tubes == len(wanted["gt_tubes"])
    for k, window in expected(case, "vpq_deeplab2_tf").items():
        assert windows.result().windows[int(k)].counters.windows == (window["windows"] if window else 0)


def test_pencil_and_paper():
    """Two frames of 2x6: a car hit twice under two ids, a crowd pixel, a true and a predicted void pixel."""
    result = evaluate(videos("k00_tiny"))
    assert result["AQ"] == pytest.approx((4 * 4 / 9 + 4 * 4 / 9) / 8, abs=1e-15)
    assert result["SQ"] == pytest.approx((6 / 7 + 9 / 10 + 0) / 3, abs=1e-15)
    assert result["VPQ_1"] == pytest.approx((1.75 / 2 + 1.6 / 2.5) / 2, abs=1e-15)
    assert result["VPQ_1_things"] == pytest.approx(0.64, abs=1e-15)
    assert result["VPQ_1_stuff"] == pytest.approx(0.875, abs=1e-15)
    assert result["VPQ_2"] == pytest.approx((12 / 14 + 0) / 2, abs=1e-15)
    assert result["VPQ_3"] is None
    assert result["VPQ"] is None


def test_iou_of_one_half_is_no_match():
    truth = SegmentMap(np.zeros((1, 4), np.uint8), np.zeros((1, 4), np.int32))
    half = SegmentMap(np.array([[0, 0, 1, 1]], np.uint8), truth.track)
    row = evaluate({"0000": [(truth, half)]})["per_class"]["road"]
    assert (row["tp_1"], row["fn_1"], row["fp_1"]) == (0, 1, 1)


def test_half_on_void_is_still_false_positive():
    truth = SegmentMap(np.array([[VOID, VOID, 0, 0]], np.uint8), np.zeros((1, 4), np.int32))
    for columns, false in ((4, 1), (3, 0)):
        semantic = np.where(np.arange(4) < columns, 1, 0)[None].astype(np.uint8)
        row = evaluate({"0000": [(truth, SegmentMap(semantic, truth.track))]})["per_class"]["sidewalk"]
        assert row["fp_1"] == false


def test_only_void_without_id_forgives():
    """deeplab2's reading: true void that bears an id is no segment, but neither union nor FP rule knows it."""
    semantic = np.array([[VOID, VOID, VOID, 0]], np.uint8)
    predicted = SegmentMap(np.array([[1, 1, 1, 0]], np.uint8), np.zeros((1, 4), np.int32))
    for track, false in ((0, 0), (7, 1)):
        truth = SegmentMap(semantic, np.array([[track, track, track, 0]], np.int32))
        assert evaluate({"0000": [(truth, predicted)]})["per_class"]["sidewalk"]["fp_1"] == false


def test_perfect_prediction_scores_exactly_one(drawn):
    result = evaluate({name: [(truth, truth) for truth, _ in pairs] for name, pairs in drawn.items()})
    scores = {key: value for key, value in result.items() if not isinstance(value, dict | str)}
    assert scores == dict.fromkeys(scores, 1.0)


def test_predicted_ids_have_no_meaning(drawn):
    def rename(segments: SegmentMap) -> SegmentMap:
        names = np.random.default_rng(0).permutation(1000)
        return SegmentMap(segments.semantic, np.where(segments.track > 0, 1 + names[segments.track], 0))

    renamed = {name: [(truth, rename(pred)) for truth, pred in pairs] for name, pairs in drawn.items()}
    assert evaluate(renamed) == evaluate(drawn)


def test_order_of_videos_does_not_matter(drawn):
    assert evaluate(dict(reversed(drawn.items()))) == evaluate(drawn)


def test_order_of_frames_does_not_matter_to_stq_and_vpq_1(drawn):
    turned = evaluate({name: [pairs[i] for i in (3, 0, 5, 1, 2, 4)] for name, pairs in drawn.items()})
    whole = evaluate(drawn)
    for key in ("STQ", "AQ", "SQ", "VPQ_1", "VPQ_1_things", "VPQ_1_stuff"):
        assert turned[key] == whole[key]
    assert turned["VPQ_4"] != whole["VPQ_4"]


@pytest.mark.parametrize("parts", [[["0002"], ["0006"]], [["0006"], ["0002"]], [[], ["0002", "0006"]]])
def test_merge_equals_one_evaluator(drawn, parts):
    merged = PanopticEvaluator(CLASSES)
    for names in parts:
        part = PanopticEvaluator(CLASSES)
        for name in names:
            for truth, prediction in drawn[name]:
                part.update(name, truth, prediction)
        merged.merge(part)
    assert merged.result() == evaluate(drawn)


def test_interleaved_videos_equal_one_after_the_other(drawn):
    evaluator = PanopticEvaluator(CLASSES)
    for frames in zip(*drawn.values()):
        for name, (truth, prediction) in zip(drawn, frames):
            evaluator.update(name, truth, prediction)
    assert evaluator.result() == evaluate(drawn)


def test_result_can_be_asked_at_any_time(drawn):
    evaluator = PanopticEvaluator(CLASSES)
    for name, pairs in drawn.items():
        for truth, prediction in pairs:
            evaluator.update(name, truth, prediction)
            evaluator.result()
    assert evaluator.result() == evaluate(drawn)


def test_video_in_two_evaluators_is_refused(drawn):
    parts = []
    for _ in range(2):
        parts.append(PanopticEvaluator(CLASSES))
        parts[-1].update("0002", *drawn["0002"][0])
    with pytest.raises(ValueError, match="'0002' is in both evaluators"):
        parts[0].merge(parts[1])


def test_closed_video_is_refused(drawn):
    evaluator = PanopticEvaluator(CLASSES)
    evaluator.update("0002", *drawn["0002"][0])
    evaluator.close("0002")
    with pytest.raises(ValueError, match="'0002' is closed"):
        evaluator.update("0002", *drawn["0002"][1])


def test_nothing_to_judge_is_undefined():
    void = SegmentMap(np.full((2, 3), VOID, np.uint8), np.zeros((2, 3), np.int32))
    for result in (evaluate({}), evaluate({"0000": [(void, void)]})):
        assert result["STQ"] is result["SQ"] is result["VPQ_1"] is None
        assert result["AQ"] == 0


def test_long_video_keeps_few_tables(drawn):
    core = VPQ(CLASSES)
    table = contingency(*drawn["0002"][0])
    for _ in range(50):
        core.update("0002", table)
    assert len(core._recent["0002"]) == 3


def test_many_frames_are_summed_up_exactly():
    """More pairs than wait before they are summed: counts equal those of one wide frame."""
    rng = np.random.default_rng(0)
    core, tubes = STQ(CLASSES), rng.integers(1, 60, (120, 20, 50)).astype(np.int32)
    cars = np.full((20, 50), 13, np.uint8)
    for track in tubes:
        core.update("0000", contingency(SegmentMap(cars, track), SegmentMap(cars, track[::-1])))
    whole, wide = STQ(CLASSES), np.full((2400, 50), 13, np.uint8)
    maps = (SegmentMap(wide, t.reshape(2400, 50)) for t in (tubes, tubes[:, ::-1]))
    whole.update("0000", contingency(*maps))
    assert core.result().aq == whole.result().aq


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (7, 5), (30, 40)])
def test_contingency_equals_counting_one_by_one(shape):
    rng = np.random.default_rng(0)
    maps = [
        SegmentMap(rng.choice([0, 13, 255], shape).astype(np.uint8), rng.integers(0, 3, shape).astype(np.int32))
        for _ in range(2)
    ]
    counted: dict = {}
    for pixel in zip(*(a.ravel().tolist() for m in maps for a in (m.semantic, m.track))):
        counted[pixel] = counted.get(pixel, 0) + 1
    table = contingency(*maps)
    keys = [(t >> 24, t & 0xFFFFFF, p >> 24, p & 0xFFFFFF) for t, p in zip(table.truth, table.prediction)]
    assert dict(zip(keys, table.counts.tolist())) == counted
    assert keys == sorted(counted)


def test_what_cannot_be_counted_is_named(drawn):
    truth = drawn["0002"][0][0]
    with pytest.raises(ValueError, match="differ in size"):
        contingency(truth, SegmentMap(truth.semantic[1:], truth.track[1:]))
    with pytest.raises(ValueError, match=r"track id -1 is outside 0\.\."):
        contingency(truth, SegmentMap(truth.semantic, truth.track - 1))
    with pytest.raises(ValueError, match=r"class 19 in the prediction is outside 0\.\.18"):
        evaluate({"0000": [(truth, SegmentMap(np.full_like(truth.semantic, 19), truth.track))]})
