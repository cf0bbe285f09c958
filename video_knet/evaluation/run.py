"""Files in, numbers out: evaluation of a prediction folder against the truth on disk."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from ..formats import ClassTable, FormatError, KittiStep, SegmentMap
from .panoptic import PanopticEvaluator
from .vpq import WINDOWS

MAX_LISTED = 20  # faults named in one message
Files = dict[str, dict[str, tuple[Path, ...]]]


@dataclass(frozen=True)
class FilePair:
    """A frame's files of truth and prediction."""

    video: str
    frame: str
    truth: tuple[Path, ...]
    prediction: tuple[Path, ...]


@dataclass(frozen=True)
class FramePair:
    """A frame's labels, true and predicted, both (H, W)."""

    video: str
    frame: str
    truth: SegmentMap
    prediction: SegmentMap


def evaluate_kitti_step(
    gt: str | Path,
    pred: str | Path,
    windows: tuple[int, ...] = WINDOWS,
    workers: int = 1,
    progress: bool = True,
) -> dict:
    """STQ and VPQ of KITTI-STEP predictions.

    Args:
        gt: Folder of `SEQ/FRAME.png`, or of the released code's `SSSSSS_FFFFFF_panoptic.png`.
        pred: Folder of `SEQ/FRAME.png`, or of the released code's `S/SSSSSS_FFFFFF_{cat,ins}.png`.
        windows: Window lengths of VPQ in frames.
        workers: Processes; the numbers do not depend on it.
        progress: Show a progress bar on stderr.

    Returns:
        What `PanopticEvaluator.result` gives.

    Raises:
        FormatError: A file or folder is missing, superfluous or faulty.
    """
    style = KittiStep()
    videos = pair_files(style.label_files(gt), style.label_files(pred), Path(gt), Path(pred))
    return evaluate_files(style.read, videos, style.classes, windows, workers, progress)


def pair_files(truth: Files, prediction: Files, truth_root: Path, prediction_root: Path) -> list[list[FilePair]]:
    """Files of each frame of each video, checked to be complete.

    Raises:
        FormatError: Videos or frames are missing or superfluous; the message lists them.
    """
    faults = []
    for video in sorted(truth.keys() | prediction.keys()):
        true_frames, frames = truth.get(video, {}), prediction.get(video, {})
        if not frames:
            faults.append(f"video {video} is missing from the prediction")
        elif not true_frames:
            faults.append(f"video {video} is predicted, but the truth does not have it")
        else:
            faults += [f"frame {video}/{f} is missing from the prediction" for f in sorted(true_frames.keys() - frames)]
            faults += [f"frame {video}/{f} is predicted, but has no truth" for f in sorted(frames.keys() - true_frames)]
    if faults:
        listed = faults[:MAX_LISTED] + [f"... and {len(faults) - MAX_LISTED} more"] * (len(faults) > MAX_LISTED)
        raise FormatError(
            f"{prediction_root} does not hold exactly the frames of {truth_root}:\n  "
            + "\n  ".join(listed)
            + "\nPredict what is missing and remove what is too much."
        )
    return [
        [FilePair(video, frame, files, prediction[video][frame]) for frame, files in frames.items()]
        for video, frames in truth.items()
    ]


def evaluate_files(
    read: Callable[[tuple[Path, ...]], SegmentMap],
    videos: list[list[FilePair]],
    classes: ClassTable,
    windows: tuple[int, ...] = WINDOWS,
    workers: int = 1,
    progress: bool = True,
) -> dict:
    """Evaluate videos whose frames lie in files; each file is decoded once.

    Args:
        read: Reads the labels of one frame from its files; can be sent to another process.
        videos: The frames of each video in temporal order.
        classes: Class table of the truth and the prediction.
        windows: Window lengths of VPQ in frames.
        workers: Processes that share the videos.
        progress: Show a progress bar on stderr.
    """
    evaluator = PanopticEvaluator(classes, windows)
    with tqdm(total=sum(map(len, videos)), unit="frame", desc="evaluate", disable=not progress) as bar:
        if workers <= 1:
            for video in videos:
                evaluate_frames(evaluator, read_frames(read, video), bar.update)
            return evaluator.result()
        with ProcessPoolExecutor(min(workers, len(videos)), get_context("spawn")) as pool:
            longest_first = sorted(videos, key=len, reverse=True)
            jobs = {pool.submit(_evaluate_video, read, video, classes, windows): video for video in longest_first}
            for job in as_completed(jobs):
                evaluator.merge(job.result())
                bar.update(len(jobs[job]))
    return evaluator.result()


def evaluate_frames(
    evaluator: PanopticEvaluator, frames: Iterable[FramePair], step: Callable[[int], object] = lambda frames: None
) -> None:
    """Add frames to an evaluator; those of a video come together and in temporal order.

    Args:
        evaluator: Changed in place.
        frames: Labels from anywhere.
        step: Called with 1 after each frame.
    """
    video = None
    for frame in frames:
        if video not in (None, frame.video):
            evaluator.close(video)
        video = frame.video
        evaluator.update(video, frame.truth, frame.prediction)
        step(1)
    if video is not None:
        evaluator.close(video)


def read_frames(read: Callable[[tuple[Path, ...]], SegmentMap], files: Iterable[FilePair]) -> Iterator[FramePair]:
    """Read frames one after the other.

    Raises:
        FormatError: A file is faulty, or a prediction has another size than the truth.
    """
    for pair in files:
        truth, prediction = read(pair.truth), read(pair.prediction)
        if truth.semantic.shape != prediction.semantic.shape:
            (h, w), (true_h, true_w) = prediction.semantic.shape, truth.semantic.shape
            raise FormatError(
                f"{pair.prediction[0]}: prediction is {w}x{h} pixels, its truth {pair.truth[0]} is {true_w}x{true_h}. "
                "Write predictions at the size of the original images."
            )
        yield FramePair(pair.video, pair.frame, truth, prediction)


def _evaluate_video(read: Callable, video: list[FilePair], classes: ClassTable, windows: tuple[int, ...]):
    evaluator = PanopticEvaluator(classes, windows)
    evaluate_frames(evaluator, read_frames(read, video))
    return evaluator
