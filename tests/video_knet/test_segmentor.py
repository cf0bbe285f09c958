"""Properties of video semantic segmentation, whatever the weights: alone, K-Net on each frame, Video K-Net."""

import copy
from dataclasses import replace

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from tests.tiny import CONFIGS, LABELS, SIZE, Thing, build, clip, frame, images
from video_knet.models import VideoSegmentor
from video_knet.models.state import VideoState
from video_knet.models.windows import SlidingWindow, WholeImage, spans

from .videos import assert_trains, pair, predict, video

ATTENTION = dict(channels=16, num_heads=4, ffn_channels=32)
PART = ATTENTION | dict(update=dict(group_channels=8))
SMALL = {
    "labels": LABELS,
    "backbone.stem_channels": 8,
    "backbone.base_channels": 8,
    "kernel_head.head.in_channels": 64,
    "kernel_head.head.channels": 16,
    "auxiliary_head.in_channels": 32,
    "auxiliary_head.channels": 8,
    "decoder.stage": PART,
    "kernel_linking": ATTENTION,
    "kernel_fusion": PART,
}
ALONE = {"decoder": None, "kernel_linking": None, "kernel_fusion": None}
ROWS = {
    "network": ALONE,
    "K-Net": {"kernel_linking": None, "kernel_fusion": None},
    "Video K-Net": {},
    "fusion": {"kernel_linking": None},
    "linking": {"kernel_fusion": None},
    "linking earlier": {"decoder.link_stages": (1,)},
    "key frame only": {"ref_loss": None},
    "no auxiliary head": {"auxiliary_head": None},
}


def tiny(network: str = "pspnet", **changes) -> VideoSegmentor:
    """A network on 64x96 images with 16 channels, 5 classes and all parts; random weights."""
    own = {"kernel_head.head.c1_in_channels": 8} if network == "deeplabv3plus" else {}
    return build(f"video_knet_{network}_r18", SMALL | own, {name.replace("__", "."): v for name, v in changes.items()})


def decisive(model: nn.Module) -> nn.Module:
    """Random classifiers are sure of nothing; with larger weights the classes differ from place to place."""
    with torch.no_grad():
        model.kernel_head.head.conv_seg.weight *= 200
    return model.eval()


@pytest.fixture(scope="module")
def model() -> VideoSegmentor:
    torch.manual_seed(0)
    return decisive(tiny())


@pytest.fixture(scope="module")
def whole(model) -> list[DetDataSample]:
    """Results on four frames given in one call."""
    return predict(model, images(1, 4))


def assert_same(found: list[DetDataSample], wanted: list[DetDataSample]) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        assert torch.equal(a.pred_panoptic.semantic, b.pred_panoptic.semantic)


# Training


@pytest.mark.parametrize("row", ROWS)
def test_gradients_reach_every_parameter(row):
    assert_trains(tiny(**ROWS[row]), images(2, 2), [pair(), pair(12)])


def test_deeplabv3plus_trains_and_predicts():
    model = tiny("deeplabv3plus")
    assert_trains(model, images(1, 2), [pair()])
    assert predict(model, images(1, 2))[1].pred_panoptic.semantic.shape == SIZE


def test_names_of_losses():
    frames = images(2, 2)
    names = {row: list(tiny(**ROWS[row]).loss(frames, [pair()] * 2)) for row in ("network", "K-Net", "Video K-Net")}
    stages = ["init.loss_seg", "s0.loss_seg", "s1.loss_seg", "s2.loss_seg"]
    assert names["network"] == ["init.loss_seg", "aux.loss_seg"]
    assert names["K-Net"] == [*stages, "aux.loss_seg"]
    assert names["Video K-Net"] == [
        *(f"ref.{name}" for name in [*stages, "aux.loss_seg"]),
        *(f"key.{name}" for name in [*stages, "linked.loss_seg", "aux.loss_seg"]),
    ]


def test_a_batch_has_the_mean_loss_of_its_clips(model):
    frames, clips = images(2, 2), [pair(), pair(12)]
    with torch.no_grad():
        both = model.loss(frames, clips)
        singles = [model.loss(frames[i : i + 1], clips[i : i + 1]) for i in range(2)]
    for name, loss in both.items():
        torch.testing.assert_close(loss, (singles[0][name] + singles[1][name]) / 2)


def test_frames_alone_train_where_kernels_see_no_other():
    assert_trains(tiny(**ROWS["K-Net"]), images(2, 1), [clip(frame([Thing(5, 0, 10, 10)])), clip(frame([]))])
    with pytest.raises(ValueError, match="clips of 2 frames, a reference and a key frame, but got 1"):
        tiny().loss(images(2, 1), [clip(frame([]))] * 2)


def test_frames_without_annotation():
    """Nothing to learn is a loss of 0, not NaN."""
    model, nothing = tiny(), frame([], stuff=False)
    assert all(loss == 0 for loss in model.loss(images(1, 2), [clip(nothing, nothing)]).values())
    assert_trains(model, images(1, 2), [clip(frame([]), nothing)])


@pytest.mark.parametrize("ref_loss", [dict(type="ReferenceLoss"), None])
def test_the_key_frame_teaches_the_reference_frame_in_joint_training_only(ref_loss):
    model = decisive(tiny(ref_loss=ref_loss))
    inputs = images(1, 2).requires_grad_()
    losses = model.loss(inputs, [pair()])
    assert any(name.startswith("ref.") for name in losses) == (ref_loss is not None)
    sum(loss for name, loss in losses.items() if name.startswith("key.")).backward()
    assert bool(inputs.grad[:, 0].any()) == (ref_loss is not None)
    assert inputs.grad[:, 1].any()


def test_half_precision():
    """As with --amp: losses near those of full precision, and every gradient finite."""
    model = tiny().train()
    inputs, samples = images(1, 2), [pair()]
    state = torch.get_rng_state()
    wanted = model.loss(inputs, samples)
    torch.set_rng_state(state)  # of the dropout
    with torch.autocast("cpu", torch.bfloat16):
        found = model.loss(inputs, samples)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=0.05, atol=0.05)
    sum(found.values()).backward()
    assert all(torch.isfinite(value.grad).all() for value in model.parameters())


def test_other_frames_need_stages():
    with pytest.raises(ValueError, match="kernel_linking and kernel_fusion need a decoder, but decoder is None"):
        tiny(decoder=None)


# Online inference


def test_results_are_classes_of_the_dataset(whole):
    for result in whole:
        maps = result.pred_panoptic
        assert maps.semantic.dtype == torch.uint8
        assert maps.semantic.shape == maps.track.shape == SIZE
        assert set(maps.semantic.unique().tolist()) <= set(LABELS["ids"])
        assert not maps.track.any()
    assert len(whole[0].pred_panoptic.semantic.unique()) > 1


def test_frames_one_by_one_in_chunks_and_as_a_batch(model, whole):
    inputs = images(1, 4)
    assert_same([result for t in range(4) for result in predict(model, inputs[:, t : t + 1], start=t)], whole)
    assert_same(predict(model, inputs[:, :3]) + predict(model, inputs[:, 3:], start=3), whole)
    with torch.no_grad():
        clips = model.predict(inputs[0][:, None], [clip(sample) for sample in video(4)])
    assert_same([sample for one in clips for sample in one.video_data_samples], whole)
    predict(model, images(1, 2, seed=9), video_id=4)
    assert_same(predict(model, inputs), whole)  # a new video starts anew


def test_only_later_frames_depend_on_the_one_before(model, whole):
    """The first frame is that of K-Net; what follows is not, and depends on what came before."""
    alone = copy.deepcopy(model)
    alone.decoder.kernel_fusion.clear()
    alone.decoder.kernel_linking.clear()
    frames = images(1, 4)
    first, later = (predict(alone, frames[:, t : t + 1])[0].pred_panoptic.semantic for t in (0, 1))
    assert alone.state.kernels is None
    assert torch.equal(first, whole[0].pred_panoptic.semantic)
    assert not torch.equal(later, whole[1].pred_panoptic.semantic)


@torch.no_grad()
def test_a_step_is_pure_in_its_state(model, whole):
    state, (pictures,) = VideoState(video=1), images(1, 4)
    for t, sample in enumerate(video(4)):
        state = replace(state, frame_id=t)
        before = copy.deepcopy(state)
        once, after = model.step(pictures[t : t + 1], copy.deepcopy(sample), state)
        again, same = model.step(pictures[t : t + 1], copy.deepcopy(sample), state)
        assert_same([once, again], [whole[t]] * 2)
        assert torch.equal(after.kernels, same.kernels)
        assert after.kernels.shape == (1, 5, 16)
        assert (state.kernels is None and before.kernels is None) or torch.equal(state.kernels, before.kernels)
        state = after


def test_frames_out_of_order_are_refused(model):
    predict(model, images(1, 2))
    with pytest.raises(ValueError, match="video 1: frame 3 follows frame 1, expected 2"):
        predict(model, images(1, 1), start=3)


def test_padding_is_cut_off_and_the_original_size_restored(model):
    maps = predict(model, images(1, 2), img_shape=(60, 90), ori_shape=(45, 77))[1].pred_panoptic
    assert maps.semantic.shape == maps.track.shape == (45, 77)
    cut = predict(model, images(1, 1), img_shape=(60, 90), ori_shape=(60, 90))[0].pred_panoptic.semantic
    assert torch.equal(cut, predict(model, images(1, 1))[0].pred_panoptic.semantic[:60, :90])


def test_weights_that_diverged_are_named(model):
    broken = copy.deepcopy(model)
    broken.decoder.stages[-1].mask_layer.bias.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="predicts NaN"):
        predict(broken, images(1, 1))


# Windows


def test_spans_cover_a_length():
    assert spans(10, 4, 3) == [slice(0, 4), slice(3, 7), slice(6, 10)]
    assert spans(9, 4, 3) == [slice(0, 4), slice(3, 7), slice(5, 9)]
    assert spans(3, 4, 3) == [slice(0, 3)]
    assert SlidingWindow((4, 4), (4, 4))((4, 8)) == [(slice(0, 4), slice(0, 4)), (slice(0, 4), slice(4, 8))]
    with pytest.raises(ValueError, match=r"size \(4, 4\) cannot have stride \(4, 5\): pixels in between"):
        SlidingWindow((4, 4), (4, 5))


@pytest.mark.parametrize("size", [SIZE, (100, 200)])
def test_a_window_of_the_size_of_the_image_is_the_whole(size, model, whole, monkeypatch):
    monkeypatch.setattr(model, "windows", SlidingWindow(size, (32, 48)))
    assert_same(predict(model, images(1, 4)), whole)


def test_windows_have_kernels_of_their_own(model, whole, monkeypatch):
    """Windows that do not overlap give what each gives as an image, frame after frame."""
    monkeypatch.setattr(model, "windows", SlidingWindow((64, 48), (64, 48)))
    frames, small = images(1, 3), dict(img_shape=(64, 48), ori_shape=(64, 48))
    found = predict(model, frames)
    assert model.state.kernels.shape == (2, 5, 16)
    monkeypatch.setattr(model, "windows", WholeImage())
    halves = [predict(model, frames[..., part], **small) for part in (slice(48), slice(48, None))]
    for result, left, right in zip(found, *halves):
        sides = [left.pred_panoptic.semantic, right.pred_panoptic.semantic]
        assert torch.equal(result.pred_panoptic.semantic, torch.cat(sides, dim=1))


def test_a_video_has_one_size(model, monkeypatch):
    monkeypatch.setattr(model, "windows", SlidingWindow((64, 48), (64, 48)))
    predict(model, images(1, 1))
    with pytest.raises(ValueError, match="frame 1 of video 1 has 1 windows, the frame before had 2"):
        predict(model, images(1, 1)[..., :48], start=1)


@pytest.mark.parametrize("mode", [dict(mode="whole"), dict(mode="slide", crop_size=(48, 48), stride=(32, 32))])
def test_a_network_alone_predicts_as_in_its_own_framework(mode, monkeypatch):
    model = decisive(tiny(**ALONE))
    settings = Config.fromfile(CONFIGS / "video_knet_pspnet_r18.py").model
    settings.backbone.update(init_cfg=None, stem_channels=8, base_channels=8)
    head = {**settings.kernel_head.head, "in_channels": 64, "channels": 16, "num_classes": 5}
    with DefaultScope.overwrite_default_scope("mmseg"):
        host = MODELS.build(
            dict(
                type="mmseg.EncoderDecoder",
                backbone=settings.backbone,
                decode_head=head,
                test_cfg=ConfigDict(mode),
                data_preprocessor=dict(type="SegDataPreProcessor"),
            )
        )
    host.backbone.load_state_dict(model.backbone.state_dict())
    host.decode_head.load_state_dict(model.kernel_head.head.state_dict())
    if mode["mode"] == "slide":
        monkeypatch.setattr(model, "windows", SlidingWindow(mode["crop_size"], mode["stride"]))
    (image,) = images(1, 1)
    with torch.no_grad():
        wanted = host.eval().predict(image)[0].pred_sem_seg.data[0]
    ids = torch.tensor(LABELS["ids"], dtype=torch.uint8)
    assert torch.equal(predict(model, image[None])[0].pred_panoptic.semantic, ids[wanted])
