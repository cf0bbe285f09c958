"""K-Net where a kernel is a class: the same as MMSegmentation's own `IterativeDecodeHead`, given the same weights."""

import re
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import Tensor, nn

import knet
from knet.class_rows import is_class_rows
from knet.class_supervision import ClassSupervision
from knet.kernel_update import AdaptiveKernelUpdate, GroupedKernelUpdate, SoftAssembling
from knet.labels import VOID
from knet.released_names import STAGE, UPDATE

K, C, GROUP, STAGES = 7, 32, 16, 3  # classes, channels of kernels and of their update
LEVELS = [(2, 8, 16, 20), (2, 12, 8, 10), (2, 16, 8, 10), (2, 24, 8, 10)]
COMMON = dict(channels=C, dropout_ratio=0.1, norm_cfg=dict(type="BN"))
HEADS = {
    "PSPHead": dict(in_channels=24, in_index=3, pool_scales=(1, 2, 3), **COMMON),
    "FCNHead": dict(in_channels=24, in_index=3, num_convs=2, concat_input=True, **COMMON),
    "DepthwiseSeparableASPPHead": dict(
        in_channels=24, in_index=3, dilations=(1, 2), c1_in_channels=8, c1_channels=4, **COMMON
    ),
    "UPerHead": dict(in_channels=[8, 12, 16, 24], in_index=[0, 1, 2, 3], pool_scales=(1, 2), **COMMON),
}


def levels() -> list[Tensor]:
    return [torch.randn(shape) for shape in LEVELS]


def our_head(name: str) -> nn.Module:
    return MODELS.build(dict(type="ClassKernelHead", head=dict(type=f"mmseg.{name}", **HEADS[name]), num_classes=K))


def our_decoder() -> nn.Module:
    stage = dict(type="KernelUpdateStage", num_classes=0, channels=C, num_heads=4, ffn_channels=48)
    stage |= dict(assembling=dict(type="SoftAssembling"))
    stage |= dict(update=dict(type="GroupedKernelUpdate", group_channels=GROUP))
    return MODELS.build(dict(type="KernelDecoder", num_stages=STAGES, stage=stage))


def host_head(name: str) -> nn.Module:
    """MMSegmentation's K-Net head, built as its configs do."""
    update = dict(type="KernelUpdator", in_channels=GROUP, feat_channels=GROUP, out_channels=GROUP)
    stage = dict(type="KernelUpdateHead", num_classes=K, num_heads=4, num_mask_fcs=1, feedforward_channels=48)
    stage |= dict(in_channels=C, out_channels=C, kernel_updator_cfg=update | dict(act_cfg=dict(type="ReLU")))
    stages = [stage | dict(feat_transform_cfg=dict(conv_cfg=dict(type="Conv2d"), act_cfg=None)) for _ in range(STAGES)]
    generate = dict(type=name, num_classes=K, **HEADS[name])
    config = dict(type="IterativeDecodeHead", num_stages=STAGES, kernel_update_head=stages)
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(config | dict(kernel_generate_head=generate, _scope_="mmseg"))


def in_our_names(values: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors of the host's head, one for each parameter and buffer, by our names, for `head` and for `decoder`."""
    ours: dict[str, dict[str, Tensor]] = {"head": {}, "decoder": {}}
    for name, value in values.items():
        part, rest = name.split(".", 1)
        if part == "kernel_generate_head":
            ours["head"][f"head.{rest}"] = value
            continue
        stage, name = rest.split(".", 1)
        root = next(root for root in sorted(STAGE, key=len, reverse=True) if name.startswith(f"{root}."))
        rest = name.removeprefix(f"{root}.")
        if root == "kernel_update_conv":
            inner, parameter = rest.split(".")
            rest = f"update.{UPDATE[inner]}.{parameter}"
        value = value.flatten(1) if root == "feat_transform.conv" and rest == "weight" else value
        ours["decoder"][f"stages.{stage}.{STAGE[root]}.{rest}"] = value
    return ours


def take_weights(head: nn.Module, decoder: nn.Module, host: nn.Module) -> None:
    """Every weight of the host's head, under our names; none may be missing or left over."""
    ours = in_our_names(host.state_dict())
    head.load_state_dict(ours["head"])
    decoder.load_state_dict(ours["decoder"])


@pytest.fixture(params=["PSPHead", "FCNHead"])
def pair(request):
    head, decoder, host = our_head(request.param), our_decoder(), host_head(request.param)
    take_weights(head, decoder, host)
    return head, decoder, host


def test_outputs_are_those_of_the_host(pair):
    head, decoder, host = (module.eval() for module in pair)
    inputs = levels()
    with torch.no_grad():
        masks = decoder(head(inputs)).last.mask_logits
        torch.testing.assert_close(masks, host(inputs), rtol=1e-4, atol=1e-5)


def test_losses_and_gradients_are_those_of_the_host(pair):
    from mmseg.structures import SegDataSample

    head, decoder, host = (module.train() for module in pair)
    inputs, truth = levels(), torch.randint(0, K, (2, 1, 61, 77))
    truth[:, :, :20] = VOID
    torch.manual_seed(1)  # of the dropout
    wanted = host.loss(inputs, [SegDataSample(gt_sem_seg=PixelData(data=labels)) for labels in truth], {})
    torch.manual_seed(1)
    initial = head(inputs)
    logits = {"init": initial.semantic_logits}
    logits |= {f"s{s}": stage.mask_logits for s, stage in enumerate(decoder(initial).stages)}
    supervision = ClassSupervision(K)
    targets = supervision.targets([sample(labels) for labels in truth], torch.zeros(2, 3, 61, 77))
    found = supervision(logits, targets)
    assert list(found) == ["init.loss_seg", "s0.loss_seg", "s1.loss_seg", "s2.loss_seg"]
    for i, loss in enumerate(found.values()):
        torch.testing.assert_close(loss, wanted[f"loss_ce.s{i}"], rtol=1e-5, atol=1e-6)
    sum(found.values()).backward()
    sum(loss for name, loss in wanted.items() if "loss" in name).backward()
    gradients = in_our_names({name: value.grad for name, value in host.named_parameters()})
    for module, theirs in (head, gradients["head"]), (decoder, gradients["decoder"]):
        ours = {name: value.grad for name, value in module.named_parameters()}
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def sample(labels: Tensor) -> DetDataSample:
    """(1, H, W) labels as an annotated frame."""
    frame = DetDataSample()
    frame.gt_sem_seg = PixelData(sem_seg=labels)
    return frame


@pytest.mark.parametrize("name", sorted(HEADS))
def test_any_head_gives_its_own_prediction_and_what_it_classified(name):
    """The features under the class kernels, plus the classifier's bias, are the logits of the head as it was."""
    head = our_head(name).eval()
    inputs = levels()
    with torch.no_grad():
        initial = head(inputs)
        del head.head.cls_seg
        torch.testing.assert_close(initial.semantic_logits, head.head(inputs))
    products = torch.einsum("bkc,bchw->bkhw", initial.segments.kernels, initial.features)
    products = products + head.head.conv_seg.bias[:, None, None]
    torch.testing.assert_close(products, initial.segments.mask_logits, rtol=1e-4, atol=1e-5)
    assert initial.segments.mask_logits is initial.semantic_logits


def test_soft_assembling_shares_a_pixel_among_the_classes():
    logits = torch.tensor([[[0.0, 2.0], [0.0, 0.0]]], requires_grad=True)
    weights = SoftAssembling()(logits)
    torch.testing.assert_close(weights[0, :, 0], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(weights.sum(1), torch.ones(1, 2))
    weights[0, 0, 1].backward()
    assert logits.grad.any()


def test_groups_are_updated_alike():
    """Each group of channels as if it were a kernel; one group is the plain update."""
    grouped, features, kernels = GroupedKernelUpdate(8, 4), torch.randn(2, 3, 8), torch.randn(2, 3, 8)
    halves = [grouped.update(features[..., part], kernels[..., part]) for part in (slice(4), slice(4, None))]
    torch.testing.assert_close(grouped(features, kernels), torch.cat(halves, dim=-1))
    whole, plain = GroupedKernelUpdate(8, 8), AdaptiveKernelUpdate(8)
    whole.update.load_state_dict(plain.state_dict())
    torch.testing.assert_close(whole(features, kernels), plain(features, kernels))
    with pytest.raises(ValueError, match=r"8 channels cannot be updated in groups of 3: .* has to divide channels"):
        GroupedKernelUpdate(8, 3)


def test_pixels_that_nobody_annotated_do_not_count():
    """By hand: two pixels, of which one is annotated; the mean is over both, as in the host."""
    supervision = ClassSupervision(2)
    logits = torch.tensor([0.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    targets = supervision.targets([sample(torch.tensor([[[1, VOID]]]))], torch.zeros(1, 3, 1, 2))
    assert targets.tolist() == [[[1, 2]]]
    losses = supervision({"init": logits, "aux": logits}, targets)
    half = torch.log(torch.tensor(2.0)) / 2
    torch.testing.assert_close(losses["init.loss_seg"], half)
    torch.testing.assert_close(losses["aux.loss_seg"], 0.4 * half)


def test_losses_on_a_coarser_grid_ask_for_the_pixels_in_its_middle():
    labels = torch.arange(16).view(1, 4, 4)
    supervision = ClassSupervision(16, stride=2)
    targets = supervision.targets([sample(labels)], torch.zeros(1, 3, 4, 4))
    assert targets.tolist() == [[[5, 7], [13, 15]]]
    perfect = nn.functional.one_hot(targets, 16).movedim(3, 1) * 100.0
    assert supervision({"s0": perfect}, targets)["s0.loss_seg"] < 1e-6


@pytest.mark.parametrize("head", ["kernel_head.head", "auxiliary_head"])
def test_classes_that_a_model_and_its_start_share_are_taken_by_name(head):
    assert is_class_rows(f"{head}.conv_seg.weight")
    assert is_class_rows(f"{head}.conv_seg.bias")
    assert not is_class_rows(f"{head}.bottleneck.conv.weight")


def test_training_needs_class_maps():
    with pytest.raises(ValueError, match="no gt_sem_seg; see PackClipInputs"):
        ClassSupervision(2).targets([DetDataSample()], torch.zeros(1, 3, 4, 4))


def test_nobody_imports_mmseg_but_a_config_that_names_a_part_of_it():
    """Its import takes seconds: only the prefix of a part asks for it."""
    root = Path(knet.__file__).parents[1]
    for path in [*(root / "knet").rglob("*.py"), *(root / "video_knet").rglob("*.py")]:
        assert not re.search(r"^\s*(import|from) mmseg\b", path.read_text(), re.MULTILINE), path
