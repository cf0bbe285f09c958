"""What a benchmark is: where truth and prediction lie, how they are read, what is measured.

A benchmark lists the frames of truth and prediction as {video: {frame: source}}, and reads one source at a time. For
YouTube-VIS, where a prediction is a track, a video is one "frame".
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..formats import ClassTable, FormatError
from ..formats.disk.splits import read_split
from .report import format_panoptic

TRACKS = "tracks"  # the one "frame" of a video whose prediction are tracks
Sources = Mapping[str, Mapping[str, Any]]


class Benchmark(ABC):
    """One dataset's evaluation.

    Args:
        protocol: "standard", the metric's own definition, or "released", the authors' scripts.

    Attributes:
        name: Of the dataset.
        headline: Names of the scores that sum up a result.
        frame_scores, association: Scores that look at single frames, and scores that follow objects.
        class_score: The score of a class that tells whether it was found.
        bounded: Scores that even the truth need not bring to 1.
        unit: What is counted while it runs.
    """

    name: str
    headline: tuple[str, ...]
    frame_scores: tuple[str, ...] = ("SQ", "VPQ_1")
    association: tuple[str, ...] = ("AQ", "VPQ_2_things")
    class_score = "IoU"
    bounded: tuple[str, ...] = ()
    unit = "frame"
    protocols: tuple[str, ...] = ("standard", "released")

    def __init__(self, protocol: str = "standard") -> None:
        if protocol not in self.protocols:
            raise ValueError(
                f"{self.name}: protocol {protocol!r} is not defined; the authors have no script for it. Use "
                f"{' or '.join(self.protocols)}."
            )
        self.protocol = protocol

    @property
    @abstractmethod
    def classes(self) -> ClassTable:
        """Class table of the dataset."""

    @abstractmethod
    def truth(self, path: Path, split: Path | None) -> Sources:
        """The labelled frames of each video, in temporal order."""

    def videos(self, path: Path, split: Path | None) -> Sources:
        """What a prediction has to cover: the truth, or where predictions are only checked, less."""
        return self.truth(path, split)

    @abstractmethod
    def prediction(self, path: Path, truth: Sources) -> Sources:
        """The predicted frames of each video."""

    @abstractmethod
    def evaluator(self) -> Any:
        """A new evaluator: `update(video, truth, prediction)`, `close`, `merge`, `result`."""

    def read_truth(self, source: Any) -> Any:
        """The truth of a frame."""
        return source.read()

    def read_prediction(self, source: Any) -> Any:
        """The prediction of a frame."""
        return source.read()

    def size(self, labels: Any) -> tuple[int, int]:
        """(H, W) of what was read."""
        return labels.semantic.shape

    def resize(self, labels: Any, size: tuple[int, int]) -> Any:
        """A prediction at another size, by nearest neighbours."""
        return type(labels)(nearest(labels.semantic, size), nearest(labels.track, size))

    def check(self, truth: Any, prediction: Any) -> None:  # noqa: B027  most have nothing more to check
        """Raise a `FormatError` for faults that show only when a frame is compared."""

    def class_id(self, name: str) -> int:
        """Id of a class as labels have it."""
        return self.classes.names.index(name)

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_panoptic(result, self.classes)


def only(videos: Sources, split: Path | None) -> Sources:
    """The videos that a split file names; all without one.

    Raises:
        FormatError: It names one that is not there.
    """
    if split is None:
        return videos
    names = read_split(split)
    if absent := [name for name in names if name not in videos]:
        raise FormatError(*(f"{split}: video {name} is not in the truth. Correct the list." for name in absent))
    return {name: videos[name] for name in names}


def nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) values at another (H, W), each pixel from the nearest one."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, values.shape))
    return values[rows[:, None], columns]
