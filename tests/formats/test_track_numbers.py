"""Numbers for objects: ids that fit are kept, and each (class, track) has one number through the video."""

import numpy as np
import pytest

from video_knet.formats import FormatError
from video_knet.formats.cityscapes.classes import cityscapes_table
from video_knet.formats.coding.track_numbers import TrackNumbers

CLASSES = cityscapes_table(thing_ids=(11, 13))


def numbered(numbers: TrackNumbers, semantic: list, track: list) -> list:
    found = numbers.renumber(np.array(semantic, np.uint8), np.array(track, np.int32), "frame 7")
    assert found.dtype == np.int32
    return found.tolist()


def test_by_hand():
    numbers = TrackNumbers(CLASSES, 9)
    # Stuff, void and crowd have none. Person 3 comes before car 3, which gets the lowest number that no one can claim.
    assert numbered(numbers, [[0, 255, 11], [11, 13, 13]], [[4, 5, 0], [3, 3, 1]]) == [[0, 0, 0], [3, 2, 1]]
    assert numbered(numbers, [[13, 13, 11]], [[2, 3, 10]]) == [[4, 2, 5]]  # 2 is taken, and 10 too large


def test_of_each_class():
    numbers = TrackNumbers(CLASSES, 2, per_class=True)
    assert numbered(numbers, [[11, 13, 13]], [[7, 7, 1]]) == [[1, 2, 1]]
    with pytest.raises(FormatError, match=r"frame 7: more than 2 objects of class 13"):
        numbered(numbers, [[13]], [[9]])


@pytest.mark.parametrize("large", [0, 1 << 20])
def test_ids_are_kept_where_they_can_be(large):
    rng = np.random.default_rng(0)
    track = rng.integers(1, 50, (20, 30)).astype(np.int32)
    semantic = np.where(track % 2, 11, 13).astype(np.uint8)
    track += large
    found = TrackNumbers(CLASSES, 2**31 - 1).renumber(semantic, track)
    np.testing.assert_array_equal(found, track)
    few = TrackNumbers(CLASSES, 60).renumber(semantic, track)
    assert len({*zip(semantic.flat, track.flat)}) == len({*zip(semantic.flat, track.flat, few.flat)})
    assert few.max() < 50
    assert ((few == track) == (large == 0)).all()


def test_negative_tracks_and_empty_frames():
    with pytest.raises(FormatError, match="track id -2 is below 0"):
        numbered(TrackNumbers(CLASSES, 9), [[0]], [[-2]])
    empty = np.zeros((0, 4), np.int32)
    assert TrackNumbers(CLASSES, 9).renumber(empty.astype(np.uint8), empty).shape == (0, 4)
