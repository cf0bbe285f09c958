"""The tubes of a window of frames, and which pixels forgive: where the readings of VPQ differ.

A tube is a segment over the frames of a window. Each class here reads them off the window's table, summed over its
frames, in another way.

Legend: g true tubes, p predicted tubes, n pairs of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..formats import VOID
from ..formats.coding.id_maps import Segment
from .contingency import TRACK_BITS, Table, segment_areas, segment_class


@dataclass(frozen=True)
class Tubes:
    """What matching needs to know of a window.

    Attributes:
        true_class, true_area: (g,) class (`VOID` for what is no tube) and pixels of each true tube.
        crowd: (g,) bool, tubes that match nothing and are not missed.
        predicted_class, predicted_area: (p,) the same of the predicted tubes.
        on_void: (p,) pixels that the union leaves out.
        forgiven: (p,) pixels that may explain a tube without a match; more than half of it, and it is no FP.
        true, predicted, shared: (n,) tubes of each pair, and the pixels that they share.
    """

    true_class: np.ndarray
    true_area: np.ndarray
    crowd: np.ndarray
    predicted_class: np.ndarray
    predicted_area: np.ndarray
    on_void: np.ndarray
    forgiven: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    shared: np.ndarray


@dataclass(frozen=True)
class FrameLists:
    """The lists of one frame: what its ids stand for.

    Attributes:
        truth, prediction: Segments in the order of their lists.
    """

    truth: Sequence[Segment]
    prediction: Sequence[Segment]


class PackedTubes:
    """Segments that say their class themselves (class << 24 | track), as in KITTI-STEP: deeplab2's reading.

    A crowd (thing with track 0) is a tube like any other. Void is class 255 with track 0, and forgives.

    Attributes:
        reads_ids: Whether tables are of ids and come with lists, or of packed segments.
    """

    reads_ids = False

    def __call__(self, table: Table, lists: Sequence[FrameLists | None]) -> Tubes:
        """The tubes of a window.

        Args:
            table: Sum of the tables of its frames.
            lists: Not used.
        """
        truth, counts = table.truth, table.counts
        true_tubes, true_area, true = segment_areas(truth, counts)
        tubes, area, predicted = segment_areas(table.prediction, counts)
        on_void = pixels_where(truth == VOID << TRACK_BITS, predicted, counts, len(tubes))
        return Tubes(
            true_class=segment_class(true_tubes),
            true_area=true_area,
            crowd=np.zeros(len(true_tubes), bool),
            predicted_class=segment_class(tubes),
            predicted_area=area,
            on_void=on_void,
            forgiven=self._forgiven(truth, predicted, counts, on_void),
            true=true,
            predicted=predicted,
            shared=counts,
        )

    def _forgiven(
        self, truth: np.ndarray, predicted: np.ndarray, counts: np.ndarray, on_void: np.ndarray
    ) -> np.ndarray:
        return on_void


class ReleasedTubes(PackedTubes):
    """The reading of the authors' scripts: void forgives whatever its track id."""

    def _forgiven(
        self, truth: np.ndarray, predicted: np.ndarray, counts: np.ndarray, on_void: np.ndarray
    ) -> np.ndarray:
        return pixels_where(segment_class(truth) == VOID, predicted, counts, len(on_void))


class ListedTubes:
    """Segments whose class, crowd flag and true area stand in lists: the reading of Cityscapes-VPS and VIPSeg.

    Of an id that changes its class in a window, the first entry counts. The area of a true tube is the sum of its
    entries; that of a predicted one its pixels. Of several crowds of one class only the last forgives.
    """

    reads_ids = True

    def __call__(self, table: Table, lists: Sequence[FrameLists]) -> Tubes:
        """The tubes of a window.

        Args:
            table: Sum of the tables of its frames; segments are ids, 0 is void.
            lists: Of its frames, in temporal order.
        """
        truth = _Entries([segment for frame in lists for segment in frame.truth])
        prediction = _Entries([segment for frame in lists for segment in frame.prediction])
        (true, known_true), (predicted, known) = truth.find(table.truth), prediction.find(table.prediction)
        counts = table.counts
        area = pixels_where(known, predicted, counts, len(prediction.ids))
        on_void = pixels_where(known & (table.truth == 0), predicted, counts, len(prediction.ids))
        both = known_true & known
        forgiven = on_void.copy()
        for g in truth.last_crowds():
            here = pixels_where(both & (true == g), predicted, counts, len(prediction.ids))
            forgiven += np.where(prediction.classes == truth.classes[g], here, 0)
        return Tubes(
            true_class=truth.classes,
            true_area=truth.areas,
            crowd=truth.crowd,
            predicted_class=prediction.classes,
            predicted_area=area,
            on_void=on_void,
            forgiven=forgiven,
            true=true[both],
            predicted=predicted[both],
            shared=counts[both],
        )


class _Entries:
    """Distinct ids of a list of segments, ascending; their first class and crowd flag, and the sum of their areas."""

    def __init__(self, segments: Sequence[Segment]):
        rows = np.array([(s.id, s.category, s.crowd, s.area or 0) for s in segments], np.int64).reshape(-1, 4)
        self.ids, self._first, index = np.unique(rows[:, 0], return_index=True, return_inverse=True)
        self.classes, self.crowd = rows[self._first, 1], rows[self._first, 2] == 1
        self.areas = np.bincount(index, rows[:, 3], len(self.ids)).astype(np.int64)

    def find(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) ids to their (n,) positions, and (n,) bool whether each is listed."""
        if not len(self.ids):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), bool)
        position = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return position, self.ids[position] == ids

    def last_crowds(self) -> list[int]:
        """Position of the last crowd of each class, in the order of the lists."""
        crowds = np.flatnonzero(self.crowd)
        ordered = crowds[np.argsort(self._first[crowds])]
        return list({int(self.classes[g]): int(g) for g in ordered}.values())


def pixels_where(chosen: np.ndarray, predicted: np.ndarray, counts: np.ndarray, tubes: int) -> np.ndarray:
    """(tubes,) pixels of each predicted tube in the chosen pairs."""
    return np.bincount(predicted[chosen], counts[chosen], tubes).astype(np.int64)  # exact: far below 2^53
