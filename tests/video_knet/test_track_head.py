"""Pencil-and-paper values of Eqs. 1 to 3 and properties of their modules."""

from math import exp, log

import pytest
import torch
from torch import Tensor

from video_knet.models.kernel_fusion import KernelFusion
from video_knet.models.kernel_linking import KernelLinking
from video_knet.models.track_head import (
    AssociationL2Loss,
    EmbeddingInput,
    KernelEmbedding,
    TrackHead,
    mean_losses,
)


def ids(*values: int) -> Tensor:
    return torch.tensor(values)


def test_eq_1():
    """One key object: dot products 2 with itself, 0 and 1 with two others."""
    key, ref = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 5.0], [1.0, 0.0]])
    losses = TrackHead().loss(key, ids(7), ref, ids(7, 8, 9))
    # log(1 + exp(0 - 2) + exp(1 - 2)), times the released weight 1/4.
    assert losses["loss_contrast"].item() == pytest.approx(log(1 + exp(-2) + exp(-1)) / 4)


def test_eq_1_is_averaged_over_objects_that_are_found_again():
    key, ref = torch.eye(3), torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    losses = TrackHead().loss(key, ids(1, 2, 3), ref, ids(1, 2))
    # Object 1: 1 against 0; object 2: 2 against 0; object 3 is in the key frame alone.
    assert losses["loss_contrast"].item() == pytest.approx((log(1 + exp(-1)) + log(1 + exp(-2))) / 2 / 4)


def test_eq_2():
    """Cosines 1 with itself, 0 and 1 with two others."""
    key, ref = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 5.0], [1.0, 0.0]])
    # (1 - 1)^2; 0 - 0.1 is clamped to 0; (1 - 0.1)^2; two negatives for one positive, so all count.
    losses = TrackHead().loss(key, ids(7), ref, ids(7, 8, 9))
    assert losses["loss_aux"].item() == pytest.approx(0.81 / 3)


def test_eq_2_with_many_negatives():
    """7 negatives for 1 positive are more than 3 for each of 1 + 1: the 3 hardest count; of 6 all do."""
    cosines = torch.tensor([[0.6, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]])
    same = torch.tensor([[True] + [False] * 7])
    # (0.6 - 1)^2 = 0.16; after the margin 0.7, 0.6, 0.5 of the last three: 0.49 + 0.36 + 0.25.
    assert AssociationL2Loss()(cosines, same).item() == pytest.approx((0.16 + 1.10) / 4)
    # after the margin 0.1, 0.2, 0.3, 0.4, 0.5, 0.6: squares sum up to 0.91.
    assert AssociationL2Loss(2.0)(cosines[:, :7], same[:, :7]).item() == pytest.approx(2 * (0.16 + 0.91) / 7)


@pytest.mark.parametrize(
    ("key_ids", "ref_ids"),
    [(ids(1, 2), ids(3, 4)), (ids(), ids(3)), (ids(1), ids()), (ids(), ids()), (ids(-1, -1), ids(-1, 3))],
    ids=["none shared", "no key", "no reference", "nothing", "without identity"],
)
def test_pairs_without_a_shared_object(key_ids, ref_ids):
    key, ref = (torch.randn(len(i), 4, requires_grad=True) for i in (key_ids, ref_ids))
    losses = TrackHead().loss(key, key_ids, ref, ref_ids)
    assert losses["loss_contrast"] == 0
    assert torch.isfinite(losses["loss_aux"])
    sum(losses.values()).backward()
    assert torch.isfinite(key.grad).all()
    assert torch.isfinite(ref.grad).all()


def test_losses_are_averaged_over_pairs():
    pairs = [{"loss_a": torch.tensor(1.0)}, {"loss_a": torch.tensor(4.0)}]
    assert mean_losses(pairs)["loss_a"] == 2.5


def test_without_the_second_loss():
    head = TrackHead(loss_aux=None)
    assert set(head.loss(torch.eye(2), ids(1, 2), torch.eye(2), ids(1, 2))) == {"loss_contrast"}


@torch.no_grad()
def test_objects_are_embedded_one_by_one():
    head, kernels, nothing = (
        TrackHead(embed=dict(type="KernelEmbedding", channels=8)),
        torch.randn(5, 8),
        torch.empty(0),
    )
    embeddings = head(EmbeddingInput(kernels, nothing, nothing, []))
    assert embeddings.shape == (5, 8)
    for kernel, embedding in zip(kernels, embeddings):
        torch.testing.assert_close(head(EmbeddingInput(kernel[None], nothing, nothing, []))[0], embedding)
    assert head(EmbeddingInput(kernels[:0], nothing, nothing, [])).shape == (0, 8)


@pytest.mark.parametrize("num_fcs", [0, 1, 2])
def test_layers_of_the_embedding(num_fcs):
    embed = KernelEmbedding(8, num_fcs)
    assert sum(isinstance(module, torch.nn.Linear) for module in embed.modules()) == num_fcs + 3


# Linking and fusion


@torch.no_grad()
def test_linking_attends_to_a_set():
    """Eq. 3: the order of previous kernels does not matter, that of the current ones is kept."""
    linking = KernelLinking(8, 2, 16)
    kernels, previous = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    linked = linking(kernels, previous)
    torch.testing.assert_close(linking(kernels, previous.flip(1)), linked)
    torch.testing.assert_close(linking(kernels.flip(1), previous), linked.flip(1))
    torch.testing.assert_close(linking(kernels[:1], previous[:1]), linked[:1])
    assert not torch.allclose(linking(kernels, previous * 2), linked)


@torch.no_grad()
def test_linking_with_attention_and_network_at_zero_is_two_norms():
    linking = KernelLinking(8, 2, 16)
    for layer in (linking.attention.attn.out_proj, linking.ffn.layers[1]):
        layer.weight.zero_()
        layer.bias.zero_()
    kernels = torch.randn(1, 3, 8)
    normed = torch.nn.functional.layer_norm(torch.nn.functional.layer_norm(kernels, (8,)), (8,))
    torch.testing.assert_close(linking(kernels, torch.randn(1, 3, 8)), normed)


@torch.no_grad()
def test_fusion_updates_the_previous_kernels_by_what_the_frame_shows():
    fusion, plain = KernelFusion(8, 2, 16), KernelFusion(8, 2, 16, update=None)
    plain.load_state_dict(fusion.state_dict(), strict=False)
    kernels, previous, features = torch.randn(3, 2, 5, 8)
    torch.testing.assert_close(plain(kernels, previous, features), fusion.attend(kernels, previous))
    updated = fusion.update(features, previous)
    torch.testing.assert_close(fusion(kernels, previous, features), plain(kernels, updated, features))
    assert not torch.allclose(fusion(kernels, previous, features), fusion(kernels, previous, features * 2))
