"""The released video model (ResNet-50, KITTI-STEP) with all its weights, and with its backbone bypassed."""

import pytest
import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from knet.checkpoint import Converted, convert
from tests.golden import loaders, recipe
from tests.tiny import build, clip
from video_knet.models import VideoKNet

from .test_modules import expected_ids, fusion_names

NAME = "video_kitti_r50"
IO, LOSS = f"released_models/{NAME}_io", f"released_models/{NAME}_loss"


# Losses and gradients behind a given pyramid


def video_names(case: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the released model, for `kitti_fuse_link` with kernel fusion."""
    names = recipe.released_names("kitti_step_r50")
    if case == "kitti_r50":
        return names
    prefix = "roi_head.mask_head.2."
    stage = {name.removeprefix(prefix): shape for name, shape in names.items() if name.startswith(prefix)}
    return names | {prefix + name: shape for name, shape in fusion_names(stage, "update_dynamic_cov").items()}


@pytest.mark.parametrize("case", ["kitti_r50", "kitti_fuse_link"])
def test_losses_behind_a_given_pyramid(case):
    names = video_names(case)
    converted = convert({name: recipe.weight(name, shape) for name, shape in names.items()})
    assert not converted.missing
    fusion = converted.parts["kernel_fusion"]
    assert (fusion is None) == (case == "kitti_r50")
    model = build("video_knet_r50", {"backbone.depth": 18, "neck": None, "kernel_fusion": fusion})
    keys = model.load_state_dict(converted.state_dict, strict=False)
    assert all(name.startswith("backbone.") for name in keys.missing_keys)
    assert all(name.startswith("neck.") for name in keys.unexpected_keys)

    pyramid = [torch.cat(pair) for pair in zip(recipe.pyramid("train.ref"), recipe.pyramid("train.key"))]
    model.extract_feat = lambda images: pyramid
    losses = model.loss(torch.zeros(1, 2, 3, 128, 192), [loaders.vps_clip()])
    wanted = dict(loaders.vps_facts()[f"train.{case}"]["losses"])
    total = sum(losses.values())
    assert total.item() == pytest.approx(wanted.pop("__total__"), rel=1e-4)
    loaders.assert_same_losses(losses, wanted, video=True, rel=1e-4)
    total.backward()
    loaders.assert_same_gradients(model, converted.used, loaders.vps_facts()[f"train.{case}"]["grad_norms"], rel=1e-3)
    idle = {n for n, p in model.named_parameters() if p.grad is None and not n.startswith("backbone.")}
    assert not idle


# The whole model


def load(model: VideoKNet, converted: Converted) -> VideoKNet:
    model.load_state_dict(converted.state_dict)
    return model


@pytest.fixture(scope="module")
def model() -> VideoKNet:
    return build("video_knet_r50", {"kernel_fusion": None})


@pytest.fixture(scope="module")
def images() -> Tensor:
    return loaders.released_images(NAME)


def test_losses_and_gradients(model, images):
    scales = loaders.read(LOSS, "extra_scale")
    converted = convert(recipe.released_state(NAME, scales))
    load(model, converted).train()
    pair = clip(*(loaders.released_frame(NAME, which) for which in ("ref", "key")))
    losses = model.loss(images[None, :2], [pair])
    loaders.assert_same_losses(losses, loaders.released_losses(NAME), video=True, rel=1e-3)
    sum(losses.values()).backward()
    source = loaders.archive(LOSS)
    wanted = dict(zip(source["grad_names"].tolist(), source["grad_norms"].tolist(), strict=True))
    loaders.assert_same_gradients(model, converted.used, wanted, rel=1e-3)
    # What the released model built without using it is left out here, and all the rest learns.
    assert {*source["grad_none"].tolist()} == {*converted.dropped}
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trainable == {ours for released, ours in converted.used.items() if released in wanted}
    model.zero_grad()


@torch.no_grad()
def test_four_frames(model, images, monkeypatch):
    load(model, convert(recipe.released_state(NAME))).eval()
    calls, tracker = [], model.tracker
    monkeypatch.setattr(model, "tracker", lambda *args: calls.append((args, tracker(*args))) or calls[-1][1])
    meta, kernels = loaders.read(IO, "meta"), None
    for t in range(4):
        at = f"f{t}/"
        levels = model.extract_feat(images[t : t + 1])
        initial, output = model.segment(levels, previous=kernels)
        kernels = output.last.kernels
        loaders.assert_same_forward(levels, initial, output, IO, at)
        if t > 0:
            assert loaders.relative_error(output.linked, IO, at + "stage2/obj_feats_track") < 5e-3

        frame = DetDataSample(metainfo={**meta, "frame_id": t, "video_id": 3})
        model.predict(images[None, t : t + 1], [clip(frame)])
        loaders.assert_same_panoptic(model.labels, frame.pred_panoptic.semantic, IO, at)
        (boxes, scores, labels, embeddings, _, _), (ids, _) = calls[-1]
        known = loaders.read(IO, at + "track/in_bboxes")
        loaders.close(boxes, known[:, :4])
        loaders.close(scores, known[:, 4], atol=1e-3)
        assert labels.tolist() == loaders.read(IO, at + "track/in_labels").tolist()
        loaders.close(embeddings, loaders.read(IO, at + "track/embed/f32"), atol=5e-3)
        out = [loaders.read(IO, f"{at}track/{key}") for key in ("out_bboxes", "out_ids")]
        wanted = expected_ids(known, *out)
        assert ids.tolist() == wanted
        things = frame.pred_track_instances
        assert things.instances_id.tolist() == wanted
        for mask, track in zip(things.masks, wanted):  # each id on its own mask, unlike the released code
            assert (frame.pred_panoptic.track[mask] == track).all()
