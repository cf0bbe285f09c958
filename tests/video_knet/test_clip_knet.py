"""Clip-level Video K-Net: tubes, stages over a clip, training on any clip, inference window by window."""

import weakref

import pytest
import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from knet.segments import Segments
from knet.targets import FrameTruth
from tests.tiny import NUM_KERNELS, SIZE, TINY, Thing, build, clip, frame, images
from tests.video_knet.videos import assert_trains, video
from video_knet.models import ClipKNet
from video_knet.models.clip_decoder import ClipSegments
from video_knet.models.state import ClipTracks
from video_knet.models.tubes import as_tubes, mask_ious, tube_truth
from video_knet.models.window_stitching import WindowStitcher

LABELS = dict(type="LabelSpace", num_things=2, num_stuff=0, ids=(4, 7))


def tiny_clip_model(**overrides) -> ClipKNet:
    torch.manual_seed(0)
    return build("clip_knet_r50", TINY | {"labels": LABELS}, overrides)


@torch.no_grad()
def track(model: ClipKNet, inputs: Tensor, length: int | None = None, chunk: int = 1) -> list[DetDataSample]:
    """Results of (1, T, 3, H, W) frames of one video, given in chunks."""
    total = inputs.shape[1]
    frames, done = video(total, video_length=total if length is None else length), []
    for start in range(0, total, chunk):
        stop = min(start + chunk, total)
        for result in model.eval().predict(inputs[:, start:stop], [clip(*frames[start:stop])]):
            done += result.video_data_samples
    return done


def truth(ids: list[int], labels: list[int], rows: list[int]) -> FrameTruth:
    """Objects that cover one row each of a frame of 3x4."""
    masks = torch.zeros(len(ids), 3, 4)
    for mask, row in zip(masks, rows):
        mask[row] = 1
    nothing = torch.zeros(0, dtype=torch.int64)
    return FrameTruth(torch.tensor(labels).long(), masks, nothing, masks[:0], torch.tensor(ids).long())


def test_a_tube_is_one_object_in_all_frames():
    tubes = tube_truth([truth([7, 5], [1, 0], [0, 2]), truth([], [], []), truth([7, 9], [1, 0], [1, 2])])
    assert tubes.ids.tolist() == [5, 7, 9]
    assert tubes.labels.tolist() == [0, 1, 0]
    assert tubes.masks.shape == (3, 9, 4)
    assert tubes.masks[:, :, 0].tolist() == [
        [0, 0, 1, 0, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    assert len(tube_truth([truth([], [], [])]).ids) == 0


def test_frames_of_a_tube_are_resized_apart():
    logits = torch.tensor([-8.0, 8.0]).view(1, 2, 1, 1, 1).expand(1, 2, 1, 2, 2)
    tubes = as_tubes(ClipSegments(torch.zeros(1, 1, 4), logits), (4, 4))
    assert tubes.mask_logits.shape == (1, 1, 8, 4)
    assert tubes.mask_logits[0, 0, :, 0].tolist() == [-8.0] * 4 + [8.0] * 4


def test_a_clip_of_one_frame_passes_the_stages_as_an_image_does():
    model = tiny_clip_model().eval()
    initial, output = model.segment(model.extract_feat(images(1, 1)[0]))
    stages = model.clip_decoder(output.last, initial.features, 1)
    kernels, masks, pixels = output.last.kernels, output.last.mask_logits.flatten(2), initial.features.flatten(2)
    for stage, result in zip(model.clip_decoder.stages, stages, strict=True):
        kernels = stage.refine(stage.assemble(masks, pixels), kernels)
        masks = stage.segment(kernels, pixels)
        torch.testing.assert_close(result.mask_logits[:, 0].flatten(2), masks)
        torch.testing.assert_close(result.kernels.reshape_as(kernels), kernels)
        assert (result.class_logits is None) == (stage is model.clip_decoder.stages[-1])


def test_the_order_of_frames_does_not_matter_and_clips_do_not_mix():
    model = tiny_clip_model().eval()
    inputs = images(2, 3)
    initial, output = model.segment(model.extract_feat(inputs.flatten(0, 1)))
    whole = model.clip_decoder(output.last, initial.features, 3)
    turned = torch.tensor([4, 3, 5])  # the second clip alone, its first two frames swapped
    frames = Segments(output.last.kernels[turned], output.last.mask_logits[turned])
    alone = model.clip_decoder(frames, initial.features[turned], 3)
    for one, other in zip(whole, alone, strict=True):
        torch.testing.assert_close(one.mask_logits[1, [1, 0, 2]], other.mask_logits[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(whole[1].class_logits[1], alone[1].class_logits[0], rtol=1e-4, atol=1e-4)


def test_every_parameter_learns_and_the_losses_are_the_released_ones():
    model = tiny_clip_model()
    first = clip(*(frame([Thing(5, 0, 10, 10 + 4 * t), Thing(7, 1, 34, 50)]) for t in range(3)))
    second = clip(frame([Thing(5, 1, 10, 10)]), frame([]), frame([Thing(9, 0, 20, 30)]))  # objects come and go
    assert_trains(model, images(2, 3), [first, second])
    names = set(model.loss(images(2, 3), [first, second]))
    three = ("loss_cls", "loss_mask", "loss_dice")
    wanted = {f"s{s}.{name}" for s in range(3) for name in three} | {f"clip.s{s}.{n}" for s in range(2) for n in three}
    assert names == wanted | {"clip.s2.loss_mask", "clip.s2.loss_dice"} | {
        "init.loss_mask",
        "init.loss_dice",
        "init.loss_seg",
    }
    assert len(names) == 20


def test_losses_of_a_batch_are_the_mean_of_those_of_its_clips():
    """Where each clip has equally much to find, that is."""
    model, inputs = tiny_clip_model().train(), images(2, 2)
    first = clip(frame([Thing(5, 0, 8, 8)]), frame([Thing(5, 0, 8, 16)]))
    second = clip(frame([Thing(3, 1, 32, 40)]), frame([Thing(3, 1, 32, 48)]))
    with torch.no_grad():
        both = model.loss(inputs, [first, second])
        single = [model.loss(inputs[i : i + 1], [one]) for i, one in enumerate((first, second))]
    for name, loss in both.items():
        torch.testing.assert_close(loss, (single[0][name] + single[1][name]) / 2, rtol=1e-4, atol=1e-5)


def test_videos_of_different_lengths_do_not_touch():
    """One after the other, in one batch or frame by frame, they are what each is alone."""
    model, inputs = tiny_clip_model(window=3), images(2, 4)
    alone = [track(model, inputs[i : i + 1, :length]) for i, length in enumerate((4, 2))]
    found = [*track(model, inputs[:1]), *track(model, inputs[1:, :2])]
    clips = [clip(*video(2, video_length=2, video_id=i)) for i in range(2)]
    with torch.no_grad():
        (result,) = model.eval().predict(inputs[:, :2], clips)  # two videos of two frames
    found += result.video_data_samples
    wanted = [*alone[0], *alone[1], *track(model, inputs[:1, :2]), *alone[1]]
    for one, other in zip(found, wanted, strict=True):
        for name in ("labels", "kernel_indices", "instances_id"):
            assert torch.equal(one.pred_track_instances[name], other.pred_track_instances[name])
        assert (one.pred_track_instances.masks != other.pred_track_instances.masks).float().mean() < 1e-3


def test_clips_without_any_object_train():
    assert_trains(tiny_clip_model(), images(1, 2), [clip(frame([]), frame([]))])


def test_a_video_as_a_whole_is_done_with_its_last_frame():
    model, inputs = tiny_clip_model(), images(1, 5)
    results = track(model, inputs)
    assert [result.frame_id for result in results] == list(range(5))
    first = results[0].pred_track_instances
    assert first.instances_id.tolist() == list(range(1, 11))
    for result in results:
        found = result.pred_track_instances
        assert found.masks.shape == (10, *SIZE)
        assert found.masks.dtype == torch.bool
        assert found.kernel_indices.tolist() == first.kernel_indices.tolist()
        assert torch.equal(found.scores, first.scores)
        assert int(found.kernel_indices.max()) < NUM_KERNELS


@pytest.mark.parametrize("chunk", [2, 5])
def test_frames_may_come_together(chunk):
    model, inputs = tiny_clip_model(), images(1, 5)
    for one, other in zip(track(model, inputs), track(model, inputs, chunk=chunk), strict=True):
        assert torch.equal(one.pred_track_instances.instances_id, other.pred_track_instances.instances_id)
        assert (one.pred_track_instances.masks != other.pred_track_instances.masks).float().mean() < 1e-3


def test_a_window_that_holds_the_video_is_the_whole_video():
    inputs = images(1, 5)
    whole, windowed = track(tiny_clip_model(), inputs), track(tiny_clip_model(window=5), inputs)
    for one, other in zip(whole, windowed, strict=True):
        for name in ("masks", "labels", "scores", "instances_id"):
            assert torch.equal(one.pred_track_instances[name], other.pred_track_instances[name])


def test_larger_clips_of_a_batch_change_nothing():
    """Nor does other padding than that to the divisor."""
    model, inputs = tiny_clip_model(), images(1, 3)
    alone = track(model, inputs, chunk=3)
    padded = torch.nn.functional.pad(inputs, (0, 64, 0, 32))
    frames = video(3, video_length=3)
    with torch.no_grad():
        model.predict(padded, [clip(*frames)])
    for one, other in zip(alone, frames, strict=True):
        for name in ("masks", "labels", "scores", "instances_id"):
            assert torch.equal(one.pred_track_instances[name], other.pred_track_instances[name])


def test_windows_share_frames_and_remember_no_more_than_a_window():
    model, inputs = tiny_clip_model(window=4), images(1, 11)
    seen, frames = [], video(11, video_length=11)
    with torch.no_grad():
        for t in range(11):
            results = model.eval().predict(inputs[:, t : t + 1], [clip(frames[t])])
            seen.append([f.frame_id for result in results for f in result.video_data_samples])
            assert len(model.state.frames) <= 4
    assert seen == [[], [], [], [0, 1, 2, 3], [], [4, 5], [], [6, 7], [], [8, 9], [10]]


def test_a_long_video_takes_the_memory_of_a_window(monkeypatch):
    """Nothing of a frame is alive when its result is dropped, but what the window holds."""
    model, inputs = tiny_clip_model(window=4), images(1, 1)
    alive, most = weakref.WeakSet(), []
    with torch.no_grad():
        levels = model.extract_feat(inputs[0])
        monkeypatch.setattr(model, "extract_feat", lambda images: levels)
        for t in range(200):
            sample = video(1, video_length=200)[0]
            sample.set_metainfo({"frame_id": t})
            alive.add(sample)
            model.eval().predict(inputs, [clip(sample)])
            del sample
            if t % 20 == 19:
                most.append(len(alive))
    assert max(most) <= 4


def test_objects_keep_their_ids_from_window_to_window():
    model = tiny_clip_model(**{"window": 4, "stitcher.match_thr": 0.3})
    still = images(1, 1).expand(-1, 10, -1, -1, -1)  # nothing moves: every window finds the same objects
    results = track(model, still)
    ids = {tuple(result.pred_track_instances.instances_id.tolist()) for result in results}
    assert ids == {tuple(range(1, 11))}


def test_what_lies_in_the_padding_says_nothing_about_identity(monkeypatch):
    model, seen = tiny_clip_model(**{"window": 4, "stitcher.match_thr": 0.3}), []
    stitch = model.stitcher

    def spy(kernels: Tensor, labels: Tensor, masks: Tensor, last: ClipTracks | None) -> tuple[Tensor, int]:
        seen.append((masks, last))
        return stitch(kernels, labels, masks, last)

    monkeypatch.setattr(model, "stitcher", spy)
    spy.overlap = stitch.overlap
    frames = video(6, video_length=6, img_shape=(48, 84), ori_shape=(48, 84))  # in a batch of 64x96
    with torch.no_grad():
        model.eval().predict(images(1, 6), [clip(*frames)])
    (_, _), (masks, last) = seen
    assert masks.shape[1] == last.masks.shape[1] == 2 * 6 * 11  # two frames, cells of 8 pixels that an image reaches
    assert frames[0].pred_track_instances.masks.shape[1:] == (48, 84)


def test_a_video_of_unknown_length_is_finished_by_a_call():
    model, inputs = tiny_clip_model(window=4), images(1, 6)
    assert [f.frame_id for f in track(model, inputs, length=-1)] == [0, 1, 2, 3, 4, 5]
    assert [f.frame_id for f in track(model, inputs[:, :5], length=-1)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="1 frames of video 1 still wait"):
        track(model, inputs)
    assert [f.frame_id for f in model.finish_video().video_data_samples] == [4]
    assert model.finish_video().video_data_samples == []


def test_skipped_frames_are_refused():
    model, inputs = tiny_clip_model(), images(1, 2)
    model.eval().predict(inputs[:, :1], [clip(*video(1, video_length=9))])
    with pytest.raises(ValueError, match="frame 2 follows frame 0"):
        model.predict(inputs[:, :1], [clip(*video(1, start=2, video_length=9))])


def test_stitching_by_masks_and_kernels():
    kernels = torch.tensor([[1.0, 0], [0, 1], [1, 1]])
    masks = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]], dtype=torch.bool)
    last = ClipTracks(torch.tensor([3, 8]), torch.tensor([0, 0]), kernels[[1, 0]], masks[[1, 0]], 9)
    stitch = WindowStitcher(overlap=1, match_thr=0.5)
    ids, count = stitch(kernels, torch.tensor([0, 0, 0]), masks, last)
    assert (ids.tolist(), count) == ([8, 3, 10], 10)
    ids, count = stitch(kernels, torch.tensor([1, 0, 0]), masks, last)  # another label is another object
    assert (ids.tolist(), count) == ([10, 3, 11], 11)
    assert stitch(kernels, torch.tensor([0, 0, 0]), masks, None)[0].tolist() == [1, 2, 3]
    assert mask_ious(masks, masks).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"labels": dict(type="LabelSpace", num_things=2, num_stuff=1)}, "1 stuff classes"),
        ({"window": 2}, "make it longer"),
        ({"stitcher.overlap": 0}, "overlap is 0"),
        ({"clip_decoder.num_gathering": 0}, "num_gathering is 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides, words):
    with pytest.raises(ValueError, match=words):
        tiny_clip_model(**overrides)
