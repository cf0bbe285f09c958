"""Overlay videos, one file per video, frame by frame in constant memory."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from video_knet.apis.panels import compose_panels
from video_knet.apis.video_io import VideoError, VideoWriter, read_image
from video_knet.apis.visualization import ColorBy, enlarge_image, overlay
from video_knet.formats import ClassTable, DatasetFormat, SegmentMap, Video
from video_knet.formats.coding.track_numbers import TrackNumbers
from video_knet.formats.disk.png import write_png

logger = logging.getLogger(__name__)

MAX_ID = 2**31 - 1  # of a track
TITLES = {"image": "image", "prediction": "prediction", "truth": "ground truth", "compare": "comparison"}


@dataclass(frozen=True)
class FrameViews:
    """What is shown of one frame.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        prediction: Predicted labels; None where the frame has none, as of all labels.
        truth: True labels.
        compare: Labels by another model.
        kernel_of_track: Kernel index of each predicted track.
        score_of_track: Score of each predicted track.
    """

    image: np.ndarray
    prediction: SegmentMap | None = None
    truth: SegmentMap | None = None
    compare: SegmentMap | None = None
    kernel_of_track: Mapping[int, int] | None = None
    score_of_track: Mapping[int, float] | None = None


class VideoRenderer:
    """Writes OUT/VIDEO.mp4 for each video whose frames it is given in order; one video is open at a time.

    Use it as a context manager: an error in the block throws the open video away, finished ones stay.

    Args:
        out_dir: Folder of the videos.
        classes: Names and palette of the dataset.
        fps: Frames per second.
        color_by: Colour predicted tracks by "track" id or by "kernel" index.
        panels: Which of "image", "prediction", "truth", "compare" to show, in this order. None shows all but the bare
            image that the first frames of a video have. A panel without labels in some frame shows the image.
        titles: Titles of panels that differ from `TITLES`.
        lookahead: Frames of a video that are held back to see which panels it has, where truth may begin late.
    """

    def __init__(
        self,
        out_dir: str | Path,
        classes: ClassTable,
        fps: float = 10.0,
        color_by: ColorBy = "track",
        panels: tuple[str, ...] | None = None,
        titles: Mapping[str, str] | None = None,
        lookahead: int = 1,
    ) -> None:
        unknown = set(panels or ()) - set(TITLES)
        if unknown or panels == ():
            raise ValueError(f"panels are {panels}, but must be one or more of {', '.join(TITLES)}")
        self.out_dir, self.classes, self.fps, self.color_by, self.panels = Path(out_dir), classes, fps, color_by, panels
        self.titles, self.lookahead = {**TITLES, **(titles or {})}, lookahead
        self.finished: list[Path] = []
        self._video: str | None = None
        self._writer: VideoWriter | None = None
        self._shown: tuple[str, ...] = ()  # empty until the panels are chosen
        self._waiting: list[tuple[str, FrameViews]] = []
        self._numbers: dict[str, TrackNumbers] = {}

    def add(
        self,
        video_name: str,
        frame_name: str,
        image: np.ndarray,
        prediction: SegmentMap | None,
        truth: SegmentMap | None = None,
        compare: SegmentMap | None = None,
        kernel_of_track: Mapping[int, int] | None = None,
        alone: bool = False,
        score_of_track: Mapping[int, float] | None = None,
    ) -> None:
        """Draw a frame; another video name than before finishes the video before.

        Args:
            video_name: Names the file.
            frame_name: Shown in the title bar.
            image: (H, W, 3) uint8 RGB.
            prediction: Predicted labels, where there are any, of the size of the image, as all labels.
            truth: True labels, where there are any.
            compare: Another prediction to set beside it (paper Fig. 5).
            kernel_of_track: Kernel index of each predicted track in this frame.
            alone: The frame is all of its video, as in an image set: it becomes a PNG instead.
            score_of_track: Score of each predicted track in this frame, written at it.

        Raises:
            VideoError: Frames of a finished video arrive again, or sizes change within a video.
        """
        views = FrameViews(image, prediction, truth, compare, kernel_of_track, score_of_track)
        if alone:
            self._write_picture(video_name, views)
            return
        if video_name != self._video:
            self.close()
            self._start(video_name)
        self._waiting.append((frame_name, views))
        if self._shown or truth is not None or len(self._waiting) >= self.lookahead:
            self._write_waiting()

    def _write_picture(self, name: str, views: FrameViews) -> None:
        self.close()
        self._numbers, self._shown = {}, self._choose_panels([views])
        path = self._path(name, ".png")
        write_png(path, self.draw(views, name))
        self.finished.append(path)

    def _choose_panels(self, views: Sequence[FrameViews]) -> tuple[str, ...]:
        given = [p for p in ("prediction", "truth", "compare") if any(getattr(v, p) is not None for v in views)]
        return self.panels or tuple(given) or ("image",)

    def _path(self, name: str, suffix: str) -> Path:
        return self.out_dir / f"{name.replace('/', '_')}{suffix}"

    def _write_waiting(self) -> None:
        """Write the frames that were held back; the first time, choose the panels."""
        waiting, self._waiting = self._waiting, []
        self._shown = self._shown or self._choose_panels([views for _, views in waiting])
        for frame_name, views in waiting:
            try:
                self._writer.write(self.draw(views, f"{self._video}  {frame_name}"))
            except ValueError as error:
                raise VideoError(f"video {self._video}, frame {frame_name}: {error}") from error

    def draw(self, views: FrameViews, note: str) -> np.ndarray:
        """Draw the panels of one frame: (H', W', 3) uint8 RGB."""
        pictures = []
        for panel in self._shown:
            segments = None if panel == "image" else getattr(views, panel)
            if segments is None:
                pictures.append(enlarge_image(views.image))
            elif panel == "prediction":
                facts = views.kernel_of_track, self.color_by, views.score_of_track
                pictures.append(overlay(views.image, segments, self.classes, *facts))
            else:
                pictures.append(overlay(views.image, self._with_one_id_each(panel, segments), self.classes))
        return compose_panels(pictures, [self.titles[panel] for panel in self._shown], note)

    def _with_one_id_each(self, panel: str, segments: SegmentMap) -> SegmentMap:
        """Objects of different classes get different ids, where a format numbers the objects of each class."""
        numbers = self._numbers.setdefault(panel, TrackNumbers(self.classes, MAX_ID))
        return SegmentMap(segments.semantic, numbers.renumber(segments.semantic, segments.track))

    def close(self) -> None:
        """Finish the open video, if any."""
        if self._writer is not None:
            self._write_waiting()
            self._writer.close()
            self.finished.append(self._writer.path)
            logger.info("wrote %s, %d frames", self._writer.path, self._writer.length)
        self._writer = self._video = None

    def discard(self) -> None:
        """Throw the open video away, if any."""
        if self._writer is not None:
            self._writer.discard()
        self._writer, self._video, self._waiting = None, None, []

    def __enter__(self) -> "VideoRenderer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.discard() if kind else self.close()

    def _start(self, video_name: str) -> None:
        path = self._path(video_name, ".mp4")
        if path in self.finished:
            raise VideoError(f"{path} is finished, but more frames of {video_name} arrive; give whole videos in order")
        self._video, self._writer = video_name, VideoWriter(path, self.fps)
        self._shown, self._numbers = (), {}


def render_prediction_folder(
    videos: Iterable[Video],
    label_format: DatasetFormat,
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
        show_truth: Show the annotation, where frames have one.
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
    panels = ["prediction"] + ["truth"] * (show_truth and any(f.label is not None for v in videos for f in v.frames))
    panels = tuple(panels + ["compare"] * bool(compare_dir))
    with VideoRenderer(out_dir, label_format.classes, fps, panels=panels, titles=compare_title) as renderer:
        for video in videos:
            for frame in video.frames:
                renderer.add(
                    video.name,
                    frame.name,
                    read_image(frame.image),
                    label_format.read_predicted(prediction_dir, video.name, frame.name),
                    label_format.read(frame.label) if show_truth and frame.label is not None else None,
                    label_format.read_predicted(compare_dir, video.name, frame.name) if compare_dir else None,
                )
                done += 1
                if progress is not None:
                    progress(video.name, done, total)
    return renderer.finished


def comparison_title(folder: str | Path) -> str:
    """Title of a comparison: the last two names of its path tell the experiment."""
    return "/".join(Path(folder).resolve().parts[-2:])
