"""True and predicted tracks with masks, and the videos that they belong to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .rle import Masks, encode_masks


@dataclass(frozen=True)
class VideoEntry:
    """A video as the json lists it.

    Attributes:
        name: Folder of its images.
        length: Number of frames.
        file_names: Image of each frame, relative to the image folder.
    """

    id: int
    name: str
    width: int
    height: int
    length: int
    file_names: tuple[str, ...]


@dataclass(frozen=True)
class TrueTrack:
    """An annotated object.

    Attributes:
        id: Number of the annotation, from 1, unique over all videos.
        crowd: Whether it stands for many objects.
        segmentations: Mask of each frame, None where the object is not seen.
        areas: Area of each frame in pixels, as the file says it.
    """

    id: int
    video_id: int
    category_id: int
    crowd: bool
    segmentations: Masks
    areas: tuple[float | None, ...]


@dataclass(frozen=True)
class PredictedTrack:
    """A predicted object with its score in [0, 1]; `segmentations` as in `TrueTrack`."""

    video_id: int
    category_id: int
    score: float
    segmentations: Masks


@dataclass(frozen=True)
class TrackTruth:
    """What a truth file holds: videos and category names by id, and tracks (none where only videos were read)."""

    videos: dict[int, VideoEntry]
    categories: dict[int, str]
    tracks: tuple[TrueTrack, ...] = ()


@dataclass(frozen=True)
class VideoTracks:
    """All tracks of one video, true or predicted."""

    video: VideoEntry
    tracks: tuple[TrueTrack, ...] | tuple[PredictedTrack, ...]


def true_track(
    video: VideoEntry, category_id: int, masks: np.ndarray, crowd: bool = False, number: int = 1
) -> TrueTrack:
    """Track of a video drawn as (T, H, W) bool masks, with their areas."""
    areas = [int(area) or None for area in np.asarray(masks, bool).sum((1, 2))]
    return TrueTrack(number, video.id, category_id, crowd, encode_masks(masks), tuple(areas))


_Track = TypeVar("_Track", TrueTrack, PredictedTrack)


def by_video(tracks: Iterable[_Track]) -> dict[int, list[_Track]]:
    """Tracks of each video id, in the order given."""
    found: dict[int, list[_Track]] = {}
    for track in tracks:
        found.setdefault(track.video_id, []).append(track)
    return found
