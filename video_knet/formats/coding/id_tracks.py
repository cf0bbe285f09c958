"""Between ids of a panoptic PNG, whose classes stand in a list, and classes with tracks.

Legend: H W size, R runs of equal pixels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..base import VOID, ClassTable, SegmentMap
from .id_maps import TRACK_BITS, IdMap, ListedFrame, Segment, check_ids
from .segment_png import check_classes, check_shapes
from .track_numbers import TrackNumbers

MAX_TRACK = (1 << TRACK_BITS) - 1


@dataclass(frozen=True)
class TrackedFrame(ListedFrame):
    """A listed frame of a video whose objects are numbered.

    Attributes:
        tracks: (id, track) of the objects in the frame.
    """

    tracks: tuple[tuple[int, int], ...] = ()

    def segment_map(self, classes: ClassTable) -> SegmentMap:
        """Classes and tracks of the frame.

        Raises:
            FormatError: The PNG is missing or damaged, or has ids that are not listed.
        """
        return to_segment_map(self.read(), classes, dict(self.tracks))


def track_frames(frames: Iterable[ListedFrame], classes: ClassTable) -> list[TrackedFrame]:
    """Number the objects of a video: an id that a track can have is the track, others get the lowest free number."""
    frames, numbers = list(frames), TrackNumbers(classes, MAX_TRACK)
    numbers.reserve(dict.fromkeys((s.category, s.id) for frame in frames for s in _objects(frame.segments, classes)))
    tracked = []
    for frame in frames:
        tracks = tuple((s.id, numbers.number(s.category, s.id)) for s in _objects(frame.segments, classes))
        tracked.append(TrackedFrame(frame.path, frame.segments, frame.origin, frame.position, tracks))
    return tracked


def to_segment_map(frame: IdMap, classes: ClassTable, tracks: Mapping[int, int] | None = None) -> SegmentMap:
    """Classes and tracks of a frame; crowds have track 0.

    Args:
        frame: Ids and their list.
        classes: Says which classes are things.
        tracks: Track of the id of each object. By default the ids are the tracks, or hold them if they are all coded
            as `to_id_map` does.

    Raises:
        FormatError: Ids have pixels, but are not listed.
    """
    flat = frame.ids.reshape(-1)
    first = np.flatnonzero(np.diff(flat, prepend=flat[:1] ^ 1))  # (R,) of each run of equal ids; runs are few
    present, index = np.unique(flat[first], return_inverse=True)
    check_ids(frame, present, prediction=False)
    if tracks is None:
        coded = all(s.id >> TRACK_BITS == s.category + 1 for s in frame.segments)
        tracks = {s.id: s.id & MAX_TRACK if coded else s.id for s in _objects(frame.segments, classes)}
    category = {s.id: s.category for s in reversed(frame.segments)}
    semantic = np.array([category[i] if i else VOID for i in present.tolist()], np.uint8)
    track = np.array([tracks.get(i, 0) if i else 0 for i in present.tolist()], np.int32)
    lengths = np.diff(first, append=len(flat))
    return SegmentMap(*(np.repeat(of[index], lengths).reshape(frame.ids.shape) for of in (semantic, track)))


def to_listed_ids(segments: SegmentMap, classes: ClassTable, numbers: TrackNumbers, where: object) -> IdMap:
    """Ids whose objects keep their track: id = track of an object, (class + 1) << 16 of stuff and of a crowd.

    Args:
        segments: Labels of a frame, (H, W) each.
        classes: Says which classes are things.
        numbers: Tracks of the video so far.
        where: Only named in errors.

    Raises:
        FormatError: A class that the dataset does not have, a negative track, or too many objects.
    """
    semantic, track = check_shapes(segments, where)
    check_classes(semantic, len(classes.names), where, "Use dataset class ids.")
    objects = numbers.renumber(semantic, track, where)  # (H, W), 0 without object
    ids = np.where(objects > 0, objects, (semantic.astype(np.int64) + 1) << TRACK_BITS).astype(np.uint32)
    ids[semantic == VOID] = 0
    present, first, areas = np.unique(ids, return_index=True, return_counts=True)
    category, is_thing = semantic.reshape(-1)[first], classes.is_thing
    listed = [
        Segment(int(i), int(c), bool(is_thing[c] and i > MAX_TRACK), int(area))
        for i, c, area in zip(present, category, areas)
        if i
    ]
    return IdMap(ids, tuple(listed))


def _objects(segments: Iterable[Segment], classes: ClassTable) -> list[Segment]:
    return [s for s in segments if s.category in classes.thing_ids and not s.crowd]
