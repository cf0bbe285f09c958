"""Properties of the tracker on objects whose embeddings are orthogonal, so that it is plain which is which."""

import copy

import pytest
import torch
from torch import Tensor

from video_knet.models.state import Tracks
from video_knet.models.tracker import QuasiDenseTracker, bidirectional_softmax, cosine, softmax

EMBEDDINGS = 5 * torch.eye(8)  # dot products of 25 and 0
LABELS = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])


def box(i: int, shift: float = 0.0) -> list[float]:
    """Boxes of 10x10 pixels, 20 apart."""
    return [20.0 * i + shift, 0.0, 20.0 * i + 10 + shift, 10.0]


def track(
    objects: list[int],
    frame: int,
    tracks: Tracks | None,
    tracker: QuasiDenseTracker | None = None,
    scores: list[float] | None = None,
    boxes: list[list[float]] | None = None,
    labels: Tensor = LABELS,
) -> tuple[list[int], Tracks]:
    """Ids of some of the eight objects, by falling score unless given."""
    boxes = torch.tensor(boxes or [box(i) for i in objects]).reshape(-1, 4)
    scores = torch.tensor(scores or [0.9 - 0.05 * i for i in range(len(objects))])
    ids, tracks = (tracker or QuasiDenseTracker())(boxes, scores, labels[objects], EMBEDDINGS[objects], frame, tracks)
    return ids.tolist(), tracks


def test_ids_start_at_1_and_follow_the_objects():
    ids, tracks = track([3, 1, 5], 0, None)
    assert ids == [1, 2, 3]
    ids, tracks = track([5, 0, 3, 1], 1, tracks)
    assert ids == [3, 4, 1, 2]
    assert track([0], 2, tracks)[0] == [4]


def test_the_order_of_objects_does_not_matter():
    _, tracks = track([3, 1, 5], 0, None)
    scores = [0.5, 0.9, 0.7, 0.6]
    ids, _ = track([5, 0, 3, 1], 1, tracks, scores=scores)
    turned, _ = track([1, 3, 0, 5], 1, tracks, scores=scores[::-1])
    assert ids == turned[::-1]


def test_the_memory_given_in_is_not_changed():
    _, tracks = track([3, 1, 5], 0, None, scores=[0.9, 0.8, 0.32])
    before = copy.deepcopy(tracks)
    track([1, 3, 2], 1, tracks)
    for key in ("ids", "embeddings", "labels", "last_frames"):
        assert torch.equal(getattr(tracks, key), getattr(before, key))
    assert len(tracks.backdrops) == len(before.backdrops) == 1
    assert tracks.num_tracks == before.num_tracks == 2


def test_a_duplicate_gets_no_id_and_takes_none():
    """The released code pairs ids and masks by position, so that everything after a duplicate got a wrong one."""
    boxes = [box(0), box(0, 1), box(2), box(3)]  # IoU 9/11 of the first two
    ids, tracks = track([0, 4, 2, 3], 0, None, boxes=boxes)
    assert ids == [1, 0, 2, 3]
    assert tracks.ids.tolist() == [1, 2, 3]
    ids, _ = track([2, 3, 0], 1, tracks)
    assert ids == [2, 3, 1]


def test_which_of_two_is_the_duplicate():
    """The one of lower score, wherever it stands."""
    ids, _ = track([0, 4, 2], 0, None, boxes=[box(0), box(0, 1), box(2)], scores=[0.6, 0.9, 0.7])
    assert ids == [0, 1, 2]


def test_what_overlaps_a_duplicate_is_one_too():
    """IoU 9/11 of neighbours, 8/12 of the outer two, which is below the threshold."""
    ids, _ = track([0, 1, 2], 0, None, boxes=[box(0), box(0, 1), box(0, 2)])
    assert ids == [1, 0, 0]


def test_low_scores_are_duplicates_sooner():
    """IoU 5/15: a duplicate only where the score is below 0.3."""
    tracker = QuasiDenseTracker(new_thr=0.1, object_thr=0.1)
    for score, wanted in ((0.31, [1, 2]), (0.29, [1, 0])):
        assert track([0, 2], 0, None, tracker, scores=[0.9, score], boxes=[box(0), box(0, 5)])[0] == wanted


def test_thresholds_are_strict():
    """A new track needs more than 0.35, a match more than 0.3."""
    ids, tracks = track([0, 1], 0, None, scores=[0.9, 0.35])
    assert ids == [1, 0]
    assert len(tracks.backdrops[0][0]) == 1
    assert track([0], 1, tracks, scores=[0.3])[0] == [0]
    assert track([0], 1, tracks, scores=[0.31])[0] == [1]


def test_a_backdrop_catches_what_looks_like_it():
    """Object 1 became no track; where it comes again, it is that, and starts a track of its own."""
    _, tracks = track([0, 1], 0, None, scores=[0.9, 0.33])
    ids, tracks = track([1, 0], 1, tracks, scores=[0.9, 0.8])
    assert ids == [2, 1]
    assert len(tracks.backdrops[0][0]) == 0


def test_other_classes_do_not_match():
    _, tracks = track([0], 0, None)
    other = 1 - LABELS
    assert track([0], 1, tracks, labels=other)[0] == [2]
    assert track([0], 1, tracks, QuasiDenseTracker(same_class=False), labels=other)[0] == [1]


def test_two_that_look_alike_share_no_track():
    """The better one takes it; ids within a frame are unique."""
    _, tracks = track([0], 0, None)
    ids, _ = track([0, 0], 1, tracks, QuasiDenseTracker(similarity="softmax"), boxes=[box(0), box(1)])
    assert ids == [1, 2]


def test_a_track_moves_to_its_new_embedding():
    """By 80 percent."""
    tracker = QuasiDenseTracker(match_thr=0.4)
    _, tracks = track([0], 0, None)
    embedding = torch.zeros(1, 8)
    embedding[0, 1] = 5
    _, moved = tracker(torch.tensor([box(0)]), torch.tensor([0.9]), LABELS[:1], embedding, 1, tracks)
    torch.testing.assert_close(moved.embeddings, torch.tensor([[1.0, 4.0] + [0.0] * 6]))


def test_tracks_age_in_frames_without_things():
    _, tracks = track([0, 1], 0, None, scores=[0.9, 0.33])
    for frame in range(1, 5):
        ids, tracks = track([], frame, tracks)
        assert ids == []
        assert tracks.ids.tolist() == [1]
        assert not len(tracks.backdrops[0][0])
    assert track([0], 5, tracks)[0] == [1]  # tracks are pruned after matching, as released
    _, tracks = track([], 5, tracks)
    assert not len(tracks.ids)
    ids, _ = track([0], 6, tracks)
    assert ids == [2]  # never an old id for a new track


def test_nothing_at_the_start():
    ids, tracks = track([], 0, None)
    assert ids == []
    assert track([2, 1], 1, tracks)[0] == [1, 2]


def test_similarities():
    """Pencil and paper: dot products 0 and ln 3 for the first object, ln 2 and 0 for the second."""
    objects = torch.eye(2)
    memory = torch.tensor([[1.0, 2.0], [3.0, 1.0]]).log()  # (M, C); objects @ memory.T = [[0, ln 3], [ln 2, 0]]
    rows, columns = torch.tensor([[1 / 4, 3 / 4], [2 / 3, 1 / 3]]), torch.tensor([[1 / 3, 3 / 4], [2 / 3, 1 / 4]])
    torch.testing.assert_close(softmax(objects, memory), rows)
    torch.testing.assert_close(bidirectional_softmax(objects, memory), (rows + columns) / 2)
    torch.testing.assert_close(cosine(objects * 3, torch.tensor([[2.0, 2.0]])), torch.full((2, 1), 0.5**0.5))


def test_an_unknown_similarity():
    with pytest.raises(ValueError, match="similarity='bisoftmax' is unknown; choose from bidirectional_softmax, soft"):
        QuasiDenseTracker(similarity="bisoftmax")
