"""Which kernels learn to be told apart."""

import pytest
import torch
from torch import Tensor

from knet.segments import Segments
from knet.targets import FrameTruth, Match
from video_knet.models.kernel_sampling import MaskIoUSampler, MatchedKernelSampler


def strips(*spans: tuple[int, int]) -> Tensor:
    """(n, 1, 20) masks that are 1 from one column to another."""
    return torch.stack([torch.tensor([[float(a <= x < b) for x in range(20)]]) for a, b in spans])


def truth(*spans: tuple[int, int]) -> FrameTruth:
    masks, ids = strips(*spans) if spans else torch.zeros(0, 1, 20), torch.arange(5, 5 + len(spans))
    return FrameTruth(torch.zeros_like(ids), masks, ids[:0], masks[:0], ids)


def kernels(*spans: tuple[int, int]) -> Segments:
    return Segments(torch.zeros(1, len(spans), 4), 20 * strips(*spans)[None] - 10)


NO_MATCH = Match(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))


def test_kernels_close_to_an_object_or_far_from_all():
    """IoU 1 and 0.8 with object 5, 0.5, 0 with both, 0.7 with object 6, 0.2."""
    found = MaskIoUSampler()(
        kernels((0, 10), (0, 8), (0, 5), (10, 10), (10, 17), (10, 12)), NO_MATCH, truth((0, 10), (10, 20))
    )
    assert found.kernels.tolist() == [0, 1, 3, 4, 5]
    assert found.ids.tolist() == [5, 5, -1, 6, -1]


def test_without_objects_every_kernel_is_negative():
    found = MaskIoUSampler()(kernels((0, 10), (3, 4)), NO_MATCH, truth())
    assert found.kernels.tolist() == [0, 1]
    assert found.ids.tolist() == [-1, -1]


def test_matched_kernels_have_the_identity_of_their_object():
    match = Match(torch.tensor([0, 2]), torch.tensor([1, 0]))
    found = MatchedKernelSampler()(kernels((0, 10), (0, 1), (10, 20)), match, truth((0, 10), (10, 20)))
    assert found.kernels.tolist() == [0, 2]
    assert found.ids.tolist() == [6, 5]


@pytest.mark.parametrize("sampler", [MatchedKernelSampler(), MaskIoUSampler()])
def test_truth_without_identities_is_refused(sampler):
    image = truth((0, 10))
    image.ids = None
    with pytest.raises(ValueError, match="instances_ids"):
        sampler(kernels((0, 10)), NO_MATCH, image)


def test_bounds_have_an_order():
    with pytest.raises(ValueError, match=r"negative_iou is 0.8, positive_iou 0.7"):
        MaskIoUSampler(negative_iou=0.8)
