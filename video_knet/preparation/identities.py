"""Whether the ids of a video's objects last: one id, one object, one class.

What pixels prove is a fault; what only looks odd is a warning. Formats may number the objects of each class on their
own, so an id alone does not say that two objects are one; the place where they are does.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..formats.base import ClassTable, ObjectMap, SegmentMap
from ..formats.coding.track_numbers import distinct

_SAME_PLACE = 0.5  # of an object's pixels in the frame before: from here on two objects are at one place


class Identities:
    """What is known about the ids of one video, frame after frame.

    Args:
        classes: Class table of the dataset.
        video: Name of the video, for messages.
    """

    def __init__(self, classes: ClassTable, video: str) -> None:
        self.video, self._names = video, classes.names
        self._is_thing = classes.thing_lookup()
        self._frames: Counter[tuple[int, int]] = Counter()  # (class, id) -> frames that have it
        self._busy: list[str] = []  # files that have objects
        self._before: tuple[str, SegmentMap] | None = None
        self._renumbered: str | None = None

    def add(self, where: str, labels: SegmentMap | ObjectMap) -> Iterator[str]:
        """Take the next frame in; gives its faults.

        Args:
            where: File, for messages.
            labels: Its labels.
        """
        if isinstance(labels, ObjectMap):
            objects = list(zip(labels.semantic.tolist(), labels.track.tolist()))
            yield from self._doubled(where, objects)
        else:
            objects = self._objects(labels)
        objects = [(category, track) for category, track in objects if track > 0]
        if objects:
            self._busy.append(where)
        self._frames.update(set(objects))
        if isinstance(labels, SegmentMap):
            if self._before is not None and objects and self._before[1].track.shape == labels.track.shape:
                yield from self._compare(where, labels)
            self._before = where, labels

    def close(self) -> tuple[list[str], list[str]]:
        """Faults and warnings of the video as a whole."""
        if len(self._busy) < 2 or max(self._frames.values(), default=0) > 1:
            return [], []
        text = (
            f"video {self.video}: {len(self._busy)} frames have objects, {self._busy[0]} the first, but no id is in "
            "two of them. Give an object one id in all frames."
        )
        return ([text], []) if self._renumbered else ([], [text])

    def _objects(self, labels: SegmentMap) -> list[tuple[int, int]]:
        """The (class, id) pairs of a frame's things."""
        thing = (labels.track > 0) & self._is_thing[labels.semantic]
        codes = labels.track[thing].astype(np.int64) << 8 | labels.semantic[thing]
        return [(code & 255, code >> 8) for code in distinct(codes).tolist()]

    def _doubled(self, where: str, objects: list[tuple[int, int]]) -> Iterator[str]:
        for track, count in Counter(track for _, track in objects if track > 0).items():
            if count > 1:
                yield f"{where}: id {track} belongs to {count} objects of one frame. Give each object its own id."

    def _compare(self, where: str, labels: SegmentMap) -> Iterator[str]:
        """Objects at the place that they had in the frame before."""
        origin, before = self._before
        old = (before.track > 0) & self._is_thing[before.semantic]
        if not old.any():
            return
        track, semantic = labels.track[old], labels.semantic[old]
        old_track, old_semantic = before.track[old], before.semantic[old]
        thing = (track > 0) & self._is_thing[semantic]
        if (thing & (semantic == old_semantic)).sum() >= _SAME_PLACE * len(old_track):
            self._renumbered = where
        changed = thing & (track == old_track) & (semantic != old_semantic)
        for number in np.unique(old_track[changed]).tolist():
            mine = changed & (old_track == number)
            if mine.sum() >= _SAME_PLACE * (old_track == number).sum():
                now, then = (self._names[int(values[mine][0])] for values in (semantic, old_semantic))
                yield (
                    f"{where}: id {number} is {now}, but was {then} at the same place in {origin}. An object keeps its "
                    "class; correct the label of one of the frames."
                )
