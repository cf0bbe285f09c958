"""`init_weights` reaches every part: torch's own containers would swallow it."""

import math

import pytest
import torch

from tests.tiny import build


def matrices_follow_xavier(module: torch.nn.Module) -> bool:
    """Whether every matrix fills, and does not leave, the bounds of Xavier's uniform distribution."""
    matrices = [value for value in module.parameters() if value.dim() == 2]
    bounds = [math.sqrt(6 / sum(value.shape)) for value in matrices]
    return all(0.9 * b < value.abs().max() <= b for value, b in zip(matrices, bounds, strict=True))


def test_every_part_is_initialised():
    model = build("video_knet_r50")
    with torch.no_grad():
        for value in model.parameters():
            value.fill_(7.0)

    model.init_weights()

    untouched = [name for name, value in model.named_parameters() if value.dim() > 1 and (value == 7).all()]
    # As released, the first half of the embedding keeps what torch draws at construction.
    assert untouched == ["track_head.embed.kernel_branch.0.weight", "track_head.embed.kernel_layer.weight"]
    for stage in model.decoder.stages:
        # A class starts at probability 0.01: -log(99) = -4.595.
        assert torch.allclose(stage.class_layer.bias, torch.tensor(-4.595), atol=1e-3)
        assert matrices_follow_xavier(stage)
    assert matrices_follow_xavier(model.decoder.kernel_linking)
    assert matrices_follow_xavier(model.decoder.kernel_fusion)
    assert model.kernel_head.thing_kernels.weight.std() > 0.9
    assert model.kernel_head.semantic_kernels.weight.std() < 0.02


def test_stages_of_classes_start_as_those_of_mmsegmentation():
    """Torch's uniform distribution, within 1 / sqrt(C); of the pixel features Kaiming's normal one, sqrt(2 / C)."""
    model = build("video_knet_pspnet_r18")
    model.decoder.init_weights()
    for stage in model.decoder.stages:
        channels = len(stage.pixel_layer.weight)
        assert float(stage.pixel_layer.weight.detach().std()) == pytest.approx(math.sqrt(2 / channels), rel=0.1)
        largest = stage.mask_layer.weight.abs().max()
        assert 0.9 / math.sqrt(channels) < largest <= 1 / math.sqrt(channels)
