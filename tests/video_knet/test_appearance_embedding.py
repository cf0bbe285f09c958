"""Embeddings of what objects look like: what they read, and what they do not."""

from dataclasses import replace

import pytest
import torch
from mmdet.registry import MODELS

from video_knet.models.appearance_embedding import FrozenAppearance, RoIAlignEmbedding, mask_means
from video_knet.models.track_head import EmbeddingInput

RESNET = dict(type="ResNet", depth=18, base_channels=8, stem_channels=8, frozen_stages=-1)


@pytest.fixture
def objects() -> EmbeddingInput:
    """Two objects on a grid of 8x12 cells of 8 pixels: the upper left quarter, and a cell in the lower right corner."""
    masks = torch.full((2, 8, 12), -1.0)
    masks[0, :4, :6], masks[1, 7, 11] = 1, 1
    levels = [torch.rand(8, 16 // 2**i, 24 // 2**i) for i in range(4)]
    return EmbeddingInput(torch.rand(2, 8), masks, torch.rand(8, 8, 12), levels, torch.rand(3, 64, 96))


def test_mask_means(objects):
    means = mask_means(objects.mask_logits, objects.features)
    torch.testing.assert_close(means[0], objects.features[:, :4, :6].mean((1, 2)))
    torch.testing.assert_close(means[1], objects.features[:, 7, 11])
    assert not mask_means(-objects.mask_logits.abs(), objects.features).any()


def test_boxes_reach_the_far_sides_of_the_cells(objects):
    boxes = RoIAlignEmbedding(channels=8)._boxes(objects)
    assert boxes.tolist() == [[0, 0, 48, 32], [88, 56, 96, 64]]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("KernelEmbedding", {"kernels"}),
        ("MaskEmbedding", {"mask_logits", "features"}),
        ("KernelAndMaskEmbedding", {"kernels", "mask_logits", "features"}),
        ("RoIAlignEmbedding", {"mask_logits", "levels"}),
    ],
)
def test_what_is_read(objects, name, read):
    embed = MODELS.build(dict(type=name, channels=8, num_fcs=2))
    embed.init_weights()
    found = embed(objects)
    assert found.shape == (2, 8)
    for field in ("kernels", "features", "mask_logits", "levels", "image"):
        value = getattr(objects, field)
        other = [level.flip(1) for level in value] if field == "levels" else value.flip(-1)
        same = torch.equal(embed(replace(objects, **{field: other})), found)
        assert same == (field not in read), field
    nothing = replace(objects, kernels=objects.kernels[:0], mask_logits=objects.mask_logits[:0])
    assert embed(nothing).shape == (0, 8)


def test_frozen_appearance_learns_nothing_and_sees_the_image(objects):
    frozen = FrozenAppearance(RESNET, level=0).train()
    frozen.init_weights()
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    found = frozen(objects)
    assert found.shape == (2, 8)
    assert not found.requires_grad
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert all(torch.equal(before[name], value) for name, value in frozen.state_dict().items())
    image = objects.image.clone()
    image[:, 40:, 60:] = 0  # far from the first object
    changed = frozen(replace(objects, image=image))
    torch.testing.assert_close(changed[0], found[0])
    assert not torch.equal(changed[1], found[1])
