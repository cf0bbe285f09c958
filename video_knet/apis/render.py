"""Overlay videos, one file per video, frame by frame in constant memory."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from video_knet.apis.panels import compose_panels
from video_knet.apis.video_io import VideoError, VideoWriter, read_image
from video_knet.apis.visualization import ColorBy, enlarge_image, overlay
from video_knet.formats.base import ClassTable, FormatError, SegmentMap, Video

logger = logging.getLogger(__name__)

TITLES = {"image": "image", "prediction": "prediction", "truth": "ground truth", "compare": "comparison"}


class LabelFormat(Protocol):
    """What rendering needs of a format of `video_knet.formats`."""

    classes: ClassTable

    def read(self, path: Path) -> SegmentMap:
        """Read the labels of one frame."""

    def prediction_path(self, root: Path, video: str, frame: str) -> Path:
        """File of a frame in a prediction folder."""


@dataclass(frozen=True)
class FrameViews:
    """What is shown of one frame.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        prediction: Predicted labels.
        truth: True labels; None where the frame has none.
        compare: Labels by another model.
        kernel_of_track: Kernel index of each predicted track.
    """

    image: np.ndarray
    prediction: SegmentMap | None = None
    truth: SegmentMap | None = None
    compare: SegmentMap | None = None
    kernel_of_track: Mapping[int, int] | None = None


class VideoRenderer:
    """Writes OUT/VIDEO.mp4 for each video whose frames it is given in order; one video is open at a time.

    Use it as a context manager: an error in the block throws the open video away, finished ones stay.

    Args:
        out_dir: Folder of the videos.
        classes: Names and palette of the dataset.
        fps: Frames per second.
        color_by: Colour predicted tracks by "track" id or by "kernel" index.
        panels: Which of "image", "prediction", "truth", "compare" to show, in this order. None shows all but the bare
            image that the first frame of a video has. A panel without labels in some frame shows the image.
        titles: Titles of panels that differ from `TITLES`.
    """

    def __init__(
        self,
        out_dir: str | Path,
        classes: ClassTable,
        fps: float = 10.0,
        color_by: ColorBy = "track",
        panels: tuple[str, ...] | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        unknown = set(panels or ()) - set(TITLES)
        if unknown or panels == ():
            raise ValueError(f"panels are {panels}, but must be one or more of {', '.join(TITLES)}")
        self.out_dir, self.classes, self.fps, self.color_by, self.panels = Path(out_dir), classes, fps, color_by, panels
        self.titles = {**TITLES, **(titles or {})}
        self.finished: list[Path] = []
        self._video: str | None = None
        self._writer: VideoWriter | None = None
        self._shown: tuple[str, ...] = ()

    def add(
        self,
        video_name: str,
        frame_name: str,
        image: np.ndarray,
        prediction: SegmentMap,
        truth: SegmentMap | None = None,
        compare: SegmentMap | None = None,
        kernel_of_track: Mapping[int, int] | None = None,
    ) -> None:
        """Draw a frame; another video name than before finishes the video before.

        Args:
            video_name: Names the file.
            frame_name: Shown in the title bar.
            image: (H, W, 3) uint8 RGB.
            prediction: Predicted labels, of the size of the image, as all labels.
            truth: True labels, where there are any.
            compare: Another prediction to set beside it (paper Fig. 5).
            kernel_of_track: Kernel index of each predicted track in this frame.

        Raises:
            VideoError: Frames of a finished video arrive again, or sizes change within a video.
        """
        views = FrameViews(image, prediction, truth, compare, kernel_of_track)
        if video_name != self._video:
            self.close()
            self._start(video_name, views)
        try:
            self._writer.write(self.draw(views, f"{video_name}  {frame_name}"))
        except ValueError as error:
            raise VideoError(f"video {video_name}, frame {frame_name}: {error}") from error

    def draw(self, views: FrameViews, note: str) -> np.ndarray:
        """Draw the panels of one frame: (H', W', 3) uint8 RGB."""
        pictures = []
        for panel in self._shown:
            segments = None if panel == "image" else getattr(views, panel)
            if segments is None:
                pictures.append(enlarge_image(views.image))
            elif panel == "prediction":
                pictures.append(overlay(views.image, segments, self.classes, views.kernel_of_track, self.color_by))
            else:
                pictures.append(overlay(views.image, segments, self.classes))
        return compose_panels(pictures, [self.titles[panel] for panel in self._shown], note)

    def close(self) -> None:
        """Finish the open video, if any."""
        if self._writer is not None:
            self._writer.close()
            self.finished.append(self._writer.path)
            logger.info("wrote %s, %d frames", self._writer.path, self._writer.length)
        self._writer = self._video = None

    def discard(self) -> None:
        """Throw the open video away, if any."""
        if self._writer is not None:
            self._writer.discard()
        self._writer = self._video = None

    def __enter__(self) -> "VideoRenderer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.discard() if kind else self.close()

    def _start(self, video_name: str, views: FrameViews) -> None:
        path = self.out_dir / f"{video_name.replace('/', '_')}.mp4"
        if path in self.finished:
            raise VideoError(f"{path} is finished, but more frames of {video_name} arrive; give whole videos in order")
        self._video, self._writer = video_name, VideoWriter(path, self.fps)
        given = [panel for panel in ("prediction", "truth", "compare") if getattr(views, panel) is not None]
        self._shown = self.panels or tuple(given)


def render_prediction_folder(
    videos: Iterable[Video],
    label_format: LabelFormat,
    prediction_dir: str | Path,
    out_dir: str | Path,
    compare_dir: str | Path | None = None,
    show_truth: bool = True,
    fps: float = 10.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Draw predictions that lie on disk, beside the truth where there is any.

    Args:
        videos: The videos of a split, as the format lists them.
        label_format: Reads labels and predictions.
        prediction_dir: Folder of predictions.
        out_dir: Folder of the videos, one VIDEO.mp4 each.
        compare_dir: Predictions of another model, shown beside them.
        show_truth: Show the annotation.
        fps: Frames per second.
        progress: Called after each frame with the name of the video, frames done, and frames in all.

    Returns:
        The files written.

    Raises:
        FormatError: A prediction is missing or damaged.
    """
    videos = list(videos)
    total, done = sum(len(video.frames) for video in videos), 0
    compare_title = {"compare": comparison_title(compare_dir)} if compare_dir else None
    panels = ["prediction"] + ["truth"] * (show_truth and any(f.label for v in videos for f in v.frames))
    panels = tuple(panels + ["compare"] * bool(compare_dir))
    with VideoRenderer(out_dir, label_format.classes, fps, panels=panels, titles=compare_title) as renderer:
        for video in videos:
            for frame in video.frames:
                renderer.add(
                    video.name,
                    frame.name,
                    read_image(frame.image),
                    read_prediction(label_format, prediction_dir, video.name, frame.name),
                    label_format.read(frame.label) if show_truth and frame.label else None,
                    read_prediction(label_format, compare_dir, video.name, frame.name) if compare_dir else None,
                )
                done += 1
                if progress is not None:
                    progress(video.name, done, total)
    return renderer.finished


def comparison_title(folder: str | Path) -> str:
    """Title of a comparison: the last two names of its path tell the experiment."""
    return "/".join(Path(folder).resolve().parts[-2:])


def read_prediction(label_format: LabelFormat, folder: str | Path, video: str, frame: str) -> SegmentMap:
    """Labels of a frame from a folder of predictions.

    Raises:
        FormatError: The file is missing or damaged.
    """
    path = label_format.prediction_path(Path(folder), video, frame)
    if not path.exists():
        raise FormatError(f"{path} does not exist; predict all frames of {video}, or leave the video out")
    return label_format.read(path)
