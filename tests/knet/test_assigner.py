"""Pencil-and-paper values of the matching costs, and properties of the matching."""

from itertools import permutations
from math import log

import pytest
import torch
from torch import Tensor

from knet.assigner import DICE_FLOOR, MASK_FLOOR, MaskHungarianAssigner, dice_cost, focal_cost, mask_cost
from knet.segments import Segments
from knet.targets import FrameTruth

BIG = 100.0  # sigmoid is 1 or 0


def truth(masks: Tensor, labels: list[int]) -> FrameTruth:
    none = torch.zeros(0, dtype=torch.int64)
    return FrameTruth(torch.tensor(labels), masks, none, masks[:0])


def test_mask_cost():
    masks = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    # p = 1/2 everywhere: half of each pixel agrees.
    # p = (1, 0, 0, 0): all would agree, but p is at least 0.01, so the others agree by 0.99: (1 + 3 * 0.99) / 4.
    # p = (0.01, 1, 1, 1): 0.01 / 4.
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [BIG, -BIG, -BIG, -BIG], [-BIG, BIG, BIG, BIG]])
    torch.testing.assert_close(
        mask_cost(logits.T.sigmoid().clamp(min=MASK_FLOOR), masks), torch.tensor([[-0.5], [-0.9925], [-0.0025]])
    )


def test_dice_cost():
    masks = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    # p = 1/2: 2 * (1/2 + 1/2) / (4 * 1/4 + 2 + 2e-3).
    # p = (1, 1, .001, .001), clamped from 0: 2 * 2 / (2 + 2e-6 + 2 + 2e-3).
    logits = torch.tensor([[0.0] * 4, [BIG, BIG, -BIG, -BIG]])
    wanted = torch.tensor([[-2 / 3.002], [-4 / 4.002002]])
    torch.testing.assert_close(dice_cost(logits.T.sigmoid().clamp(min=DICE_FLOOR), masks), wanted)


def test_focal_cost():
    # p = 1/2: ln 2 * 1/4 * (1/2)^2 if it is the class, ln 2 * 3/4 * (1/2)^2 if not.
    # p = 1 and 0: nothing to pay on one side, ln(1e12) weighted by 3/4 or 1/4 on the other.
    logits = torch.tensor([[0.0, 0.0], [BIG, -BIG]])
    labels = torch.tensor([1, 0, 1])
    half, never = -log(2) / 8, -log(1e-12)
    wanted = torch.tensor([[half, half, half], [0.25 * never, -0.75 * never, 0.25 * never]])
    torch.testing.assert_close(focal_cost(logits, labels), wanted, rtol=1e-4, atol=1e-4)


def test_costs_are_weighted_and_added():
    masks, logits, classes = torch.rand(3, 4, 5).round(), torch.randn(6, 4, 5), torch.randn(6, 2)
    annotation = truth(masks, [0, 1, 1])
    assigner = MaskHungarianAssigner(class_weight=2, mask_weight=3, dice_weight=5)
    (cost,) = assigner.costs(Segments(torch.zeros(1, 6, 1), logits[None], classes[None]), [annotation])
    flat = logits.flatten(1).T.sigmoid(), masks.flatten(1)
    wanted = (
        2 * focal_cost(classes, annotation.labels)
        + 3 * mask_cost(flat[0].clamp(min=0.01), flat[1])
        + 5 * dice_cost(flat[0].clamp(min=0.001), flat[1])
    )
    torch.testing.assert_close(cost, wanted)


@pytest.mark.parametrize(("kernels", "objects"), [(5, 3), (3, 5), (4, 4)])
def test_matching_is_the_cheapest_of_all(kernels, objects):
    masks, logits = torch.rand(objects, 4, 5).round(), torch.randn(1, kernels, 4, 5)
    assigner, annotation = MaskHungarianAssigner(), truth(masks, [0] * objects)
    segments = Segments(torch.zeros(1, kernels, 1), logits)
    (match,), (cost,) = assigner(segments, [annotation]), assigner.costs(segments, [annotation])
    matched = min(kernels, objects)
    assert len(match.kernels) == len(match.objects) == matched
    assert len(set(match.objects.tolist())) == matched
    table = cost if kernels >= objects else cost.T
    cheapest = min(sum(table[r, c] for c, r in enumerate(rows)) for rows in permutations(range(len(table)), matched))
    torch.testing.assert_close(cost[match.kernels, match.objects].sum(), cheapest)


def test_frames_are_matched_one_by_one():
    """Whatever number of objects each has, also none."""
    logits, classes = torch.randn(3, 6, 4, 5), torch.randn(3, 6, 2)
    labels = [torch.zeros(0, dtype=torch.int64), torch.tensor([0, 1]), torch.tensor([1])]
    truths = [truth(torch.rand(len(of_frame), 4, 5).round(), of_frame.tolist()) for of_frame in labels]
    truths[0].labels = labels[0]
    together = MaskHungarianAssigner()(Segments(torch.zeros(3, 6, 1), logits, classes), truths)
    for frame, match in enumerate(together):
        segments = Segments(torch.zeros(1, 6, 1), logits[frame : frame + 1], classes[frame : frame + 1])
        (alone,) = MaskHungarianAssigner()(segments, [truths[frame]])
        assert match.kernels.tolist() == alone.kernels.tolist()
        assert match.objects.tolist() == alone.objects.tolist()
        assert len(match.kernels) == len(labels[frame])


def test_a_network_that_diverged_is_named():
    logits = torch.full((1, 3, 4, 5), torch.nan)
    with pytest.raises(FloatingPointError, match="the network predicts NaN or infinity"):
        MaskHungarianAssigner()(Segments(torch.zeros(1, 3, 1), logits), [truth(torch.ones(1, 4, 5), [0])])
