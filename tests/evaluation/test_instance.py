"""AP of tracks: reference values, pencil and paper, and properties that hold whatever the data."""

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from tools.benchmarks.video_ap import main as benchmark
from video_knet.evaluation.instance import AREAS, VideoAP
from video_knet.evaluation.track_overlaps import intersections, sum_overlaps
from video_knet.formats.coding.rle import decode_runs, encode_masks
from video_knet.formats.coding.tracks import PredictedTrack, TrackTruth, VideoEntry, by_video, true_track
from video_knet.formats.youtube_vis import YouTubeVIS

ROOT = Path(__file__).parents[1] / "golden" / "metrics" / "ytvis"
CASES = sorted(path.stem for path in ROOT.glob("*.json"))
SCORES = ("AP", "AP50", "AP75", "AR1", "AR10", "AR100")
SUFFIXED = tuple(f"{name}_{area}" for name in ("AP", "AR") for area in ("small", "medium", "large"))


def read(case: str, folder: Path) -> tuple[dict, TrackTruth, list[PredictedTrack]]:
    data = json.loads((ROOT / f"{case}.json").read_text())
    (folder / "truth.json").write_text(json.dumps(data["gt"]))
    (folder / "results.json").write_text(json.dumps(data["predictions"]))
    truth = YouTubeVIS().read_truth(folder / "truth.json")
    return data, truth, YouTubeVIS().read_predictions(folder / "results.json", truth)


def evaluate(truth: TrackTruth, predictions: list[PredictedTrack], videos: list[int] | None = None) -> VideoAP:
    evaluator = VideoAP(truth.categories)
    true, predicted = by_video(truth.tracks), by_video(predictions)
    for video in truth.videos if videos is None else videos:
        evaluator.update(truth.videos[video], true.get(video, []), predicted.get(video, []))
    return evaluator


def entry(number: int = 1, frames: int = 1, size: tuple[int, int] = (1, 100)) -> VideoEntry:
    names = tuple(f"v{number}/{i:05d}.jpg" for i in range(frames))
    return VideoEntry(number, f"v{number}", size[1], size[0], frames, names)


def line(*spans: tuple[int, int], size: tuple[int, int] = (1, 100)) -> np.ndarray:
    """(T, H, W) bool, frame t set from one column to another."""
    masks = np.zeros((len(spans), *size), bool)
    for mask, (begin, end) in zip(masks, spans):
        mask[:, begin:end] = True
    return masks


def predict(score: float, *spans: tuple[int, int], video: int = 1, category: int = 1, size=(1, 100)) -> PredictedTrack:
    return PredictedTrack(video, category, score, encode_masks(line(*spans, size=size)))


def score(truths: list, predictions: list, video: VideoEntry | None = None, categories: dict | None = None) -> dict:
    evaluator = VideoAP(categories or {1: "cat"})
    evaluator.update(video or entry(), truths, predictions)
    return evaluator.result()


@pytest.fixture(scope="module")
def drawn() -> tuple[TrackTruth, list[PredictedTrack]]:
    """Six videos of random boxes, two categories, a crowd; scores are distinct."""
    rng = np.random.default_rng(0)
    size, frames = (24, 40), 4
    videos = {i: entry(i, frames, size) for i in range(1, 7)}
    truths, predictions = [], []
    for video in videos.values():
        for _ in range(4):
            masks = np.zeros((frames, *size), bool)
            for mask in masks[rng.integers(2) :]:
                y, x, h, w = rng.integers((0, 0, 4, 4), (12, 20, 12, 20))
                mask[y : y + h, x : x + w] = True
            category = int(rng.integers(1, 3))
            truths.append(true_track(video, category, masks, crowd=rng.random() < 0.2, number=len(truths) + 1))
            for _ in range(3):
                moved = np.roll(masks, rng.integers(-2, 3, 2), (1, 2))
                predictions.append(PredictedTrack(video.id, category, rng.random(), encode_masks(moved)))
    return TrackTruth(videos, {1: "cat", 2: "dog", 3: "cow"}, tuple(truths)), predictions


@pytest.mark.parametrize("case", CASES)
def test_golden(case, tmp_path):
    data, truth, predictions = read(case, tmp_path)
    result = evaluate(truth, predictions).result()
    for run in data["runs"]:
        assert run["expected"]["stats"].keys() == {*SCORES, *SUFFIXED}
        for name, wanted in run["expected"]["stats"].items():
            assert result[name] == (None if wanted == -1 else pytest.approx(wanted, abs=1e-9)), name
        for row in run["expected"].get("per_category", []):
            found = result["per_class"][truth.categories[row["category_id"]]]
            for name in SCORES:
                wanted = row[name]
                assert found[name] == (None if wanted is None else pytest.approx(wanted, abs=1e-9)), name


@pytest.mark.parametrize("case", CASES)
def test_golden_thresholds_and_ious(case, tmp_path):
    data, truth, predictions = read(case, tmp_path)
    scores = evaluate(truth, predictions).category_scores()
    wanted = data["runs"][0]["expected"]
    for row in wanted["per_category"]:
        if row["AP_by_iou"] is not None:
            assert scores[row["category_id"]].ap["all"] == pytest.approx(row["AP_by_iou"], abs=1e-9)
    for matrix in wanted["iou_matrices"]:
        video, category = truth.videos[matrix["video_id"]], matrix["category_id"]
        true = [t for t in truth.tracks if (t.video_id, t.category_id) == (video.id, category)]
        found = [p for p in predictions if (p.video_id, p.category_id) == (video.id, category)]
        overlaps = sum_overlaps(video, true, sorted(found, key=lambda p: -p.score))
        union = overlaps.predicted[:, None] + overlaps.true - overlaps.shared
        np.testing.assert_allclose(overlaps.shared / union, matrix["iou"], rtol=0, atol=1e-12)


def test_pencil_and_paper(tmp_path):
    """Two truths; by score the predictions have IoU 14/16 with the first, nothing, 4/6 with the second."""
    _, truth, predictions = read("y00_tiny", tmp_path)
    result = evaluate(truth, predictions).result()
    both = (51 * 1 + 50 * 2 / 3) / 101  # thresholds 0.50 to 0.65
    first = 51 / 101  # 0.70 to 0.85
    assert result["AP"] == pytest.approx((4 * both + 4 * first) / 10, abs=1e-15)
    assert (result["AP50"], result["AP75"]) == (pytest.approx(both, abs=1e-15), pytest.approx(first, abs=1e-15))
    assert result["AR1"] == pytest.approx(8 * 0.5 / 10, abs=1e-15)
    assert result["AR10"] == pytest.approx((4 * 1 + 4 * 0.5) / 10, abs=1e-15)
    assert result["per_video"] == {"v1": {"frames": 2, "truth_tracks": 2, "predictions": 3, "AP": result["AP"]}}


def test_iou_sums_over_frames_also_where_one_track_is_unseen():
    truth = true_track(entry(frames=3), 1, line((0, 10), (0, 0), (0, 10)))
    predicted = predict(0.9, (0, 10), (0, 2), (0, 8))
    overlaps = sum_overlaps(entry(frames=3), [truth], [predicted])
    assert (overlaps.shared, overlaps.predicted, overlaps.true, overlaps.visible) == (18, 20, 20, 3)
    result = score([truth], [predicted], entry(frames=3))
    assert result["AP"] == 7 / 10  # 18/22 = 0.818: thresholds 0.50 to 0.80


@pytest.mark.parametrize(("pixels", "matched"), [(74, 5), (75, 6), (100, 10)])
def test_iou_at_the_threshold_is_a_match(pixels, matched):
    result = score([true_track(entry(), 1, line((0, 100)))], [predict(0.5, (0, pixels))])
    assert result["AP"] == matched / 10


def test_equal_ious_take_the_later_truth():
    """The first prediction fits both truths alike, the second only the early one."""
    early, late = true_track(entry(), 1, line((0, 20))), true_track(entry(), 1, line((10, 30)), number=2)
    middle, second = predict(0.9, (5, 25)), predict(0.8, (0, 20))
    assert score([early, late], [middle, second])["AP50"] == 1
    assert score([late, early], [middle, second])["AP50"] == pytest.approx(51 / 101)


def test_crowd_is_ignored_and_never_used_up():
    truth = true_track(entry(), 1, line((0, 20)))
    crowd = true_track(entry(), 1, line((50, 80)), crowd=True, number=2)
    on_crowd = [predict(0.9, (50, 80)), predict(0.8, (50, 79))]
    assert score([truth, crowd], [*on_crowd, predict(0.5, (0, 20))])["AP50"] == 1
    assert score([truth], [*on_crowd, predict(0.5, (0, 20))])["AP50"] == pytest.approx(1 / 3)
    only = score([crowd], on_crowd)
    assert (only["AP"], only["AR100"], only["per_class"]["cat"]["AP"]) == (None, None, None)


def test_crowd_is_judged_by_plain_iou_and_after_all_others():
    crowd = true_track(entry(), 1, line((0, 100)), crowd=True)
    truth = true_track(entry(), 1, line((0, 60)), number=2)
    inside = predict(0.9, (0, 40))  # all of it on the crowd, but IoU 0.4
    assert score([crowd, true_track(entry(), 1, line((80, 90)), number=2)], [inside])["AR100"] == 0
    whole = predict(0.9, (0, 100))  # IoU 1 with the crowd, 0.6 with the truth: at 0.50 to 0.60 the truth is preferred
    assert score([crowd, truth], [whole])["AP"] == pytest.approx(3 / 10)


def test_100_predictions_of_a_category_in_a_video():
    false = [predict(0.9, (90, 95))] * 100
    truth = true_track(entry(), 1, line((0, 20)))
    assert score([truth], [*false[1:], predict(0.5, (0, 20))])["AR100"] == 1
    result = score([truth], [*false, predict(0.5, (0, 20))])
    assert (result["AR100"], result["AP"]) == (0, 0)
    other = [replace(p, category_id=2) for p in false]
    result = score([truth], [*other, predict(0.5, (0, 20))], categories={1: "cat", 2: "dog"})
    assert (result["AP"], result["AR1"]) == (1, 1)


def test_best_n_count_for_each_category_and_video():
    truths = [true_track(entry(), 1, line((20 * i, 20 * i + 10)), number=i + 1) for i in range(4)]
    result = score(truths, [predict(0.9 - i / 10, (20 * i, 20 * i + 10)) for i in range(4)])
    assert (result["AR1"], result["AR10"], result["AR100"], result["AP"]) == (0.25, 1, 1, 1)


def test_areas_come_from_the_file_for_truths_and_from_masks_for_predictions():
    video, size = entry(frames=3, size=(200, 400)), (200, 400)
    spans = (0, 100), (0, 0), (0, 300)  # 20000 and 60000 pixels: 40000 on average, medium
    truth, predicted = true_track(video, 1, line(*spans, size=size)), predict(0.9, *spans, size=size)
    false = predict(0.95, (300, 399), (0, 0), (0, 0), size=size)  # 19800 pixels, medium
    result = score([truth], [predicted, false], video)
    assert (result["AP"], result["AP_medium"], result["AR_medium"]) == (0.5, 0.5, 1)
    assert result["AP_small"] is result["AR_large"] is None
    large = score([replace(truth, areas=(70000, None, 70000.5))], [predicted, false], video)
    assert (large["AP_medium"], large["AP_large"], large["AR_large"]) == (None, 1, 1)  # `false` is outside: ignored


def test_ends_of_area_ranges_belong_to_both():
    truth = replace(true_track(entry(), 1, line((0, 10))), areas=(128**2,))
    result = score([truth], [predict(0.5, (0, 10))])
    assert (result["AP_small"], result["AP_medium"], result["AP_large"]) == (1, 1, None)


def test_category_without_truth_is_left_out():
    truth = true_track(entry(), 1, line((0, 10)))
    predictions = [predict(0.5, (0, 10)), predict(0.9, (0, 10), category=2)]
    result = score([truth], predictions, categories={1: "cat", 2: "dog"})
    assert (result["AP"], result["per_class"]["cat"]["AP"], result["per_class"]["dog"]["AP"]) == (1, 1, None)


def test_nothing_predicted_scores_zero_and_nothing_annotated_is_undefined():
    result = score([true_track(entry(), 1, line((0, 10)))], [])
    assert [result[name] for name in SCORES] == [0] * 6
    for result in (score([], [predict(0.5, (0, 10))]), VideoAP({1: "cat"}).result()):
        assert [result[name] for name in (*SCORES, *SUFFIXED)] == [None] * 12


def test_truth_without_pixels_is_never_found():
    result = score([true_track(entry(), 1, line((0, 0)))], [predict(0.5, (0, 0))])
    assert (result["AP"], result["AP_small"]) == (0, 0)


def test_perfect_prediction_scores_exactly_one(drawn):
    truth, _ = drawn
    rng = np.random.default_rng(0)
    perfect = [PredictedTrack(t.video_id, t.category_id, rng.random(), t.segmentations) for t in truth.tracks]
    result = evaluate(truth, perfect).result()
    assert (result["AP"], result["AP50"], result["AP75"], result["AR100"]) == (1, 1, 1, 1)
    assert {video["AP"] for video in result["per_video"].values()} <= {1, None}


def test_order_of_predictions_and_videos_does_not_matter(drawn):
    truth, predictions = drawn
    whole = evaluate(truth, predictions).result()
    assert 0 < whole["AP"] < 1
    for seed in range(3):
        rng = np.random.default_rng(seed)
        mixed = [predictions[i] for i in rng.permutation(len(predictions))]
        assert evaluate(truth, mixed, rng.permutation(list(truth.videos)).tolist()).result() == whole


def test_any_split_and_merge_equals_one_evaluator_also_with_ties(drawn):
    truth, predictions = drawn
    tied = [replace(p, score=round(p.score, 1)) for p in predictions]
    whole = evaluate(truth, tied).result()
    for parts in (*permutations([[1, 2], [3], [4, 5, 6]]), [[6], [5], [4], [3], [2], [1]], [[], [3, 1, 6, 2, 5, 4]]):
        merged = VideoAP(truth.categories)
        for videos in parts:
            merged.merge(evaluate(truth, tied, videos))
        assert merged.result() == whole


def test_equal_scores_rank_by_video_id():
    """One right, one wrong prediction of the same score in two videos: the lower id comes first."""
    right, wrong = (0, 10), (50, 60)
    for first, expected in ((right, 1.0), (wrong, 0.5)):
        evaluator = VideoAP({1: "cat"})
        second = wrong if first == right else right
        for video, span in ((2, second), (1, first)):
            truths = [true_track(entry(video), 1, line(right), number=video)] if span == right else []
            evaluator.update(entry(video), truths, [predict(0.5, span, video=video)])
        assert evaluator.result()["AP"] == expected


def test_result_is_json_and_says_its_definition(drawn):
    result = evaluate(*drawn).result()
    assert set(result) == {*SCORES, *SUFFIXED, "per_class", "per_video", "definition"}
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result["per_class"]) == ["cat", "dog", "cow"]


def test_only_verdicts_are_kept(drawn):
    kept = evaluate(*drawn)._videos
    for video in kept.values():
        for matches in video.matches.values():
            assert matches.verdicts.dtype == np.int8
            assert matches.verdicts.shape == (len(AREAS), 10, len(matches.scores))


def test_what_does_not_fit_is_refused(drawn):
    truth, predictions = drawn
    evaluator = evaluate(truth, predictions, [1])
    with pytest.raises(ValueError, match=r"video 1 .* was added before"):
        evaluator.update(truth.videos[1], [], [])
    with pytest.raises(ValueError, match="video 1 is in both evaluators"):
        evaluator.merge(evaluate(truth, predictions, [1]))
    with pytest.raises(ValueError, match="different categories"):
        evaluator.merge(VideoAP({1: "cat"}))
    with pytest.raises(ValueError, match="a track of video 1 is given for video 2"):
        evaluator.update(truth.videos[2], [], predictions[:1])
    with pytest.raises(ValueError, match="category 9 is not among"):
        evaluator.update(truth.videos[2], [], [replace(predictions[0], video_id=2, category_id=9)])
    short = replace(predictions[0], video_id=2, segmentations=predictions[0].segmentations[:3])
    with pytest.raises(ValueError, match="has 3 masks for 4 frames"):
        evaluator.update(truth.videos[2], [], [short])
    with pytest.raises(ValueError, match=r"size is \[24, 40\] \(H, W\), that of the video \[24, 41\]"):
        evaluator.update(replace(truth.videos[2], width=41), [], [replace(predictions[0], video_id=2)])


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 33)])
def test_intersections_equal_counting_pixels(density, size):
    rng = np.random.default_rng(0)
    masks = rng.random((25, *size)) < density * rng.random((25, 1, 1)) * 2
    masks[[3, 17]] = False
    rles = encode_masks(masks)
    for split in (0, 1, 9, 25):
        true, predicted = (decode_runs(part, size) for part in (rles[:split], rles[split:]))
        flat = masks.reshape(25, -1).astype(int)
        assert (intersections(true, predicted) == flat[split:] @ flat[:split].T).all()
        assert true.areas().tolist() == flat[:split].sum(1).tolist()


def test_intersections_of_many_pixels_are_exact():
    """Above 2 ** 24 pixels float32 could not count them, and only two truths fit into a word."""
    size = (6000, 6000)
    rles = [{"size": list(size), "counts": [begin, end - begin, 36000000 - end]} for begin, end in
            ((0, 35999999), (1, 36000000), (5, 30000006), (17, 18))]  # fmt: skip
    runs = decode_runs(rles, size)
    found = intersections(runs.part(0, 3), runs)
    assert found.tolist() == [
        [35999999, 35999998, 30000001],
        [35999998, 35999999, 30000001],
        [30000001, 30000001, 30000001],
        [1, 1, 1],
    ]


def test_benchmark(tmp_path, capsys):
    small = ["--frames", "2", "--tracks", "2", "--detections", "4", "--size", "24", "32", "--repeats", "1"]
    assert benchmark([*small, "--limit", "0", "--json", str(tmp_path / "figures.json")]) == 0
    assert json.loads((tmp_path / "figures.json").read_text())["speedup"] > 0
    assert "times as fast" in capsys.readouterr().out
    assert benchmark([*small, "--limit", "1e9"]) == 1
