"""The deformable neck: levels of the FPN's shapes, trainable, on PyTorch's path, with released names."""

import pytest
import torch

import knet.compiled_ops
from knet.checkpoint import convert
from knet.deformable_neck import DeformableNeck
from tests.tiny import Thing, frame, images, tiny_image_model

SMALL = dict(num_layers=1, num_heads=4, ffn_channels=32, norm_cfg=dict(type="GN", num_groups=8))


def small_neck() -> DeformableNeck:
    neck = DeformableNeck(in_channels=[4, 8, 16, 32], out_channels=32, **SMALL)
    neck.init_weights()
    return neck


def test_levels_come_from_fine_to_coarse():
    neck = small_neck()
    levels = [torch.randn(2, 4 << i, 32 >> i, 48 >> i) for i in range(4)]
    out = neck(levels)
    assert [tuple(level.shape) for level in out] == [(2, 32, 32 >> i, 48 >> i) for i in range(4)]
    alone = neck([level[1:] for level in levels])
    for together, single in zip(out, alone, strict=True):
        torch.testing.assert_close(together[1:], single, rtol=1e-4, atol=1e-5)


def test_every_weight_of_the_neck_learns_in_a_model():
    neck = dict(_delete_=True, type="DeformableNeck", in_channels=[8, 16, 32, 64], out_channels=32, **SMALL)
    model = tiny_image_model(neck=neck)
    samples = [frame([Thing(1, 0, 10, 10)]), frame([])]
    sum(model.train().loss(images(2, 1)[:, 0], samples).values()).backward()
    for name, parameter in model.neck.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_without_compiled_operators_attention_takes_the_torch_path(monkeypatch):
    from mmcv.ops import multi_scale_deform_attn

    monkeypatch.setattr(multi_scale_deform_attn, "IS_CUDA_AVAILABLE", True)
    knet.compiled_ops.avoid_compiled_paths()
    assert multi_scale_deform_attn.IS_CUDA_AVAILABLE is False


def test_released_names_of_the_neck():
    """Names from the released configs: layers as the host's earlier release had them."""
    rename = {"self_attn.": "attentions.0.", "ffn.layers.": "ffns.0.layers."}
    released = {}
    for name, value in small_neck().state_dict().items():
        for ours, theirs in rename.items():
            name = name.replace(ours, theirs)
        released[f"neck.{name}"] = value
    assert any("attentions.0.sampling_offsets" in name for name in released)
    converted = convert(released | {"rpn_head.conv_seg.weight": torch.zeros(1, 1, 1, 1)}).state_dict
    own = {f"neck.{name}" for name in small_neck().state_dict()}
    assert {name for name in converted if name.startswith("neck.")} == own


@pytest.mark.parametrize("wrong", [dict(in_channels=[4, 8, 16]), dict(num_outs=5)])
def test_other_numbers_of_levels_are_refused(wrong):
    with pytest.raises(ValueError, match="four levels"):
        DeformableNeck(**(dict(in_channels=[4, 8, 16, 32], out_channels=32) | SMALL | wrong))
