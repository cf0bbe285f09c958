"""Properties of online inference, whatever the weights."""

import copy
from dataclasses import replace

import pytest
import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures import DetDataSample

from knet.segment_merging import ImageSize
from tests.tiny import SIZE, clip, images
from video_knet.models.state import VideoState

from .videos import assert_consistent, assert_same_results, predict, video


@pytest.fixture(scope="module")
def whole(model) -> list[DetDataSample]:
    """Results on five frames given in one call."""
    return predict(model, images(1, 5))


def test_results_are_consistent(whole):
    assert sum(len(result.pred_track_instances) for result in whole) >= 5
    for result in whole:
        assert_consistent(result)


def test_ids_start_at_1_and_go_on(whole):
    ids = [result.pred_track_instances.instances_id.tolist() for result in whole]
    assert min(ids[0]) == 1
    seen = set(ids[0])
    for now in ids[1:]:
        new = sorted(set(now) - seen - {0})
        assert new == list(range(max(seen) + 1, max(seen) + 1 + len(new)))
        seen |= set(new)
    assert set(ids[0]) & set(ids[1])  # something was found again


def test_frames_one_by_one(model, whole):
    inputs = images(1, 5)
    singles = [result for t in range(5) for result in predict(model, inputs[:, t : t + 1], start=t)]
    assert_same_results(singles, whole)


def test_frames_in_chunks(model, whole):
    inputs = images(1, 5)
    assert_same_results(predict(model, inputs[:, :2]) + predict(model, inputs[:, 2:], start=2), whole)


def test_frames_as_a_batch(model, whole):
    """Five clips of one frame each, in order."""
    with torch.no_grad():
        clips = model.eval().predict(images(1, 5)[0][:, None], [clip(sample) for sample in video(5)])
    assert_same_results([sample for c in clips for sample in c.video_data_samples], whole)


def test_two_models_on_two_videos_do_not_interact(model, whole):
    other, inputs = copy.deepcopy(model), images(1, 5)
    ours, theirs = [], []
    for t in range(5):
        ours += predict(model, inputs[:, t : t + 1], start=t)
        theirs += predict(other, inputs.flip(1)[:, t : t + 1], start=t, video_id=2)
    assert_same_results(ours, whole)
    assert_same_results(theirs, predict(model, inputs.flip(1), video_id=2))


def test_a_new_video_starts_anew(model, whole):
    predict(model, images(1, 3, seed=9), video_id=4)
    assert_same_results(predict(model, images(1, 5)), whole)
    assert_same_results(predict(model, images(1, 5)), whole)  # the same one again


@pytest.mark.parametrize(
    ("start", "meta", "message"),
    [
        (3, {}, "video 1: frame 3 follows frame 1, expected 2.*every frame in order"),
        (1, {}, "video 1: frame 1 follows frame 1, expected 2"),
        (2, {"video_id": 2}, "frame 2 of video 2 follows frame 1 of video 1.*each from frame 0"),
        (2, {"video_id": 2, "video_name": "0007"}, "frame 2 of video 0007"),
    ],
    ids=["skipped", "repeated", "other video", "named"],
)
def test_frames_out_of_order_are_refused(model, start, meta, message):
    predict(model, images(1, 2))
    with pytest.raises(ValueError, match=message):
        predict(model, images(1, 1), start=start, **meta)


def test_a_video_starts_at_frame_0(model):
    model.state = None
    with pytest.raises(ValueError, match="video 1 starts with frame 4; a video has to start with frame 0"):
        predict(model, images(1, 1), start=4)


def test_a_frame_that_failed_is_not_continued_from(model, monkeypatch):
    predict(model, images(1, 1))
    monkeypatch.setattr(model, "merging", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        predict(model, images(1, 1), start=1)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="starts with frame 2"):
        predict(model, images(1, 1), start=2)


@torch.no_grad()
def test_a_step_is_pure_in_its_state(model, whole):
    """The same state twice gives the same twice, and is as it was."""
    model.eval()
    (pictures,) = images(1, 5)
    levels, state = model.extract_feat(pictures), VideoState(video=1, frame_id=0)
    for t, sample in enumerate(video(5)):
        state, before = replace(state, frame_id=t), copy.deepcopy(replace(state, frame_id=t))
        image, level = pictures[t : t + 1], [x[t : t + 1] for x in levels]
        once, after = model.step(image, level, copy.deepcopy(sample), state)
        again, same = model.step(image, level, copy.deepcopy(sample), state)
        assert_same_results([once, again], [whole[t]] * 2)
        assert_same_state(state, before)
        assert_same_state(after, same)
        state = after


def assert_same_state(found: VideoState, wanted: VideoState) -> None:
    assert (found.video, found.frame_id) == (wanted.video, wanted.frame_id)
    assert (found.kernels is None) == (wanted.kernels is None)
    assert found.kernels is None or torch.equal(found.kernels, wanted.kernels)
    assert (found.tracks is None) == (wanted.tracks is None)
    if found.tracks is not None:
        for key in ("ids", "embeddings", "labels", "last_frames"):
            assert torch.equal(getattr(found.tracks, key), getattr(wanted.tracks, key))
        assert len(found.tracks.backdrops) == len(wanted.tracks.backdrops)


def test_memory_does_not_grow(model):
    """Kernels of one frame; tracks of as many frames as configured."""
    sizes = []
    for t in range(12):
        predict(model, images(1, 12)[:, t : t + 1], start=t)
        sizes.append((model.state.kernels.numel(), len(model.state.tracks.ids), len(model.state.tracks.backdrops)))
        assert model.state.tracks.last_frames.min() > t - 5
    assert {size[0] for size in sizes} == {sizes[0][0]}
    assert max(size[2] for size in sizes) <= 1


def test_frames_without_things(model, monkeypatch):
    """Nothing above the threshold for six frames: the tracks age and are forgotten, ids go on counting."""
    inputs = images(1, 1).expand(1, 8, -1, -1, -1)
    first = predict(model, inputs[:, :1])[0].pred_track_instances
    given = model.state.tracks.num_tracks
    assert given > 0
    monkeypatch.setattr(model.merging, "score_thr", 1.1)
    for t in range(1, 7):
        (result,) = predict(model, inputs[:, t : t + 1], start=t)
        assert len(result.pred_track_instances) == 0
        assert result.pred_track_instances.masks.shape == (0, *SIZE)
        assert not result.pred_panoptic.track.any()
        assert len(model.state.tracks.ids) == (given if t < 5 else 0)
        assert not any(len(labels) for _, labels in model.state.tracks.backdrops)
    monkeypatch.undo()
    (result,) = predict(model, inputs[:, 7:], start=7)
    assert len(result.pred_track_instances) > 0
    assert set(result.pred_track_instances.instances_id.tolist()) - {0}
    assert not set(first.instances_id.tolist()) & set(result.pred_track_instances.instances_id.tolist()) - {0}


def test_first_frame_without_things(model, monkeypatch):
    monkeypatch.setattr(model.merging, "score_thr", 1.1)
    predict(model, images(1, 1))
    monkeypatch.undo()
    (result,) = predict(model, images(1, 2)[:, 1:], start=1)
    assert_consistent(result)
    assert 1 in result.pred_track_instances.instances_id


def test_results_have_the_size_of_the_original_image(model):
    """Padding is cut off before resizing."""
    results = predict(model, images(1, 2), img_shape=(60, 90), ori_shape=(45, 77))
    for result in results:
        assert result.pred_panoptic.semantic.shape == (45, 77)
        assert_consistent(result)
    cut = predict(model, images(1, 1), img_shape=(60, 90), ori_shape=(60, 90))[0].pred_panoptic.semantic
    full = predict(model, images(1, 1))[0].pred_panoptic.semantic
    assert (cut == full[:60, :90]).float().mean() > 0.99  # what was won in the padding may count for a segment's share


def test_boxes_for_the_tracker_leave_out_stuff():
    """Pixels whose per-pixel class is stuff, unless nothing else is in the mask."""
    masks = torch.zeros(2, *SIZE, dtype=torch.bool)
    masks[0, 8:24, 16:48], masks[1, 40:56, 64:80] = True, True
    logits = torch.zeros(5, SIZE[0] // 8, SIZE[1] // 8)  # things win where they are equal
    logits[3, :, 4:] = 100.0  # stuff from column 32 on
    size = ImageSize(SIZE, SIZE, SIZE)

    def boxes(kind: str, masks: torch.Tensor, logits: torch.Tensor = logits, num_things: int = 2) -> list:
        return TASK_UTILS.build(dict(type=kind))(masks, logits, num_things, size).tolist()

    # Bilinear: a pixel before the middle of the last cell without stuff has none of it, so the box ends at 27.
    assert boxes("SemanticBoxes", masks) == [[16, 8, 27, 23], [64, 40, 79, 55]]
    assert boxes("MaskBoxes", masks) == [[16, 8, 47, 23], [64, 40, 79, 55]]
    assert boxes("SemanticBoxes", masks, logits[:2]) == [[16, 8, 47, 23], [64, 40, 79, 55]]  # no class is stuff
    assert boxes("ReleasedSemanticBoxes", masks) == [[16, 8, 27, 23], [-1, -1, 10, 10]]
    for kind in ("MaskBoxes", "SemanticBoxes", "ReleasedSemanticBoxes"):
        assert boxes(kind, masks[:0]) == []


def test_released_boxes_have_the_padding_in_their_classes():
    """The right half of the padded image is stuff; its last quarter is padding."""
    mask = torch.ones(1, 16, 40, dtype=torch.bool)
    logits = torch.zeros(3, 4, 16)
    logits[2, :, 8:] = 100.0
    size = ImageSize((32, 128), (32, 96), (16, 40))  # padded, resized, original
    sides = {
        kind: TASK_UTILS.build(dict(type=kind))(mask, logits, 2, size)[0].tolist()
        for kind in ("SemanticBoxes", "ReleasedSemanticBoxes")
    }
    # Interpolation gives some stuff from column 60 of 128 on: column 25 of the 40 without padding, 19 with it.
    assert sides == {"SemanticBoxes": [0, 0, 24, 15], "ReleasedSemanticBoxes": [0, 0, 18, 15]}
