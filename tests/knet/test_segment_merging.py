"""The panoptic merge against a literal one that resizes every mask, and pencil-and-paper values."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from knet.labels import LabelSpace
from knet.segment_merging import (
    ImageSize,
    InstanceMerging,
    JointMerging,
    PanopticSegments,
    best_pairs,
    compete,
    possible_winners,
    probabilities,
)
from knet.segments import Segments

LABELS = LabelSpace(3, 4)
SIZES = {
    "as is": ImageSize((64, 96), (64, 96), (64, 96)),
    "padded": ImageSize((64, 96), (51, 90), (51, 90)),
    "enlarged": ImageSize((64, 96), (60, 90), (120, 181)),
    "shrunk": ImageSize((64, 96), (60, 90), (23, 37)),
}


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps[None], size, mode="bilinear", align_corners=False)[0]


def literal_probabilities(mask_logits: Tensor, size: ImageSize, stride: int) -> Tensor:
    grid = (size.padded[0] // stride, size.padded[1] // stride)
    padded = resize(resize(mask_logits, grid).sigmoid(), size.padded)
    return resize(padded[:, : size.resized[0], : size.resized[1]], size.original)


def literal_merge(segments: Segments, size: ImageSize, stride: int, thr: float, overlap: float, count: int) -> Tensor:
    """(H, W) label of each pixel, -1 where void: the released algorithm, pair by pair."""
    scores = segments.class_logits[0].sigmoid()
    things, stuff = scores[:-4, :3].flatten(), scores[-4:, 3:].diagonal()
    top, index = things.topk(min(count, len(things)))
    all_scores, labels = torch.cat([top, stuff]), torch.cat([index % 3, torch.arange(3, 7)])
    kernels = torch.cat([index // 3, torch.arange(len(scores) - 4, len(scores))])
    masks = literal_probabilities(segments.mask_logits[0], size, stride)[kernels]
    winner = (masks * all_scores[:, None, None]).argmax(0)
    result = torch.full(winner.shape, -1)
    for i in all_scores.argsort(descending=True).tolist():
        won, own = int((winner == i).sum()), int((masks[i] >= 0.5).sum())
        if won and own and won / own >= overlap and (labels[i] >= 3 or all_scores[i] >= thr):
            result[winner == i] = labels[i]
    return result


def drawn(kind: str, seed: int) -> Segments:
    """12 thing kernels, 4 stuff kernels, on an 8x12 grid."""
    generator = torch.Generator().manual_seed(seed)
    masks, classes = torch.randn(16, 8, 12, generator=generator), torch.randn(16, 7, generator=generator)
    smooth = resize(torch.randn(16, 3, 4, generator=generator), (8, 12))
    masks = {"random": masks, "peaky": masks * 20, "smooth": smooth * 8, "certain": smooth * 60}[kind]
    return Segments(torch.zeros(1, 16, 2), masks[None], classes[None] * 2)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", ["random", "peaky", "smooth", "certain"])
@pytest.mark.parametrize("stride", [2, 4, 8])
def test_pruning_changes_no_winner(kind, size, stride):
    for seed in range(3):
        segments = drawn(kind, seed)
        scores = segments.class_logits[0].sigmoid().amax(1)
        weighted = literal_probabilities(segments.mask_logits[0], size, stride) * scores[:, None, None]
        winner, area, own_area = compete(segments.mask_logits[0], scores, size, stride)
        best = weighted.max(0).values
        assert (weighted.gather(0, winner[None])[0] >= best - 1e-6).all()  # exact but for ties
        assert (winner == weighted.argmax(0)).float().mean() >= 0.9999
        assert torch.equal(area, torch.bincount(winner.flatten(), minlength=16))
        masks = literal_probabilities(segments.mask_logits[0], size, stride) >= 0.5
        assert torch.equal(own_area, masks.flatten(1).sum(1) * (area > 0))


def test_pruning_prunes():
    """Of a certain mask over the whole image and nine that are certain of nothing, one is resized."""
    weighted = torch.full((10, 8, 12), 0.01)
    weighted[4] = 0.9
    assert possible_winners(weighted).tolist() == [4]
    weighted[7, 3, 3] = 0.95
    assert possible_winners(weighted).tolist() == [4, 7]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kind", ["random", "peaky", "smooth", "certain"])
@pytest.mark.parametrize(("overlap", "count"), [(0.6, 100), (0.1, 5), (0.0, 20)])
def test_joint_merging_equals_the_literal_one(kind, size, overlap, count):
    for seed in range(3):
        segments = drawn(kind, seed)
        merging = JointMerging(LABELS, score_thr=0.6, overlap_thr=overlap, max_per_image=count, stride=4)
        result = merging(segments, size)
        labels = torch.cat([torch.tensor([-1]), result.labels])[result.index]
        wanted = literal_merge(segments, size, 4, 0.6, overlap, count)
        assert (labels == wanted).float().mean() >= 0.999
        assert_valid(result, size)


def assert_valid(result: PanopticSegments, size: ImageSize) -> None:
    assert result.index.shape == size.original
    assert sorted(set(result.index.unique().tolist()) | {0}) == list(range(len(result.labels) + 1))
    assert (result.scores.diff() <= 0).all()
    assert torch.equal(result.is_thing, result.labels < 3)
    assert (result.scores[result.is_thing] >= 0.6).all()
    assert len(set(result.kernels.tolist())) == len(result.kernels)
    masks = result.masks(torch.arange(len(result.labels)))
    assert torch.equal(masks.sum(0), (result.index > 0).long())


def merge_blocks(scores: list[float], columns: list[slice], **settings) -> PanopticSegments:
    """Two thing kernels of class 0, certain of some columns of a 4x8 image."""
    masks = torch.full((2, 4, 8), -100.0)
    for mask, inside in zip(masks, columns):
        mask[:, inside] = 100.0
    segments = Segments(torch.zeros(1, 2, 1), masks[None], torch.tensor(scores)[None, :, None].logit())
    return JointMerging(LabelSpace(1), stride=1, **settings)(segments, ImageSize((4, 8), (4, 8), (4, 8)))


def test_what_a_dropped_segment_has_won_stays_void():
    """The better mask takes columns 0-4, the other keeps 3 of its 6 columns."""
    kept = merge_blocks([0.9, 0.8], [slice(0, 5), slice(2, 8)], overlap_thr=0.5)
    assert kept.index[0].tolist() == [1] * 5 + [2] * 3
    assert kept.kernels.tolist() == [0, 1]
    dropped = merge_blocks([0.9, 0.8], [slice(0, 5), slice(2, 8)], overlap_thr=0.51)
    assert dropped.index[0].tolist() == [1] * 5 + [0] * 3
    low = merge_blocks([0.9, 0.2], [slice(0, 5), slice(2, 8)], overlap_thr=0.5, score_thr=0.25)
    assert low.index[0].tolist() == [1] * 5 + [0] * 3


def test_segments_come_by_falling_score():
    swapped = merge_blocks([0.8, 0.9], [slice(0, 5), slice(2, 8)], overlap_thr=0.1)
    assert swapped.index[0].tolist() == [2] * 2 + [1] * 6
    assert swapped.kernels.tolist() == [1, 0]


def test_best_pairs():
    scores, kernels, labels = best_pairs(torch.tensor([[0.1, 0.9], [0.8, 0.7]]), 3)
    assert scores.tolist() == pytest.approx([0.9, 0.8, 0.7])
    assert kernels.tolist() == [0, 1, 1]
    assert labels.tolist() == [1, 0, 1]
    assert len(best_pairs(torch.rand(2, 2), 100)[0]) == 4


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_instances_are_the_best_pairs(size):
    """Also where one kernel appears with two classes; stuff is left out."""
    segments = drawn("smooth", 0)
    result = InstanceMerging(LABELS, max_per_image=20)(segments, size)
    scores = segments.class_logits[0, :12, :3].sigmoid()
    torch.testing.assert_close(result.scores, scores.flatten().sort(descending=True).values[:20])
    torch.testing.assert_close(result.scores, scores[result.kernels, result.labels])
    assert len(set(result.kernels.tolist())) < 20
    masks = literal_probabilities(segments.mask_logits[0], size, 4) > 0.5
    assert torch.equal(result.masks, masks[result.kernels])


def test_padding_beyond_the_image_does_not_reach_it():
    """Features that repeat their border into the padding give the same maps."""
    logits = drawn("smooth", 1).mask_logits[0]
    padded = F.pad(logits[None], (0, 4, 0, 2), mode="replicate")[0]
    small, large = ImageSize((64, 96), (64, 96), (90, 130)), ImageSize((80, 128), (64, 96), (90, 130))
    torch.testing.assert_close(probabilities(padded, large, 4), probabilities(logits, small, 4))


def test_sizes_are_read_from_metainfo():
    """With or without channels."""
    meta = dict(batch_input_shape=(64, 96), img_shape=(60, 90, 3), ori_shape=(45, 80, 3), other=1)
    assert ImageSize.of(meta) == ImageSize((64, 96), (60, 90), (45, 80))
