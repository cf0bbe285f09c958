"""Linking where kernel i is the same class in both frames: attention starts there."""

import pytest
import torch
from mmdet.registry import MODELS

from video_knet.models.kernel_linking import OwnKernelAttention

CLASSES, CHANNELS = 124, 16


def linking(**attention) -> torch.nn.Module:
    """Kernel linking as it starts."""
    torch.manual_seed(0)
    attention = dict(type="OwnKernelAttention", **attention)
    module = MODELS.build(
        dict(type="KernelLinking", channels=CHANNELS, num_heads=2, ffn_channels=8, attention=attention)
    )
    module.init_weights()
    return module.eval()


def kernels() -> tuple[torch.Tensor, torch.Tensor]:
    """(2, CLASSES, CHANNELS) of two frames."""
    generator = torch.Generator().manual_seed(1)
    current, previous = torch.randn(2, 2, CLASSES, CHANNELS, generator=generator)
    return current, previous


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("count", [1, 7, CLASSES])
def test_share_of_the_own_kernel_among_kernels_that_are_alike(share, count):
    attention = OwnKernelAttention(CHANNELS, 2, own_share=share, batch_first=True)
    seen = []
    attention.attn.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs[1]))
    attention(*torch.ones(3, 1, count, CHANNELS))
    own = seen[0][0].diagonal()  # of (1, N, N) weights
    torch.testing.assert_close(own, torch.full((count,), share if count > 1 else 1.0))


def test_a_class_reads_its_own_kernel_first():
    module, (current, previous) = linking(), kernels()
    before = module(current, previous)
    previous[:, 5] += 1.0
    change = (module(current, previous) - before).abs().amax(dim=2)  # (2, CLASSES)
    others = change[:, torch.arange(CLASSES) != 5]
    assert (change[:, 5] > 5 * others.amax(dim=1)).all()
    assert (others > 0).all()  # they may look, too


def test_classes_in_another_order():
    module, (current, previous) = linking(), kernels()
    order = torch.randperm(CLASSES, generator=torch.Generator().manual_seed(2))
    expected = module(current, previous)[:, order]
    torch.testing.assert_close(module(current[:, order], previous[:, order]), expected, atol=1e-5, rtol=1e-5)


def test_the_share_is_learned():
    module, (current, previous) = linking(), kernels()
    module(current, previous).square().mean().backward()
    assert module.attention.own.grad.abs() > 0


def test_half_precision():
    module, (current, previous) = linking(), kernels()
    with torch.autocast("cpu", torch.bfloat16):
        half = module(current, previous)
    torch.testing.assert_close(half.float(), module(current, previous), atol=0.1, rtol=0.1)


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_a_share_that_no_attention_has(share):
    with pytest.raises(ValueError, match=f"own_share={share} has to be above 0 and below 1"):
        linking(own_share=share)
