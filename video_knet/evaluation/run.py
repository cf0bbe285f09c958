"""Files in, numbers out: a prediction is listed, paired with the truth, read once and measured; or checked only."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..formats.base import FormatError, collect_faults
from ..parallel import each_item
from .benchmark import Benchmark, Sources


@dataclass(frozen=True)
class Pair:
    """A frame's sources of truth and prediction, as the benchmark reads them."""

    video: str
    frame: str
    truth: Any
    prediction: Any


@dataclass(frozen=True)
class Options:
    """How a comparison is run.

    Attributes:
        resize: Resize predictions of another size to that of the truth, by nearest neighbours, instead of refusing.
        workers: Processes that share the videos; the numbers do not depend on it.
        progress: Show a progress bar on stderr.
    """

    resize: bool = False
    workers: int = 1
    progress: bool = True


DEFAULTS = Options()


def evaluate(
    benchmark: Benchmark, gt: Path, pred: Path, split: Path | None = None, options: Options = DEFAULTS
) -> dict:
    """Measure a prediction.

    Args:
        benchmark: What to measure, and how files are laid out.
        gt: The truth, as the dataset ships it.
        pred: The prediction.
        split: Text file of the videos to look at; None for all of the truth.
        options: How to run.

    Returns:
        What the benchmark's evaluator gives.

    Raises:
        FormatError: A file or folder is missing, superfluous or faulty.
    """
    truth = benchmark.truth(gt, split)
    prediction = _limit(benchmark.prediction(pred, truth), truth, split)
    if faults := pairing_faults(truth, prediction, pred):
        raise FormatError(f"{pred} does not hold exactly the frames of {gt}:", *faults)
    return evaluate_pairs(benchmark, pair(truth, prediction), options)


def find_faults(
    benchmark: Benchmark, gt: Path, pred: Path, split: Path | None = None, options: Options = DEFAULTS
) -> list[str]:
    """Everything that is wrong with a prediction: names, numbers of frames, sizes, ids, values; every fault, not one.

    Args:
        benchmark, gt, pred, split, options: As for `evaluate`.
    """
    truth = benchmark.videos(gt, split)
    faults: list[str] = []
    try:
        prediction = benchmark.prediction(pred, truth)
    except FormatError as error:
        faults += error.faults
        if not error.partial:
            return faults
        prediction = error.partial
    prediction = _limit(prediction, truth, split)
    faults += pairing_faults(truth, prediction, pred)
    videos = pair(truth, prediction)
    with tqdm(total=sum(map(len, videos)), unit=benchmark.unit, desc="check", disable=not options.progress) as bar:
        for found, count in each_item(partial(_check_video, benchmark, options.resize), videos, options.workers):
            faults += found
            bar.update(count)
    return faults


def _limit(prediction: Sources, truth: Sources, split: Path | None) -> Sources:
    """With a split, only its videos are looked at."""
    return prediction if split is None else {name: frames for name, frames in prediction.items() if name in truth}


def pairing_faults(truth: Sources, prediction: Sources, where: Path) -> list[str]:
    """Videos and frames that are missing or superfluous."""
    faults = []
    for video in sorted(truth.keys() | prediction.keys()):
        true_frames, frames = truth.get(video, {}), prediction.get(video, {})
        if not frames:
            faults.append(f"{where}: video {video} is missing from the prediction. Predict it.")
        elif not true_frames:
            faults.append(f"{where}: video {video} is predicted, but the truth does not have it. Remove it.")
        else:
            lacking, extra = sorted(true_frames.keys() - frames.keys()), sorted(frames.keys() - true_frames.keys())
            faults += [
                f"{where}: frame {video}/{frame} is missing from the prediction. Predict it." for frame in lacking
            ]
            faults += [f"{where}: frame {video}/{frame} is predicted, but has no truth. Remove it." for frame in extra]
    return faults


def pair(truth: Sources, prediction: Sources) -> list[list[Pair]]:
    """The frames of each video that both have, in temporal order."""
    videos = []
    for video, frames in truth.items():
        own = prediction.get(video, {})
        videos.append([Pair(video, frame, source, own[frame]) for frame, source in frames.items() if frame in own])
    return [frames for frames in videos if frames]


def evaluate_pairs(benchmark: Benchmark, videos: list[list[Pair]], options: Options = DEFAULTS) -> dict:
    """Evaluate paired frames; each file is decoded once.

    Args:
        benchmark: Reads and measures.
        videos: The frames of each video in temporal order.
        options: How to run.
    """
    evaluator = benchmark.evaluator()
    total, unit = sum(map(len, videos)), benchmark.unit
    with tqdm(total=total, unit=unit, desc="evaluate", disable=not options.progress) as bar:
        if options.workers <= 1:
            for video in videos:
                measure_video(benchmark, evaluator, video, options.resize, bar.update)
            return evaluator.result()
        for share, count in each_item(partial(measured, benchmark, options.resize), videos, options.workers):
            evaluator.merge(share)
            bar.update(count)
    return evaluator.result()


def measure_video(
    benchmark: Benchmark,
    evaluator: Any,
    video: Iterable[Pair],
    resize: bool = False,
    step: Callable[[int], object] = lambda frames: None,
) -> None:
    """Add the frames of one video to an evaluator.

    Args:
        benchmark: Reads them.
        evaluator: Changed in place.
        video: Frames in temporal order.
        resize: See `Options`.
        step: Called with 1 after each frame.
    """
    name = None
    for frame, truth, prediction in read_pairs(benchmark, video, resize):
        name = frame.video
        try:
            evaluator.update(name, truth, prediction)
        except FormatError:
            raise
        except ValueError as error:
            raise FormatError(f"{name}/{frame.frame}: {error}") from error
        step(1)
    if name is not None:
        evaluator.close(name)


def read_pairs(benchmark: Benchmark, frames: Iterable[Pair], resize: bool) -> Iterator[tuple[Pair, Any, Any]]:
    """Read frames one after the other.

    Raises:
        FormatError: A file is faulty, or a prediction has another size than the truth.
    """
    for frame in frames:
        truth, prediction = benchmark.read_truth(frame.truth), benchmark.read_prediction(frame.prediction)
        yield frame, truth, _fit(benchmark, frame, truth, prediction, resize)


def _fit(benchmark: Benchmark, frame: Pair, truth: Any, prediction: Any, resize: bool) -> Any:
    """The prediction at the size of the truth."""
    size, own = benchmark.size(truth), benchmark.size(prediction)
    if own == size:
        return prediction
    if not resize:
        raise FormatError(
            f"{_where(frame)}: the prediction is {own[1]}x{own[0]} pixels, its truth {size[1]}x{size[0]}. "
            "Write predictions at the size of the original images, or allow resizing (--allow-resize)."
        )
    return benchmark.resize(prediction, size)


def _where(frame: Pair) -> str:
    """The file of a prediction, where it is one."""
    source = frame.prediction
    path = source[0] if isinstance(source, tuple) and source else getattr(source, "path", source)
    return str(path) if isinstance(path, Path) else f"{frame.video}/{frame.frame}"


def measured(benchmark: Benchmark, resize: bool, video: list[Pair]) -> Any:
    """A new evaluator that has seen one video: the work of a process."""
    evaluator = benchmark.evaluator()
    measure_video(benchmark, evaluator, video, resize)
    return evaluator


def _check_video(benchmark: Benchmark, resize: bool, video: list[Pair]) -> list[str]:
    faults: list[str] = []
    for frame in video:
        if not frame.prediction:  # its listing was faulty
            continue
        with collect_faults(faults):
            truth, prediction = benchmark.read_truth(frame.truth), benchmark.read_prediction(frame.prediction)
            with collect_faults(faults):
                _fit(benchmark, frame, truth, prediction, resize)
            benchmark.check(truth, prediction)
    return faults
