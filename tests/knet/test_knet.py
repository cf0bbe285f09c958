"""Properties of the image model, panoptic and instance, and pencil-and-paper values of its small parts."""

import pytest
import torch
from mmdet.structures import DetDataSample

from knet import KNet, LabelSpace
from knet.kernel_update import HardAssembling, KernelUpdateStage
from knet.knet import INSTANCE_OFFSET, mask_boxes
from knet.semantic_fpn import SemanticFPN
from knet.targets import rank_map
from tests.tiny import NUM_KERNELS, SIZE, Thing, frame, images, tiny_image_model

INSTANCE = {
    "labels": dict(_delete_=True, type="LabelSpace", num_things=2),
    "merging": dict(_delete_=True, type="InstanceMerging", max_per_image=7),
}
TASKS = {"panoptic": {"merging.score_thr": 0.0, "merging.overlap_thr": 0.0}, "instance": INSTANCE}


@pytest.fixture(scope="module", params=TASKS)
def model(request) -> KNet:
    torch.manual_seed(0)
    return tiny_image_model(**TASKS[request.param])


def samples() -> list[DetDataSample]:
    """As many things and annotated pixels in both, also on the grid of the losses."""
    first, second = [Thing(1, 0, 8, 12), Thing(2, 1, 36, 52)], [Thing(1, 1, 20, 60), Thing(2, 0, 4, 32)]
    return [frame(first), frame(second)]


def test_every_parameter_learns(model):
    losses = model.train().loss(images(1, 2)[0], samples())
    initial = {f"init.loss_{name}" for name in ("mask", "dice", "rank", "seg")}
    assert set(losses) == initial | {f"s{s}.loss_{n}" for s in range(3) for n in ("cls", "mask", "dice", "rank")}
    sum(losses.values()).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    model.zero_grad()


def test_a_batch_of_two_equals_two_batches_of_one(model):
    inputs, truths = images(1, 2)[0], samples()
    singles = [model.train().loss(inputs[i : i + 1], truths[i : i + 1]) for i in range(2)]
    for name, loss in model.loss(inputs, truths).items():
        torch.testing.assert_close(loss, (singles[0][name] + singles[1][name]) / 2, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("things", [[], [Thing(1, 0, 10, 10)]], ids=["no things", "one"])
def test_images_with_few_or_no_things_and_all_void(model, things):
    losses = model.train().loss(images(1, 2)[0], [frame(things, stuff=False), frame([])])
    assert all(torch.isfinite(loss) for loss in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    model.zero_grad()


@torch.no_grad()
def test_predictions(model):
    """Two images in one batch are as in two, and results have the original size."""
    inputs, meta = images(1, 2)[0], dict(img_shape=(60, 90), ori_shape=(45, 80))
    both = model.eval().predict(inputs, [frame([], **meta) for _ in range(2)])
    for i, result in enumerate(both):
        (single,) = model.predict(inputs[i : i + 1], [frame([], **meta)])
        check = assert_same_instances if model.labels.num_stuff == 0 else assert_same_panoptic
        check(result, single)


def assert_same_instances(result: DetDataSample, single: DetDataSample) -> None:
    found, wanted = result.pred_instances, single.pred_instances
    assert found.masks.shape == (7, 45, 80)
    assert found.masks.dtype == torch.bool
    assert (found.scores.diff() <= 0).all()
    assert set(found.labels.tolist()) <= {0, 1}
    assert torch.equal(found.masks, wanted.masks)
    assert torch.equal(found.bboxes, mask_boxes(found.masks))
    torch.testing.assert_close(found.scores, wanted.scores)


def assert_same_panoptic(result: DetDataSample, single: DetDataSample) -> None:
    maps = result.pred_panoptic
    assert maps.semantic.shape == maps.track.shape == (45, 80)
    assert set(maps.semantic.unique().tolist()) <= {11, 13, 0, 8, 10, 255}
    assert torch.equal(maps.semantic, single.pred_panoptic.semantic)
    assert torch.equal(maps.track, single.pred_panoptic.track)
    # The coding of the host says the same: label + 1000 * segment, number of classes where void.
    codes = result.pred_panoptic_seg.sem_seg[0]
    ids = torch.tensor([11, 13, 0, 8, 10, 255], dtype=torch.uint8)
    assert torch.equal(ids[codes % INSTANCE_OFFSET], maps.semantic)
    things = (codes % INSTANCE_OFFSET) < 2
    assert torch.equal(things, maps.track > 0)
    pairs = set(zip(codes[things].tolist(), maps.track[things].tolist()))
    assert len(pairs) == len({code for code, _ in pairs}) == len({track for _, track in pairs})


def test_forward_gives_the_last_stage(model):
    classes, masks = model(images(1, 2)[0], mode="tensor")
    stuff = model.labels.num_stuff
    assert classes.shape == (2, NUM_KERNELS + stuff, 2 + stuff)
    assert masks.shape == (2, NUM_KERNELS + stuff, SIZE[0] // 8, SIZE[1] // 8)


def test_instance_model_builds_no_stuff():
    model = tiny_image_model(**INSTANCE)
    assert model.kernel_head.semantic_kernels.weight.shape[0] == 2
    assert model.decoder.stages[0].class_layer.out_features == 2


# Small parts


@torch.no_grad()
def test_features_are_transformed_before_or_after_pooling_alike():
    """Masks and group features as the paper writes them: every pixel is transformed, then pooled or multiplied."""
    stage = KernelUpdateStage(num_classes=3, channels=16, num_heads=2, ffn_channels=32)
    features, masks = torch.randn(2, 16, 20), torch.randn(2, 5, 20)
    pixels = stage.pixel_layer(features.mT).mT  # (B, C, P)
    torch.testing.assert_close(stage.assemble(masks, features), (masks > 0).float() @ pixels.mT, rtol=1e-4, atol=1e-4)
    kernels = torch.randn(2, 5, 16)
    wanted = stage.mask_layer(stage.mask_branch(kernels)) @ pixels
    torch.testing.assert_close(stage.segment(kernels, features), wanted, rtol=1e-4, atol=1e-4)


def test_a_pixel_counts_where_a_mask_is_more_likely_than_not():
    logits = torch.tensor([[[-1.0, 0.0, 1e-4, 5.0]]], requires_grad=True)
    weights = HardAssembling()(logits)
    assert weights.tolist() == [[[0, 0, 1, 1]]]
    assert not weights.requires_grad


def test_sums_over_many_pixels_survive_half_precision():
    stage = KernelUpdateStage(num_classes=3, channels=16, num_heads=4, ffn_channels=32)
    stage.init_weights()
    features, mask_logits = torch.rand(1, 16, 60000) * 8, torch.ones(1, 5, 60000)  # sums of 240000; the most is 65504
    kernels = torch.randn(1, 5, 16) + features.sum(2)[:, None]
    with torch.no_grad():
        wanted = stage.refine(stage.assemble(mask_logits, features), kernels)
        with torch.autocast("cpu", dtype=torch.float16):
            found = stage.refine(stage.assemble(mask_logits.half(), features.half()), kernels)
    torch.testing.assert_close(found.float(), wanted, rtol=2e-2, atol=2e-2)


def test_semantic_fpn_without_positional_encoding():
    fpn = SemanticFPN(16, 16, positional_encoding=None, norm_cfg=dict(type="GN", num_groups=4))
    levels = [torch.randn(1, 16, 32 >> i, 48 >> i) for i in range(4)]
    before = [level.clone() for level in levels]
    things, stuff = fpn(levels)
    assert things.shape == stuff.shape == (1, 16, 16, 24)
    SemanticFPN(16, 16, norm_cfg=dict(type="GN", num_groups=4))(levels)
    assert all(torch.equal(a, b) for a, b in zip(levels, before))  # the encoding is not added in place


def test_the_last_kernel_that_touches_a_pixel_owns_it():
    masks = torch.tensor([[[1.0, 0.4, 0.0, 0.0]], [[0.0, 0.1, 1.0, 0.0]]])
    assert rank_map(masks, torch.tensor([3, 8]), ignore=255).tolist() == [[3, 8, 8, 255]]
    assert rank_map(masks[:0], torch.tensor([], dtype=torch.int64), ignore=255).tolist() == [[255] * 4]


@pytest.mark.parametrize("masks", [torch.zeros(0, 4, 5), torch.zeros(2, 4, 5)])
def test_boxes_of_nothing(masks):
    assert mask_boxes(masks.bool()).tolist() == [[0, 0, 0, 0]] * len(masks)


def test_boxes_are_inclusive():
    mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    mask[0, 1:3, 2:5] = True
    assert mask_boxes(mask).tolist() == [[2, 1, 4, 2]]


def test_label_space_needs_an_id_per_class():
    assert LabelSpace(2, 1).dataset_ids == (0, 1, 2)
    with pytest.raises(ValueError, match="2 dataset ids were given for 2 things and 1 stuff classes"):
        LabelSpace(2, 1, (11, 13))
