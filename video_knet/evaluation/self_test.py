"""The metrics prove themselves on the truth: as it is, with shuffled ids, and with one class removed.

The truth as it is has to score 1 wherever something is defined. Shuffled ids (every object gets a new one in each
frame) spoil association alone: what looks at single frames stays 1, and what follows objects falls. A class that is
removed scores 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from .benchmark import Benchmark
from .perturb import as_prediction, new_ids, without_class
from .run import DEFAULTS, Options, Pair, evaluate_pairs

CHANGES = ("as_is", "shuffled_ids", "class_removed")


@dataclass(frozen=True)
class SelfTest:
    """Outcome of a self-test.

    Attributes:
        results: What the evaluator gave, by change.
        faults: What is not as it should be; empty when the test has passed.
        remarks: What could not be tested.
    """

    results: dict[str, dict]
    faults: list[str]
    remarks: list[str]


class TruthAsPrediction:
    """A benchmark whose predictions are made of the truth; otherwise as the one it wraps.

    Args:
        benchmark: Reads the truth and measures.
        change: One of `CHANGES`.
        removed: Dataset id of the class to remove.
    """

    def __init__(self, benchmark: Benchmark, change: str = "as_is", removed: int | None = None) -> None:
        self.benchmark, self.change, self.removed = benchmark, change, removed
        self.numbers: Iterator[int] | None = None  # ids that are free in the video, from its first frame on

    def read_prediction(self, source: tuple[int, Any]) -> Any:
        """The truth of a frame, changed; `source` is the frame's position and the source of its truth."""
        position, truth = source
        labels = as_prediction(self.benchmark.read_truth(truth))
        if self.change == "shuffled_ids":
            if self.numbers is None or position == 0:
                self.numbers = count(1)
            return new_ids(labels, self.numbers, self.benchmark.classes)
        if self.change == "class_removed":
            return without_class(labels, self.removed)
        return labels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "benchmark":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.benchmark, name)


def self_test(benchmark: Benchmark, gt: Path, split: Path | None = None, options: Options = DEFAULTS) -> SelfTest:
    """Run it.

    Args:
        benchmark: To test.
        gt: The truth.
        split: Text file of the videos to look at; None for all.
        options: How to run.
    """
    videos = [
        [Pair(video, frame, source, (position, source)) for position, (frame, source) in enumerate(frames.items())]
        for video, frames in benchmark.truth(gt, split).items()
    ]
    as_is = evaluate_pairs(TruthAsPrediction(benchmark), videos, options)
    results, faults, remarks = {"as_is": as_is}, _not_one(as_is, benchmark.bounded), []
    if benchmark.association:
        results["shuffled_ids"] = evaluate_pairs(TruthAsPrediction(benchmark, "shuffled_ids"), videos, options)
        faults += _not_association_alone(benchmark, results)
        if not _has_fallen(benchmark, results):
            remarks.append("shuffled ids cost nothing: no object is seen in several frames, association is not tested")
    scored = [name for name, scores in as_is["per_class"].items() if scores[benchmark.class_score]]
    if scored:
        changed = TruthAsPrediction(benchmark, "class_removed", benchmark.class_id(scored[0]))
        results["class_removed"] = {**evaluate_pairs(changed, videos, options), "removed": scored[0]}
        score = results["class_removed"]["per_class"][scored[0]][benchmark.class_score]
        if score != 0:
            faults.append(f"class {scored[0]!r} was removed from the prediction, but scores {score} instead of 0")
    return SelfTest(results, faults, remarks)


def _not_one(result: dict, bounded: tuple[str, ...]) -> list[str]:
    if result.get("AQ") == 0:
        bounded = (*bounded, "AQ", "STQ")  # without a true tube they are 0 by definition
    scores = {name: value for name, value in result.items() if isinstance(value, float) and name not in bounded}
    return [f"{name} of the truth itself is {value!r} instead of 1" for name, value in scores.items() if value != 1]


def _not_association_alone(benchmark: Benchmark, results: dict[str, dict]) -> list[str]:
    as_is, shuffled = results["as_is"], results["shuffled_ids"]
    faults = [
        f"{name} looks at single frames, but became {shuffled[name]} with shuffled ids"
        for name in benchmark.frame_scores
        if shuffled[name] != as_is[name]
    ]
    faults += [
        f"{name} rose to {shuffled[name]} with shuffled ids"
        for name in benchmark.association
        if as_is[name] is not None and shuffled[name] > as_is[name]
    ]
    return faults


def _has_fallen(benchmark: Benchmark, results: dict[str, dict]) -> bool:
    as_is, shuffled = results["as_is"], results["shuffled_ids"]
    return any(as_is[name] and shuffled[name] < as_is[name] for name in benchmark.association)
