"""Objects of one's own videos, ROOT/instances_SPLIT.json, in the structure of YouTube-VIS or of a COCO-video json."""

from dataclasses import dataclass, replace
from pathlib import Path

from ..base import ClassTable, FormatError, Frame, Video, collect_faults
from ..coding.frame_objects import FrameObjects
from ..coding.tracks import TrackTruth, VideoEntry, by_video
from ..youtube_vis.faults import annotation_faults, check
from ..youtube_vis.json import load, read_videos, true_track_of
from .coco_video import parse_coco_video


@dataclass(frozen=True)
class ListedTracks:
    """A json of tracks.

    Attributes:
        path: The json.
        truth: Its videos and tracks. A category's id is its class's dataset id + 1.
        labelled: Whether it has annotations.
    """

    path: Path
    truth: TrackTruth
    labelled: bool


def read_tracks(path: Path, classes: ClassTable) -> ListedTracks:
    """Read a json of tracks.

    Args:
        path: The json.
        classes: Categories are found in it by name.

    Raises:
        FormatError: The file is missing or faulty, or has a category that the class table does not have.
    """
    data = load(path)
    labelled = bool(data.get("annotations"))
    if "images" in data:
        truth = parse_coco_video(path, data)
    else:
        truth = read_videos(path, data)
        if labelled:
            check(fault for _, fault in annotation_faults(path, data["annotations"], truth))
            truth = replace(truth, tracks=tuple(true_track_of(entry) for entry in data["annotations"]))
    return ListedTracks(path, _by_class(path, truth, classes), labelled)


def _by_class(path: Path, truth: TrackTruth, classes: ClassTable) -> TrackTruth:
    """Categories numbered as in the class table, from 1."""
    numbers: dict[int, int] = {}
    faults = []
    for category, name in truth.categories.items():
        if name in classes.names:
            numbers[category] = classes.names.index(name) + 1
        else:
            faults.append(
                f"{path}: category {category} is {name!r}, which is no class of dataset.json "
                f"({', '.join(classes.names[:10])}). Add the class there, or correct the name."
            )
    if faults:
        raise FormatError(*faults)
    tracks = tuple(replace(track, category_id=numbers[track.category_id]) for track in truth.tracks)
    return TrackTruth(truth.videos, dict(enumerate(classes.names, 1)), tracks)


def listed_videos(listed: ListedTracks, images: Path) -> list[Video]:
    """The videos of a json in its order, with the objects of each frame as its label.

    Args:
        listed: The json.
        images: Folder that file names are relative to.

    Raises:
        FormatError: Images are missing; all that were found.
    """
    tracks, found, faults = by_video(listed.truth.tracks), [], []
    for number, entry in sorted(listed.truth.videos.items()):
        frames = []
        for t, name in enumerate(entry.file_names):
            with collect_faults(faults):
                label = _objects(listed, entry, t, tracks.get(number, [])) if listed.labelled else None
                frames.append(Frame(Path(name).stem, _image(listed.path, images, name), label))
        with collect_faults(faults):
            _check_stems(listed.path, entry)
        found.append(Video(entry.name, tuple(frames)))
    if faults:
        raise FormatError(*faults, partial=found)
    return found


def _objects(listed: ListedTracks, entry: VideoEntry, t: int, tracks: list) -> FrameObjects:
    objects = [
        (track.category_id - 1, 0 if track.crowd else track.id, track.segmentations[t]["counts"])
        for track in tracks
        if track.segmentations[t] is not None
    ]
    return FrameObjects.ordered(listed.path, entry.file_names[t], (entry.height, entry.width), objects)


def _image(path: Path, images: Path, name: str) -> Path:
    image = images / name
    if not image.is_file():
        raise FormatError(f"{image}: no such file, but {path} names it. Put the image there, or correct file names.")
    return image


def _check_stems(path: Path, entry: VideoEntry) -> None:
    names: dict[str, str] = {}
    for name in entry.file_names:
        if (stem := Path(name).stem) in names:
            raise FormatError(
                f"{path}: video {entry.name} has the frame {name} twice ({names[stem]}). Keep one of them."
            )
        names[stem] = name
