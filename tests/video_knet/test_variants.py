"""Every part present and absent: it trains, no parameter is idle, and it predicts."""

import copy

import pytest
import torch

from tests.tiny import CHANNELS, clip, frame, images, tiny_image_model, tiny_video_model

from .videos import assert_consistent, assert_trains, pair, predict

NO_PARTS = dict(kernel_linking=None, kernel_fusion=None, track_head=None, tracker=None, ref_loss=None)
VARIANTS = {
    "all": {},
    "no linking": {"kernel_linking": None},
    "no fusion": {"kernel_fusion": None},
    "neither": {"kernel_linking": None, "kernel_fusion": None},
    "fusion without update": {"kernel_fusion.update": None},
    "linking with update": {"kernel_linking.type": "KernelFusion"},
    "no embedding": {"track_head": None},
    "no embedding, no linking": {"track_head": None, "kernel_linking": None},
    "no embedding, no fusion": {"track_head": None, "kernel_fusion": None},
    "no tracker": {"tracker": None},
    "no reference loss": {"ref_loss": None},
    "no reference loss, no embedding": {"ref_loss": None, "track_head": None},
    "no second embedding loss": {"track_head.loss_aux": None},
    "nothing": NO_PARTS,
    "embedding only": NO_PARTS | {"track_head": {"type": "TrackHead", "embed": {"channels": CHANNELS}}},
    "first stage": {"decoder.link_stages": (0,)},
    "second stage": {"decoder.link_stages": (1,)},
    "all stages": {"decoder.link_stages": (0, 1, 2)},
    "first stage, linking alone": {"decoder.link_stages": (0,), "kernel_fusion": None},
    "first stage, fusion alone": {"decoder.link_stages": (0,), "kernel_linking": None},
    "second stage, no embedding": {"decoder.link_stages": (1,), "track_head": None},
    "second stage, no reference loss": {"decoder.link_stages": (1,), "ref_loss": None},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_learns_and_every_variant_predicts(name):
    variant = tiny_video_model(**copy.deepcopy(VARIANTS[name]))
    assert_trains(variant, images(2, 2), [pair(), pair(12)])
    assert [name for name, parameter in variant.named_parameters() if not parameter.grad.any()] == []
    nothing = clip(frame([], stuff=False), frame([]))
    assert_trains(variant, images(2, 2), [nothing, nothing])  # no parameter is left out, as DDP demands
    for results in predict(variant, images(1, 3)):
        assert_consistent(results, tracked=variant.tracker is not None)
    assert (variant.state.kernels is None) == (not variant.decoder.uses_previous)


def test_things_without_stuff():
    """No stuff kernels, no stuff masks, and boxes that no class map can narrow."""
    labels = dict(_delete_=True, type="LabelSpace", num_things=2, ids=(11, 13))
    variant = tiny_video_model(labels=labels)
    assert_trains(variant, images(1, 2), [pair()])
    for results in predict(variant, images(1, 3)):
        assert_consistent(results)


def test_linking_that_nothing_would_train_is_not_built():
    """Its output is read by the embedding alone, in the last stage."""
    assert not tiny_video_model(track_head=None).decoder.kernel_linking
    frozen = dict(_delete_=True, type="FrozenAppearance", backbone=dict(type="ResNet", depth=18, base_channels=8))
    assert not tiny_video_model(track_head=frozen).decoder.kernel_linking
    assert list(tiny_video_model(**VARIANTS["second stage, no embedding"]).decoder.kernel_linking) == ["1"]


def test_link_stages_have_to_exist():
    with pytest.raises(ValueError, match=r"link_stages=\(3,\): stage 3 does not exist.*stages 0 to 2"):
        tiny_video_model(**{"decoder.link_stages": (3,)})


def test_video_model_without_parts_is_the_image_model():
    """Same weights, same maps on every frame."""
    torch.manual_seed(0)
    video = tiny_video_model(**NO_PARTS)
    still = tiny_image_model(**{"merging.score_thr": 0.0, "merging.overlap_thr": 0.0, "supervision.stride": 2})
    still.load_state_dict(video.state_dict())
    inputs = images(1, 3)
    samples = [frame([]) for _ in range(3)]
    with torch.no_grad():
        still.eval().predict(inputs[0], samples)
    for result, sample in zip(predict(video, inputs), samples):
        assert torch.equal(result.pred_panoptic.semantic, sample.pred_panoptic.semantic)
