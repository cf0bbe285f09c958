"""Predictions made of the truth, for the self-test: as it is, with new ids in each frame, without one class.

Each function knows every kind of labels that a benchmark reads.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from ..formats import VOID, ClassTable, SegmentMap
from ..formats.coding.id_maps import MAX_ID, IdMap
from ..formats.coding.tracks import PredictedTrack, VideoTracks
from .semantic import SemanticTruth


@singledispatch
def as_prediction(labels: Any) -> Any:
    """The truth of a frame as a perfect prediction: what no prediction has to find is left out."""
    raise TypeError(f"no prediction can be made of {type(labels).__name__}")


@singledispatch
def new_ids(labels: Any, numbers: Iterator[int], classes: ClassTable) -> Any:
    """The objects of a frame under ids that no other frame has.

    Args:
        labels: A prediction.
        numbers: From 1, those that are not yet taken in the video; each object takes one.
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
def _(labels: SegmentMap, numbers: Iterator[int], classes: ClassTable) -> SegmentMap:
    things = classes.thing_lookup()[labels.semantic]  # (H, W)
    distinct, index = np.unique(np.where(things, labels.track, 0), return_inverse=True)
    fresh = np.array([old and next(numbers) for old in distinct.tolist()], np.int32)
    return replace(labels, track=np.where(things, fresh[index].reshape(things.shape), labels.track))


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
def _(labels: IdMap, numbers: Iterator[int], classes: ClassTable) -> IdMap:
    names = {s.id: s.id for s in labels.segments}
    # Ids of stuff may be any number up to the highest of a file; those of objects are put above.
    names |= {s.id: MAX_ID + next(numbers) for s in labels.segments if s.category in classes.thing_ids}
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
def _(labels: VideoTracks, numbers: Iterator[int], classes: ClassTable) -> VideoTracks:
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
