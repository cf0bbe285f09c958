"""mVC: how consistent labels are in time (VSPW, Miao et al., 2021).

For every window of n frames but the last one of a video: of the pixels with one true label in all n frames, the share
that also has one predicted label in all n frames, whichever; then the mean over the windows of all videos. Labels are
those on disk, so void is a label as well.

Window values are fixed-point integers, so that neither the order of the videos nor their distribution over workers
changes a bit of the result.

Legend: H W size, n frames of a window.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np

from .videos import check_apart, check_open

WINDOWS = (8, 16)
_FRACTION_BITS = 80  # consistency of a window as a fixed-point integer: sums are exact, whatever their order


@dataclass
class WindowSum:
    """The windows of one length of one video, or of many.

    Attributes:
        total: Sum of their values in units of 2 ** -80.
        windows: Number of windows that have a value.
        undefined: Number of those without a pixel whose true label lasts (0 / 0).
    """

    total: int = 0
    windows: int = 0
    undefined: int = 0

    def add(self, shared: int, lasting: int) -> None:
        """Add a window in which the true label of `lasting` pixels lasts, of `shared` of them the predicted one too."""
        if lasting:
            self.total += (shared << _FRACTION_BITS) // lasting
            self.windows += 1
        else:
            self.undefined += 1

    def __add__(self, other: "WindowSum") -> "WindowSum":
        return WindowSum(*(a + b for a, b in zip(vars(self).values(), vars(other).values())))

    @property
    def mean(self) -> float | None:
        """Mean value as a fraction; None without a window."""
        return self.total / (self.windows << _FRACTION_BITS) if self.windows else None


@dataclass(frozen=True)
class ConsistencyResult:
    """Sum over the windows of each length; its `mean` is mVC. The totals are not means over `per_video`."""

    windows: dict[int, WindowSum]
    per_video: dict[str, "ConsistencyResult"] = field(default_factory=dict)


class VideoConsistency:
    """Evaluator of mVC.

    Of an open video it keeps the last labels, and for each pixel the number of frames that they have not changed for;
    the lengths of the windows are read off the histogram of these numbers.

    Args:
        windows: Window lengths in frames.
    """

    def __init__(self, windows: Sequence[int] = WINDOWS):
        if not windows or min(windows) < 1:
            raise ValueError(f"windows are {windows}; name at least one length, each of 1 frame or more")
        self.windows = tuple(sorted(set(windows)))
        self._sums: dict[str, dict[int, WindowSum]] = {}
        self._open: dict[str, _History] = {}

    def update(self, video: str, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Add the next frame of a video.

        Args:
            video: Its name.
            truth: (H, W) labels as on disk; only their equality over time counts.
            prediction: (H, W) labels.

        Raises:
            ValueError: The video is closed already, or sizes differ.
        """
        if truth.shape != prediction.shape:
            raise ValueError(f"truth is {truth.shape}, prediction {prediction.shape}; resize the prediction")
        if video not in self._sums:
            self._sums[video] = {n: WindowSum() for n in self.windows}
            self._open[video] = _History(truth.shape, self.windows[-1])
        check_open(video, self._open)
        history = self._open[video]
        if truth.shape != history.shape:
            raise ValueError(
                f"video {video!r}: frame {history.frames} is {truth.shape}, those before it {history.shape}; pixels "
                "are compared over time, so all frames of a video must have one size"
            )
        for n in self.windows:
            if n <= history.frames:  # windows that end at the frame before: now they are not the last ones
                self._sums[video][n].add(history.shared[n], history.lasting[n])
        history.add(np.stack([truth, prediction]))

    def close(self, video: str) -> None:
        """Say that a video is complete: only its sums are kept."""
        self._open.pop(video, None)

    def merge(self, other: "VideoConsistency") -> None:
        """Take over the videos of another evaluator.

        Raises:
            ValueError: Both have seen the same video, or their windows differ.
        """
        if self.windows != other.windows:
            raise ValueError(f"windows {other.windows} cannot be merged into {self.windows}; use the same ones")
        check_apart(self._sums, other._sums)
        self._sums |= deepcopy(other._sums)

    def result(self) -> ConsistencyResult:
        """Scores of all videos so far."""
        videos = deepcopy(dict(sorted(self._sums.items())))
        totals = {n: sum((sums[n] for sums in videos.values()), WindowSum()) for n in self.windows}
        return ConsistencyResult(totals, {name: ConsistencyResult(sums) for name, sums in videos.items()})


class _History:
    """What is remembered of an open video.

    Attributes:
        frames: Number of frames.
        lasting: Number of pixels whose true label has lasted for n frames or more, indexed by n.
        shared: Number of those whose predicted label has lasted for n frames or more too.
    """

    def __init__(self, shape: tuple[int, ...], longest: int):
        self.shape, self.longest, self.frames = shape, longest, 0
        self.lasting: list[int] = []
        self.shared: list[int] = []
        self._labels: np.ndarray | None = None  # (2, H, W) true and predicted
        self._age = np.zeros((2, *shape), np.min_scalar_type(longest))  # frames that the label has lasted for

    def add(self, labels: np.ndarray) -> None:
        """Add (2, H, W) true and predicted labels of the next frame."""
        if self._labels is not None:
            np.minimum(self._age, self.longest - 1, out=self._age)
            self._age *= labels == self._labels
        self._age += 1
        self._labels = labels
        self.frames += 1
        self.lasting, self.shared = map(self._count, (self._age[0], self._age.min(0)))

    def _count(self, age: np.ndarray) -> list[int]:
        """Number of pixels of age n or more, indexed by n up to the longest window."""
        histogram = np.bincount(age.ravel(), minlength=self.longest + 1)
        return np.cumsum(histogram[::-1])[::-1].tolist()
