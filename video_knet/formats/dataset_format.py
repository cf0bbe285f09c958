"""What every dataset format offers: its facts, its videos, and the labels of a frame."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .base import ClassTable, FormatError, ObjectMap, SegmentMap, Video
from .disk.png import png_size


class Published(NamedTuple):
    """What a split holds by the dataset's own account.

    Attributes:
        videos: Number of videos; of images, for an image set.
        frames: Number of labelled frames, or None where it is not published.
    """

    videos: int
    frames: int | None = None


class DatasetFormat(ABC):
    """One dataset on disk, read in place from its official layout.

    An image set is a dataset whose videos have one frame each.

    Attributes:
        name: Name of the format; the one that `get_format` knows, without what picks a variant (a year, a folder).
        classes: Class table of the dataset.
        layout: What the tree looks like, {pattern of a file: what it is}. A word in capitals stands for any name:
            "panoptic_maps/train/SEQ/FRAME.png".
        published: Counts of each official split.
        overlapping: Whether objects may overlap, so that only `read_objects` gives all of a frame.
        tells_objects_apart: Whether labels number objects; else they have classes only.
    """

    name: str
    classes: ClassTable
    layout: Mapping[str, str]
    published: Mapping[str, Published]
    overlapping = False
    tells_objects_apart = True

    @abstractmethod
    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split, frames in temporal order, and check that its files are there.

        Raises:
            FormatError: Files are missing or misnamed; all faults that were found, `partial` holds the other videos.
        """

    def known_splits(self, root: str | Path) -> tuple[str, ...]:
        """The splits that a root may hold."""
        return tuple(self.published)

    @abstractmethod
    def read(self, label: Any) -> SegmentMap:
        """Read the labels of a frame.

        Args:
            label: `Frame.label` of a video that `videos` listed.

        Raises:
            FormatError: A file is missing, damaged, not coded as expected, or holds an unknown class.
        """

    def read_objects(self, label: Any) -> ObjectMap:
        """Read the objects of a frame, which may overlap. Only where `overlapping`; errors as for `read`."""
        raise NotImplementedError(f"{self.name}: labels do not overlap; call read")

    def read_predicted(self, folder: str | Path, video: str, frame: str) -> SegmentMap | None:
        """Read a frame of a folder of predictions, as the metric of the format writes them.

        Args:
            folder: The folder.
            video: `Video.name`.
            frame: `Frame.name`.

        Returns:
            Classes and tracks; None where the format's predictions need not hold this frame of a predicted video.

        Raises:
            FormatError: The prediction is missing or damaged, or the format has none that is read frame by frame.
        """
        if not hasattr(self, "prediction_path"):
            raise FormatError(f"{folder}: predictions of {self.name} cannot be read frame by frame; leave them out")
        path = self.prediction_path(Path(folder), video, frame)
        if not path.exists():
            raise FormatError(f"{path} does not exist; predict all frames of {video}, or leave the video out")
        return getattr(self, "read_prediction", self.read)(path)  # where a prediction is coded unlike a label

    def label_size(self, label: Any) -> tuple[int, int]:
        """(H, W) of a frame's labels, cheaply: from the header of a PNG, or from what the json says."""
        return png_size(Path(getattr(label, "path", label)))

    def check_image_sizes(self, videos: Iterable[Video]) -> None:
        """Compare the size of every image with that of its label by the headers alone; cheap enough before training.

        Raises:
            FormatError: A file cannot be read, or sizes differ.
        """
        for frame in (frame for video in videos for frame in video.frames):
            image = png_size(frame.image) if frame.image else None
            label = self.label_size(frame.label) if frame.label is not None else None
            if image and label and image != label:
                raise FormatError(
                    f"{getattr(frame.label, 'path', frame.label)}: label is {label[1]}x{label[0]} pixels, but its "
                    f"image {frame.image} is {image[1]}x{image[0]}. Restore the original files; resizing is the "
                    "training pipeline's task."
                )

    @abstractmethod
    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` names of videos of a split, for writing a synthetic dataset."""

    @abstractmethod
    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video in the official layout, so that `videos` and `read` give it back.

        Args:
            root: Root of the data set.
            split: Name of the split; a test split gets no labels.
            name: From `sequence_names`.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame.
            start: Number of the first file, where files are numbered.
        """
