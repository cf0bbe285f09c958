"""What the tests of the video model share: a clip, what has to hold of losses, and what of results."""

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from torch import Tensor

from tests.tiny import SIZE, Thing, clip, frame
from video_knet.models import VideoKNet


def pair(shift: int = 6) -> TrackDataSample:
    """A reference and a key frame with the same two objects, moved."""
    ref = frame([Thing(5, 0, 10, 10), Thing(7, 1, 34, 50)])
    key = frame([Thing(5, 0, 10, 10 + shift), Thing(7, 1, 34, 50 - shift)])
    return clip(ref, key)


def losses_of(model: VideoKNet, inputs: Tensor, clips: list[TrackDataSample]) -> dict[str, Tensor]:
    return model.train().loss(inputs, clips)


def assert_trains(model: VideoKNet, inputs: Tensor, clips: list[TrackDataSample]) -> None:
    """Losses and gradients are finite, and no part is left out of the graph."""
    model.zero_grad()
    losses = losses_of(model, inputs, clips)
    assert all(torch.isfinite(loss) for loss in losses.values()), losses
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def video(length: int, start: int = 0, **meta) -> list[DetDataSample]:
    """Frames of one video without annotation."""
    shape = dict(img_shape=SIZE, ori_shape=SIZE, batch_input_shape=SIZE)
    metas = [dict(video_id=1) | shape | dict(frame_id=i) | meta for i in range(start, start + length)]
    return [DetDataSample(metainfo=info) for info in metas]


@torch.no_grad()
def predict(model: VideoKNet, inputs: Tensor, start: int = 0, **meta) -> list[DetDataSample]:
    """Results of (1, T, 3, H, W) frames of one video in one call."""
    frames = video(inputs.shape[1], start, **meta)
    (result,) = model.eval().predict(inputs, [clip(*frames)])
    return result.video_data_samples


def assert_consistent(result: DetDataSample, tracked: bool = True) -> None:
    """Maps and instances say the same, in dataset ids and track ids from 1."""
    things, maps = result.pred_track_instances, result.pred_panoptic
    assert maps.semantic.dtype == torch.uint8
    assert maps.track.dtype == torch.int32
    assert maps.semantic.shape == maps.track.shape == tuple(result.ori_shape)
    assert set(maps.semantic.unique().tolist()) <= {11, 13, 0, 8, 10, 255}
    assert things.masks.dtype == torch.bool
    assert things.masks.shape == (len(things.labels), *result.ori_shape)
    assert things.masks.sum(0).max() <= 1 if len(things) else True
    known = things.instances_id[things.instances_id > 0].tolist()
    assert len(set(known)) == len(known)
    assert (things.instances_id >= 0).all()
    assert tracked or not known
    drawn = torch.zeros_like(maps.track)
    for mask, label, track in zip(things.masks, things.labels, things.instances_id):
        assert mask.any()
        assert (maps.semantic[mask] == (11, 13)[label]).all()
        drawn[mask] = track.int()
    assert torch.equal(drawn, maps.track)
    is_thing = (maps.semantic == 11) | (maps.semantic == 13)
    assert torch.equal(is_thing, things.masks.any(0))


def assert_same_results(found: list[DetDataSample], wanted: list[DetDataSample]) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        assert torch.equal(a.pred_panoptic.semantic, b.pred_panoptic.semantic)
        assert torch.equal(a.pred_panoptic.track, b.pred_panoptic.track)
        for key in ("masks", "labels", "instances_id", "kernel_indices"):
            assert torch.equal(a.pred_track_instances[key], b.pred_track_instances[key])
        torch.testing.assert_close(a.pred_track_instances.scores, b.pred_track_instances.scores)
