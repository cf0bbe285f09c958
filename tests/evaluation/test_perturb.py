"""New ids of the self-test: none twice in a video, however long it is, and all within what metrics take."""

from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np

from video_knet.evaluation.contingency import MAX_TRACK, contingency
from video_knet.evaluation.self_test import TruthAsPrediction
from video_knet.formats import ClassTable, SegmentMap
from video_knet.formats.coding.id_maps import MAX_ID, IdMap, Segment

CLASSES = ClassTable(("car", "road"), (0,), ((1, 0, 0), (0, 1, 0)))
POSITIONS = (0, 1, 4095, 100_000)


def segment_map() -> SegmentMap:
    """Two cars, a crowd of cars, and a road with an id that it keeps."""
    return SegmentMap(np.array([[0, 0, 0, 1]], np.uint8), np.array([[7, 3, 0, 9]], np.int32))


def shuffled(labels: SegmentMap | IdMap, positions: Iterable[int] = POSITIONS) -> list:
    """What is predicted at some positions of a video whose frames look alike."""
    benchmark = SimpleNamespace(classes=CLASSES, read_truth=lambda source: labels)
    test = TruthAsPrediction(benchmark, "shuffled_ids")
    return [test.read_prediction((position, None)) for position in positions]


def test_long_videos_have_track_ids_that_can_be_packed():
    found = shuffled(segment_map())
    track = np.concatenate([frame.track for frame in found])  # (frames, 4)
    assert track[:, :2].min() > 0
    assert track.max() <= MAX_TRACK
    assert len(np.unique(track[:, :2])) == 2 * len(POSITIONS)
    assert (track[:, 2:] == [0, 9]).all()
    contingency(segment_map(), found[-1])


def test_each_video_starts_anew():
    first, second, again = (frame.track for frame in shuffled(segment_map(), (0, 1, 0)))
    assert (first == again).all()
    assert (first != second)[:, :2].all()


def test_ids_of_objects_in_id_maps():
    labels = IdMap(np.array([[5, 6, 2]], np.uint32), (Segment(5, 0), Segment(6, 1), Segment(2, 0)))
    found = shuffled(labels)
    ids = np.concatenate([frame.ids for frame in found])  # (frames, 3)
    assert len(np.unique(ids[:, ::2])) == 2 * len(POSITIONS)
    assert ids[:, ::2].min() > MAX_ID
    assert (ids[:, 1] == 6).all()
    assert sorted(segment.id for segment in found[-1].segments) == sorted(ids[-1].tolist())
