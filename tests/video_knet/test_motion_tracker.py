"""Association by appearance and motion: what is gated, what the second pass finds, what is remembered."""

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import Tensor

from video_knet.models.motion_tracker import AppearanceMotionTracker, assign

RED, BLUE = [1.0, 0.0], [0.0, 1.0]


def box(x: float, y: float = 20.0, size: float = 19.0) -> list[float]:
    return [x, y, x + size, y + size]


class Video:
    """A video that is tracked frame by frame."""

    def __init__(self, **settings):
        self.tracker, self.tracks, self.frame = AppearanceMotionTracker(**settings), None, 0

    def see(self, *objects: tuple[list[float], list[float]], labels=None, scores=None) -> list[int]:
        boxes, embeddings = (
            torch.tensor([o[i] for o in objects]).reshape(len(objects), n) for i, n in ((0, 4), (1, 2))
        )
        labels = torch.zeros(len(objects), dtype=torch.int64) if labels is None else torch.tensor(labels)
        scores = torch.ones(len(objects)) if scores is None else torch.tensor(scores)
        ids, self.tracks = self.tracker(boxes, scores, labels, embeddings, self.frame, self.tracks)
        self.frame += 1
        return ids.tolist()


def test_ids_follow_appearance_where_places_are_close():
    video = Video()
    assert video.see((box(20), RED), (box(24), BLUE)) == [1, 2]
    assert video.see((box(20), BLUE), (box(24), RED)) == [2, 1]


def test_appearance_is_gated_by_motion():
    """An object that jumps across the image is a new one, however alike."""
    video = Video()
    video.see((box(20), RED))
    assert video.see((box(160), RED)) == [2]


def test_what_looks_different_is_found_by_overlap():
    video = Video()
    video.see((box(20), RED))
    assert video.see((box(22), BLUE)) == [1]
    assert Video(min_iou=0.95).see((box(20), RED)) == [1]


def test_overlap_alone_needs_the_frame_before():
    video = Video()
    video.see((box(20), RED))
    video.see()
    assert video.see((box(20), BLUE)) == [2]


def test_a_track_is_found_where_it_should_be_by_now():
    """Ten frames at 6 pixels a frame, three unseen: it has moved by more than its size."""
    video = Video()
    for t in range(10):
        assert video.see((box(20 + 6 * t), RED)) == [1]
    for _ in range(3):
        video.see()
    assert video.see((box(20 + 6 * 13), RED)) == [1]
    assert video.see((box(20), RED)) == [2]


def test_labels_have_to_agree():
    video = Video()
    video.see((box(20), RED), labels=[0])
    assert video.see((box(20), RED), labels=[1]) == [2]


def test_low_scores_start_no_track():
    assert Video().see((box(20), RED), (box(60), RED), scores=[0.3, 0.4]) == [0, 1]


def test_tracks_are_forgotten():
    video = Video(memory_frames=3)
    video.see((box(20), RED))
    video.see()
    assert len(video.tracks.ids) == 1
    video.see()
    video.see()
    assert [len(getattr(video.tracks, f.name)) for f in fields(video.tracks) if f.name != "num_tracks"] == [0] * 7
    assert video.see((box(20), RED)) == [2]


def test_an_object_of_one_pixel():
    video = Video()
    assert video.see((box(20, size=0), RED)) == [1]
    assert video.see((box(20, size=0), RED)) == [1]


def test_the_memory_given_is_not_changed():
    video = Video()
    video.see((box(20), RED), (box(60), BLUE))
    tracks, before = video.tracks, copy.deepcopy(video.tracks)
    video.see((box(22), RED), (box(100), RED))
    for field in fields(tracks):
        old, now = getattr(before, field.name), getattr(tracks, field.name)
        assert torch.equal(old, now) if isinstance(old, Tensor) else old == now


@pytest.mark.parametrize(
    ("cost", "pairs"),
    [
        ([[0.1, 0.9], [0.2, 0.1]], [(0, 0), (1, 1)]),
        ([[0.1, 0.9], [0.2, np.inf]], [(0, 0)]),  # two pairs are impossible; one of 0.1 is best
        ([[np.inf, np.inf]], []),
        ([[0.71]], []),
        ([[0.7]], [(0, 0)]),
    ],
)
def test_assignment(cost, pairs):
    assert list(zip(*(index.tolist() for index in assign(np.array(cost), 0.7)))) == pairs
