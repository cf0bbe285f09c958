"""What the C library is told, and that another one is left alone."""

import ctypes

import pytest

from video_knet.datasets.memory import keep_freed_memory


@pytest.mark.parametrize("known", [True, False])
def test_only_a_library_with_the_parameters_is_told(known, monkeypatch):
    told = {}
    library = type("Library", (), {"mallopt": staticmethod(told.__setitem__)} if known else {})
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    keep_freed_memory.__wrapped__()
    assert told == ({-1: 128 << 20, -3: 32 << 20} if known else {})  # malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
