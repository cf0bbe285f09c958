"""PQ of images: panopticapi's algorithm written out pixel by pixel, pencil and paper, and properties."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest

from video_knet.evaluation.image_panoptic import ImagePanopticEvaluator
from video_knet.formats import VOID, ClassTable, SegmentMap

CLASSES = ClassTable(("cat", "grass", "dog", "sky"), (0, 2), ((1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0)))


def reference(pairs: list[tuple[SegmentMap, SegmentMap]], classes: ClassTable) -> dict[str, list[float]]:
    """PQ, SQ and RQ of each class as panopticapi computes them from lists of segments; NaN where there is none."""
    iou, tp, fp, fn = (Counter() for _ in range(4))
    for truth, prediction in pairs:
        pixels = list(zip(*(a.ravel().tolist() for a in (truth.semantic, truth.track))))
        predicted = list(zip(*(a.ravel().tolist() for a in (prediction.semantic, prediction.track))))
        true_area, area, shared = Counter(pixels), Counter(predicted), Counter(zip(pixels, predicted))
        void = (VOID, 0)
        true_segments, segments = ([s for s in areas if s[0] != VOID] for areas in (true_area, area))
        crowds = {s[0]: s for s in true_segments if s[0] in classes.thing_ids and s[1] == 0}
        matched_true, matched = set(), set()
        for (g, p), inter in shared.items():
            if g not in true_segments or p not in segments or g in crowds.values() or g[0] != p[0]:
                continue
            union = area[p] + true_area[g] - inter - shared[void, p]
            if inter / union > 0.5:
                tp[g[0]] += 1
                iou[g[0]] += inter / union
                matched_true.add(g)
                matched.add(p)
        for g in true_segments:
            fn[g[0]] += g not in matched_true and g not in crowds.values()
        for p in segments:
            excused = shared[void, p] + (shared[crowds[p[0]], p] if p[0] in crowds else 0)
            fp[p[0]] += p not in matched and excused / area[p] <= 0.5
    found = {"PQ": [], "SQ": [], "RQ": []}
    for c in range(len(classes.names)):
        n = tp[c] + fp[c] / 2 + fn[c] / 2
        found["PQ"].append(iou[c] / n if n else np.nan)
        found["SQ"].append((iou[c] / tp[c] if tp[c] else 0) if n else np.nan)
        found["RQ"].append(tp[c] / n if n else np.nan)
    return found


def blocks(rng: np.random.Generator, size: tuple[int, int] = (12, 16)) -> SegmentMap:
    """Rectangles of any class and track over each other; some void and, where it is a thing, some crowd."""
    semantic, track = np.full(size, VOID, np.uint8), np.zeros(size, np.int32)
    for _ in range(rng.integers(1, 12)):
        (top, left), (height, width) = rng.integers(0, size), rng.integers(1, 10, 2)
        where = np.s_[top : top + height, left : left + width]
        semantic[where] = rng.choice([0, 1, 2, 3, VOID], p=[0.3, 0.15, 0.3, 0.15, 0.1])
        track[where] = rng.integers(0, 4)
    track[~np.isin(semantic, CLASSES.thing_ids)] = 0
    return SegmentMap(semantic, track)


def disturbed(truth: SegmentMap, rng: np.random.Generator) -> SegmentMap:
    """A prediction that is right in parts."""
    shift = tuple(rng.integers(-1, 2, 2))
    semantic, track = (np.roll(a, shift, (0, 1)) for a in (truth.semantic, truth.track))
    other = blocks(rng, truth.semantic.shape)
    where = np.zeros(truth.semantic.shape, bool)
    where[rng.integers(0, 12) :, : rng.integers(1, 16)] = rng.random() < 0.5
    return SegmentMap(np.where(where, other.semantic, semantic), np.where(where, other.track, track))


def measure(pairs, classes: ClassTable = CLASSES) -> dict:
    evaluator = ImagePanopticEvaluator(classes)
    for index, pair in enumerate(pairs):
        evaluator.update(str(index), *pair)
    return evaluator.result()


@pytest.fixture(scope="module")
def pairs() -> list[tuple[SegmentMap, SegmentMap]]:
    rng = np.random.default_rng(0)
    truths = [blocks(rng) for _ in range(200)]
    return [(truth, disturbed(truth, rng)) for truth in truths]


def assert_as_reference(result: dict, wanted: dict[str, list[float]], classes: ClassTable) -> None:
    for quality, values in wanted.items():
        got = [np.nan if row[quality] is None else row[quality] for row in result["per_class"].values()]
        np.testing.assert_allclose(got, values, rtol=0, atol=1e-12)
        for suffix, ids in (("", range(len(values))), ("_things", classes.thing_ids), ("_stuff", classes.stuff_ids)):
            of_kind = [values[i] for i in ids if not np.isnan(values[i])]
            mean = np.mean(of_kind) if of_kind else None
            assert result[quality + suffix] == (mean if mean is None else pytest.approx(mean, abs=1e-12))


def test_equals_the_definition(pairs):
    """All images together, and each alone."""
    result = measure(pairs)
    assert_as_reference(result, reference(pairs, CLASSES), CLASSES)
    assert 0.2 < result["PQ"] < 0.8
    for pair in pairs:
        assert_as_reference(measure([pair]), reference([pair], CLASSES), CLASSES)


def test_cases_meet_crowd_and_void(pairs):
    """Forgiving changes the numbers of the cases, or the comparison would not show it."""
    plain = [
        (SegmentMap(t.semantic, np.where((t.track == 0) & np.isin(t.semantic, (0, 2)), 9, t.track)), p)
        for t, p in pairs
    ]
    assert reference(plain, CLASSES)["PQ"][0] != reference(pairs, CLASSES)["PQ"][0]
    filled = [(SegmentMap(np.where(t.semantic == VOID, 1, t.semantic).astype(np.uint8), t.track), p) for t, p in pairs]
    assert reference(filled, CLASSES)["PQ"][2] != reference(pairs, CLASSES)["PQ"][2]


def row(values: list[tuple[int, int]]) -> SegmentMap:
    semantic, track = np.array(values).T[:, None]
    return SegmentMap(semantic.astype(np.uint8), track.astype(np.int32))


def test_pencil_and_paper():
    """Cat 1 has four pixels, three of them found together with one of void: IoU 3/4. A cat on the crowd of cats is
    forgiven, a dog there is not; a cat half on crowd is false."""
    cat, crowd, void, dog, grass = (0, 1), (0, 0), (VOID, 0), (2, 1), (1, 0)
    truth = row([cat] * 4 + [void] + [crowd] * 5 + [grass] * 4)
    predicted = row([(0, 5)] * 3 + [void] + [(0, 5)] + [(0, 6)] * 2 + [dog] * 2 + [(0, 7)] * 2 + [grass] * 3)
    result = measure([(truth, predicted)])
    cats, dogs, grasses = (result["per_class"][name] for name in ("cat", "dog", "grass"))
    assert [cats[k] for k in ("tp", "fp", "fn", "SQ", "RQ", "PQ")] == [1, 1, 0, 0.75, 1 / 1.5, 0.5]
    assert [dogs[k] for k in ("tp", "fp", "fn", "SQ", "RQ", "PQ")] == [0, 1, 0, 0, 0, 0]
    assert [grasses[k] for k in ("tp", "fp", "fn", "PQ")] == [1, 0, 0, 0.75]
    assert result["per_class"]["sky"]["PQ"] is None
    assert result["PQ"] == pytest.approx((0.5 + 0 + 0.75) / 3, abs=1e-15)
    assert (result["PQ_things"], result["PQ_stuff"], result["images"]) == (0.25, 0.75, 1)
    assert result["mIoU"] == pytest.approx((6 / 10 + 3 / 4) / 2, abs=1e-15)  # dog has no true pixel


def test_only_a_crowd_is_undefined():
    truth = row([(0, 0)] * 4)
    for predicted in (row([(0, 1)] * 4), row([(0, 1), (0, 2), (0, 3), (0, 3)]), row([(VOID, 0)] * 4)):
        assert measure([(truth, predicted)])["PQ"] is None
    assert measure([])["PQ"] is measure([])["mIoU"] is None


def test_perfect_prediction_scores_exactly_one(pairs):
    result = measure([(truth, truth) for truth, _ in pairs])
    scores = {key: value for key, value in result.items() if isinstance(value, float)}
    assert len(scores) == 10
    assert scores == dict.fromkeys(scores, 1.0)


def test_merged_evaluators_give_the_same_bits(pairs):
    parts = [ImagePanopticEvaluator(CLASSES) for _ in range(3)]
    for index, pair in enumerate(pairs):
        parts[index % 3].update(str(index), *pair)
    merged = ImagePanopticEvaluator(CLASSES)
    for part in reversed(parts):
        merged.merge(part)
    assert merged.result() == measure(pairs)


def test_memory_does_not_grow_with_the_number_of_images(pairs):
    peaks = []
    for repeats in (1, 10):
        tracemalloc.start()
        measure(pairs[:20] * repeats)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 20_000


def test_what_cannot_be_counted_is_named():
    with pytest.raises(ValueError, match=r"class 4 in the prediction is outside 0\.\.3"):
        measure([(row([(0, 1)]), row([(4, 1)]))])
    with pytest.raises(ValueError, match="differ in size"):
        measure([(row([(0, 1)]), row([(0, 1)] * 2))])
