"""Predictions made of the truth, for the self-test: as it is, with new ids in each frame, without one class.

Each function knows every kind of labels that a benchmark reads.
"""

from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from ..formats import VOID, ClassTable, SegmentMap
from ..formats.coding.id_maps import IdMap
from ..formats.coding.tracks import PredictedTrack, VideoTracks
from .semantic import SemanticTruth

MAX_OBJECTS = 4096  # of a frame


@singledispatch
def as_prediction(labels: Any) -> Any:
    """The truth of a frame as a perfect prediction: what no prediction has to find is left out."""
    raise TypeError(f"no prediction can be made of {type(labels).__name__}")


@singledispatch
def new_ids(labels: Any, position: int, classes: ClassTable) -> Any:
    """The objects of a frame under ids that no other frame has.

    Args:
        labels: A prediction.
        position: Of the frame in its video.
        classes: Says which classes are things.
    """
    raise TypeError(f"{type(labels).__name__} has no ids")


@singledispatch
def without_class(labels: Any, category: int) -> Any:
    """A prediction without one class; its pixels become void."""
    raise TypeError(f"{type(labels).__name__} has no classes")


@as_prediction.register
def _(labels: SegmentMap) -> SegmentMap:
    return labels


@new_ids.register
def _(labels: SegmentMap, position: int, classes: ClassTable) -> SegmentMap:
    distinct, index = np.unique(labels.track, return_inverse=True)
    fresh = np.where(distinct == 0, 0, position * MAX_OBJECTS + np.arange(1, len(distinct) + 1))
    track = fresh[index].reshape(labels.track.shape).astype(np.int32)
    things = np.append(classes.is_thing, np.zeros(256 - len(classes.names), bool))[labels.semantic]
    return replace(labels, track=np.where(things, track, labels.track))


@without_class.register
def _(labels: SegmentMap, category: int) -> SegmentMap:
    gone = labels.semantic == category
    semantic = np.where(gone, VOID, labels.semantic).astype(np.uint8)
    return replace(labels, semantic=semantic, track=np.where(gone, 0, labels.track).astype(np.int32))


@as_prediction.register
def _(labels: IdMap) -> IdMap:
    present = set(np.unique(labels.ids).tolist())
    kept = {s.id: s for s in reversed(labels.segments) if s.id in present and not s.crowd}
    return _keep(labels, {number: number for number in kept}, tuple(kept.values()))


@new_ids.register
def _(labels: IdMap, position: int, classes: ClassTable) -> IdMap:
    start = (position + 1) * MAX_OBJECTS
    things = [s.id for s in labels.segments if s.category in classes.thing_ids]
    names = {s.id: s.id for s in labels.segments} | {number: start + i for i, number in enumerate(things)}
    # Ids of stuff may be any number below 2 ** 24; those of objects are put above.
    names = {old: new if old == new else (1 << 24) + new for old, new in names.items()}
    segments = tuple(replace(s, id=names[s.id]) for s in labels.segments)
    return _keep(labels, names, segments)


@without_class.register
def _(labels: IdMap, category: int) -> IdMap:
    kept = tuple(s for s in labels.segments if s.category != category)
    return _keep(labels, {s.id: s.id for s in kept}, kept)


def _keep(labels: IdMap, names: dict[int, int], segments: tuple) -> IdMap:
    """The map with ids renamed; those without a name become void."""
    distinct, index = np.unique(labels.ids, return_inverse=True)
    renamed = np.array([names.get(value, 0) for value in distinct.tolist()], np.uint32)
    return replace(labels, ids=renamed[index].reshape(labels.ids.shape), segments=segments)


@as_prediction.register
def _(labels: SemanticTruth) -> SegmentMap:
    return SegmentMap(labels.semantic, np.zeros(labels.semantic.shape, np.int32))


@as_prediction.register
def _(labels: VideoTracks) -> VideoTracks:
    found = [PredictedTrack(t.video_id, t.category_id, 1.0, t.segmentations) for t in labels.tracks if not t.crowd]
    return VideoTracks(labels.video, tuple(found))


@new_ids.register
def _(labels: VideoTracks, position: int, classes: ClassTable) -> VideoTracks:
    single = []
    for track in labels.tracks:
        for t, mask in enumerate(track.segmentations):
            if mask is not None:  # a track of its own in each frame
                masks = tuple(mask if i == t else None for i in range(len(track.segmentations)))
                single.append(replace(track, segmentations=masks))
    return VideoTracks(labels.video, tuple(single))


@without_class.register
def _(labels: VideoTracks, category: int) -> VideoTracks:
    return VideoTracks(labels.video, tuple(track for track in labels.tracks if track.category_id != category))
