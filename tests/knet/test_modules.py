"""Modules of the image model against the released ones, on seeded weights.

Not covered, since no released config uses them and they are no parts of ours: kernels larger than 1x1 in a stage
(`head/k3`), masks on another grid than the features (`head/none/big`), merging things before stuff or stuff before
things (`panoptic/*_first`), and maps of tracks or colours (`trackmap`, `vis`), which the released code draws from
another layout. Class maps in dataset ids: see `tests/video_knet/test_released_labels.py`.
"""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from knet.assigner import MaskHungarianAssigner, dice_cost, focal_cost, mask_cost
from knet.kernel_update import AdaptiveKernelUpdate
from knet.knet import mask_boxes
from knet.labels import LabelSpace
from knet.segment_merging import ImageSize, JointMerging, PanopticSegments
from knet.segments import InitialSegments, Segments
from knet.semantic_fpn import SemanticFPN
from knet.supervision import DeepSupervision, SegmentLoss, SemanticFocalLoss
from knet.targets import FrameTruth, KernelTargets, Match, frame_truth, kernel_targets, semantic_map
from tests.golden import recipe
from tests.golden.loaders import LABEL_OF_ID, close, ours, unit, unit_weights, vps, vps_facts
from video_knet.formats import KittiStep

KITTI = LabelSpace(2, 17)
MASK_LOSSES = dict(
    loss_mask=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0),
    loss_dice=dict(type="DiceLoss", loss_weight=4.0),
    loss_rank=dict(type="CrossEntropyLoss", loss_weight=0.1),
)
CLS_LOSS = dict(type="FocalLoss", loss_weight=2.0)


def adaptive_update(channels: int, weights: dict[str, Tensor]) -> AdaptiveKernelUpdate:
    module = AdaptiveKernelUpdate(channels)
    prefix = "roi_head.mask_head.0.kernel_update_conv."
    module.load_state_dict(ours(weights, prefix, "decoder.stages.0.update."))
    return module


# Adaptive update and semantic FPN


@pytest.mark.parametrize("case", ["k1", "k9"])
def test_adaptive_update(case):
    update = adaptive_update(16, unit_weights("updator/keys", "ku."))
    out = update(unit(f"updator/{case}/x_feat")[:, :, None], unit(f"updator/{case}/proposal"))
    close(out.flatten(0, 1), unit(f"updator/{case}/out"))


def test_adaptive_update_of_256_channels():
    names = recipe.released_names("kitti_step_r50")
    prefix = "roi_head.mask_head.0.kernel_update_conv."
    local = {name.removeprefix(prefix): shape for name, shape in names.items() if name.startswith(prefix)}
    update = adaptive_update(256, {name: recipe.weight(name, shape) for name, shape in local.items()})
    out = update(recipe.tensor("updator.x", 2, 5, 256)[:, :, None], recipe.tensor("updator.k", 2, 5, 1, 256))
    close(out.flatten(0, 1), vps("updator"))


def test_semantic_fpn():
    prefix = "rpn_head.localization_fpn."
    names = {n.removeprefix(prefix): s for n, s in recipe.released_names("kitti_step_r50").items() if prefix in n}
    fpn = SemanticFPN()
    weights = {name: recipe.weight(name, shape) for name, shape in names.items()}
    fpn.load_state_dict(ours(weights, prefix, "kernel_head.semantic_fpn."))
    with torch.no_grad():
        outputs = fpn(recipe.pyramid("sfpn"))
    for i, output in enumerate(outputs):
        close(output.sum(1), vps(f"sfpn.{i}.sum_over_c"), atol=1e-3)


# Matching


def found_objects(match: Match, num_kernels: int) -> list[int]:
    """The released coding: 0 for kernels without an object, else 1 + object."""
    inds = torch.zeros(num_kernels, dtype=torch.int64)
    inds[match.kernels] = match.objects + 1
    return inds.tolist()


def truth_of(masks: Tensor, labels: Tensor) -> FrameTruth:
    return FrameTruth(labels, masks, labels[:0], masks[:0])


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_assigner(case):
    masks, classes, truth_masks, labels = (
        unit(f"assigner/{case}/{key}") for key in ("mask_pred", "cls_pred", "gt_masks", "gt_labels")
    )
    truth = truth_of(truth_masks, labels)
    if len(labels):
        flat = masks.flatten(1).sigmoid(), truth_masks.flatten(1)
        close(2 * focal_cost(classes, labels), unit(f"assigner/{case}/cost_cls"))
        close(mask_cost(flat[0].T.clamp(min=0.01), flat[1]), unit(f"assigner/{case}/cost_mask"))
        close(4 * dice_cost(flat[0].T.clamp(min=0.001), flat[1]), unit(f"assigner/{case}/cost_dice"))
    for logits, key in ((classes[None], "gt_inds"), (None, "gt_inds_nocls")):
        if case == "c" and logits is None:
            continue
        (match,) = MaskHungarianAssigner()(Segments(torch.zeros(1, len(masks), 1), masks[None], logits), [truth])
        assert found_objects(match, len(masks)) == unit(f"assigner/{case}/{key}").tolist()
        assert match.kernels.tolist() == sorted(match.kernels.tolist())


def test_assigner_of_vps_modules():
    masks, classes = recipe.tensor("asg.mask", 6, 16, 24, std=3), recipe.tensor("asg.cls", 6, 2)
    truth = truth_of((recipe.tensor("asg.gt", 3, 16, 24) > 0.8).float(), torch.tensor([0, 1, 1]))
    flat = masks.flatten(1).sigmoid(), truth.masks.flatten(1)
    close(2 * focal_cost(classes, truth.labels), vps("assigner.cls_cost"))
    close(mask_cost(flat[0].T.clamp(min=0.01), flat[1]), vps("assigner.mask_cost"))
    close(4 * dice_cost(flat[0].T.clamp(min=0.001), flat[1]), vps("assigner.dice_cost"))
    (match,) = MaskHungarianAssigner()(Segments(torch.zeros(1, 6, 1), masks[None], classes[None]), [truth])
    assert found_objects(match, 6) == vps("assigner.gt_inds").tolist()
    labels = vps("assigner.labels")
    assert truth.labels[match.objects].tolist() == labels[match.kernels].tolist()


# Ground truth


def kitti_sample(semantic: Tensor, masks: Tensor | None = None) -> DetDataSample:
    """(H, W) dataset ids as a frame, with (G, H, W) objects or none."""
    masks = semantic.new_zeros(0, *semantic.shape) if masks is None else masks
    sample = DetDataSample()
    bitmaps = BitmapMasks(masks.numpy(), *semantic.shape)
    sample.gt_instances = InstanceData(masks=bitmaps, labels=torch.zeros(len(masks), dtype=torch.int64))
    sample.gt_sem_seg = PixelData(sem_seg=LABEL_OF_ID[semantic.long()][None])
    return sample


def test_stuff_masks_of_a_class_map():
    semantic = unit("sem/in")[0]
    truth = frame_truth(kitti_sample(semantic), tuple(semantic.shape), 1, KITTI, semantic.device)
    assert truth.stuff_labels.tolist() == unit("sem/kitti/labels").tolist()
    assert torch.equal(truth.stuff_masks.bool(), unit("sem/kitti/masks"))


def test_stuff_masks_of_every_class():
    semantic = recipe.semantic_map("s2i", range(19), 64, 64)
    truth = frame_truth(kitti_sample(semantic), (64, 64), 1, KITTI, semantic.device)
    assert truth.stuff_labels.tolist() == vps("sem2ins.kitti.labels").tolist()
    assert truth.stuff_masks.flatten(1).sum(1).tolist() == vps("sem2ins.kitti.area").tolist()
    ids = [KittiStep.classes.label_ids[label] for label in truth.stuff_labels]
    for dataset_id, mask in zip(ids, truth.stuff_masks):
        assert torch.equal(mask.bool(), semantic == dataset_id)


def test_ground_truth_is_padded_and_shrunk():
    semantic, masks = unit("gtprep/sem")[0, 0, :20, :28], unit("gtprep/masks")
    truth = frame_truth(kitti_sample(semantic, masks), (24, 32), 2, KITTI, semantic.device)
    close(truth.masks, unit("gtprep/out_masks"))
    assert truth.stuff_labels.tolist() == unit("gtprep/out_cls").tolist()
    close(truth.stuff_masks, unit("gtprep/out_sem"))


def test_boxes():
    boxes, wanted = mask_boxes(unit("boxes/masks")), unit("boxes/out")
    empty = ~unit("boxes/masks").flatten(1).any(1)
    assert empty.any()
    assert boxes[~empty].tolist() == wanted[~empty].tolist()
    assert not boxes[empty].any()  # released: (-1, -1, 10, 10), so that all empty masks overlap


# Losses: 6 thing kernels, 2 thing and 3 stuff classes, two images


@pytest.fixture(scope="module")
def two_images() -> tuple[list[FrameTruth], list[Match]]:
    truths, matches = [], []
    for i in range(2):
        masks, labels, stuff, stuff_labels = (
            unit(f"headloss/in/{key}{i}") for key in ("gt_masks", "gt_labels", "gt_sem_seg", "gt_sem_cls")
        )
        truths.append(FrameTruth(labels, masks, stuff_labels, stuff))
        inds = unit(f"headloss/gt_inds{i}")
        matches.append(Match((inds > 0).nonzero().flatten(), inds[inds > 0] - 1))
    return truths, matches


@pytest.fixture(scope="module")
def targets(two_images) -> list[KernelTargets]:
    return [kernel_targets(truth, match, 6, LabelSpace(2, 3)) for truth, match in zip(*two_images)]


def test_targets(targets):
    classes = torch.cat([t.classes for t in targets])  # (18, 5)
    labels = classes.argmax(1).masked_fill(classes.sum(1) == 0, 5)
    assert labels.tolist() == unit("headloss/target/labels").tolist()
    assert torch.equal(torch.cat([t.class_weights for t in targets]), unit("headloss/target/label_weights"))
    wanted = torch.cat([t.kernels + 9 * i for i, t in enumerate(targets)])
    assert wanted.tolist() == unit("headloss/target/mask_weights").nonzero().flatten().tolist()
    close(torch.cat([t.masks for t in targets]), unit("headloss/target/mask_targets")[wanted])


def test_stage_losses_and_their_gradients(targets):
    classes, masks = (unit(f"headloss/in/{key}").requires_grad_() for key in ("cls", "mask"))
    losses = SegmentLoss(loss_cls=CLS_LOSS, **MASK_LOSSES)(Segments(masks, masks, classes), targets, (12, 16))
    assert {*losses} == {"loss_cls", "loss_mask", "loss_dice", "loss_rank"}
    for name, loss in losses.items():
        close(loss, unit(f"headloss/{name}"))
    sum(losses.values()).backward()
    close(classes.grad, unit("headloss/grad_cls"), atol=1e-6)
    close(masks.grad, unit("headloss/grad_mask"), atol=1e-6)


@pytest.mark.parametrize(
    ("case", "semantic_loss"), [("focal", "SemanticFocalLoss"), ("ce", "SemanticCrossEntropyLoss")]
)
def test_initial_losses(two_images, case, semantic_loss):
    truths, labels = two_images[0], LabelSpace(2, 3)
    supervision = DeepSupervision(
        labels,
        initial_loss=dict(type="SegmentLoss", **MASK_LOSSES),
        semantic_loss=dict(type=semantic_loss),
        stage_loss=dict(type="SegmentLoss"),
    )
    masks = unit("headloss/in/mask")
    initial = InitialSegments(Segments(torch.zeros(2, 9, 1), masks), masks, unit("rpnloss/in/seg_preds"))
    matches = supervision.match(initial.segments, truths)
    found = torch.full((2, 6), 5)
    for row, match, truth in zip(found, matches, truths):
        row[match.kernels] = truth.labels[match.objects]
    assert found.flatten().tolist() == unit("rpnloss/target/labels").tolist()
    semantic = torch.stack([semantic_map(t, m, labels) for t, m in zip(truths, matches)])
    assert torch.equal(semantic, unit("rpnloss/target/seg"))
    losses = supervision(initial, [], truths)
    assert len(losses) == 4
    for name, loss in losses.items():
        close(loss, unit(f"rpnloss/{case}/{name.replace('init.loss_', 'loss_rpn_')}"))


def test_losses_of_the_host():
    """The host's own losses, which the configs name, compute what the released ones did."""
    pred, target = unit("loss/mask_pred").flatten(1), unit("loss/mask_target").flatten(1)
    close(MODELS.build(MASK_LOSSES["loss_dice"])(pred, target), unit("loss/dice"))
    close(MODELS.build(MASK_LOSSES["loss_mask"])(pred, target), unit("loss/bce"))
    one_hot = F.one_hot(unit("loss/cls_labels"), 5)[:, :4]
    focal, logits = MODELS.build(CLS_LOSS), unit("loss/cls_logits")
    close(focal(logits, one_hot, unit("loss/cls_weights"), avg_factor=3), unit("loss/focal"))
    close(focal(logits, one_hot, avg_factor=7), unit("loss/focal_noweight"))
    rank = MODELS.build(MASK_LOSSES["loss_rank"])
    close(rank(unit("loss/ce_logits"), unit("loss/ce_labels"), ignore_index=255), unit("loss/ce_ignore255"))


# Panoptic merging


def assert_same_segments(result: PanopticSegments, wanted: list[dict], index: Tensor, labels: LabelSpace) -> None:
    assert torch.equal(result.index, index.long())
    assert result.is_thing.tolist() == [s["isthing"] for s in wanted]
    # The released code counts stuff classes from 1.
    offsets = [0 if s["isthing"] else labels.num_things - 1 for s in wanted]
    assert result.labels.tolist() == [s["category_id"] + offset for s, offset in zip(wanted, offsets)]
    for i, segment in enumerate(wanted):
        if segment["isthing"]:
            assert result.scores[i].item() == pytest.approx(segment["score"], rel=1e-5)
        else:
            assert int((result.index == i + 1).sum()) == segment["area"]


@pytest.mark.parametrize("case", ["video_joint", "image_joint"])
def test_joint_merging(case):
    meta, labels = unit("panoptic/meta"), LabelSpace(3, 4)
    merging = JointMerging(labels, score_thr=0.3, overlap_thr=0.35, max_per_image=8, stride=4)
    kernels, scores = unit("panoptic/in/obj"), unit("panoptic/in/cls_scores")
    segments = Segments(kernels[None], unit("panoptic/in/mask_logits")[None], scores.logit()[None])
    result = merging(segments, ImageSize.of(meta))
    assert_same_segments(result, unit(f"panoptic/{case}/segments"), unit(f"panoptic/{case}/pan"), labels)
    if case == "video_joint":
        assert torch.equal(kernels[result.kernels[result.is_thing]], unit("panoptic/video_joint/thing_obj"))


def test_joint_merging_of_vps_modules():
    """Each kernel has one class there; stuff is listed by score, class 3 before 2 before 4."""
    things, stuff = recipe.tensor("merge.t", 8, 20, 30, std=2), recipe.tensor("merge.s", 3, 20, 30, std=2)
    scores = torch.zeros(11, 5)
    scores[range(8), [0, 1, 0, 1, 1, 0, 0, 1]] = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.26, 0.2])
    scores[range(8, 11), [2, 3, 4]] = torch.tensor([0.65, 0.95, 0.3])
    segments = Segments(torch.zeros(1, 11, 1), torch.cat([things, stuff[[1, 0, 2]]])[None], scores.logit()[None])
    merging = JointMerging(LabelSpace(2, 3), score_thr=0.25, overlap_thr=0.1, stride=1)
    result = merging(segments, ImageSize((20, 30), (20, 30), (20, 30)))
    wanted = vps_facts()["merge_joint[0.1].info"]
    assert_same_segments(result, wanted, vps("merge_joint[0.1].seg"), LabelSpace(2, 3))
    assert result.kernels[result.is_thing].tolist() == [s["instance_id"] for s in wanted if s["isthing"]]


@pytest.mark.parametrize("annotated", [True, False])
def test_semantic_focal_loss_is_that_of_the_host(annotated):
    logits, labels = 5 * torch.randn(50, 7, requires_grad=True), torch.randint(0, 8, (50,))
    labels = labels if annotated else torch.full_like(labels, 7)
    ours, host = SemanticFocalLoss(loss_weight=2.0), MODELS.build(dict(type="FocalLoss", loss_weight=2.0))
    count = (labels < 7).sum().clamp(min=1)
    losses = ours(logits, labels), host(logits, F.one_hot(labels, 8)[:, :7], avg_factor=count)
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits)[0] for loss in losses))
