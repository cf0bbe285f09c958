"""What tests of several formats do alike: draw a frame, compare, damage a json, and ask for a refusal."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from video_knet.formats import FormatError, SegmentMap


def refuse(call: Callable[[], object], *words: object) -> FormatError:
    """The refusal of a call, whose message has all the words."""
    with pytest.raises(FormatError) as caught:
        call()
    for word in words:
        assert str(word) in str(caught.value)
    return caught.value


def frame(semantic: list, track: list) -> SegmentMap:
    """A frame of one row."""
    return SegmentMap(np.array([semantic], np.uint8), np.array([track], np.int32))


def assert_equal(found: SegmentMap, drawn: SegmentMap) -> None:
    assert (found.semantic.dtype, found.track.dtype) == (np.uint8, np.int32)
    np.testing.assert_array_equal(found.semantic, drawn.semantic)
    np.testing.assert_array_equal(found.track, drawn.track)


def change(path: Path, edit: Callable) -> None:
    """Edit the content of a json in place."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
