"""From masks and classes to a result: one segment per pixel (panoptic), or scored masks (instances).

N kernels, K classes, M candidate segments, (h, w) stride-8 grid, (H, W) original image.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.registry import TASK_UTILS
from torch import Tensor

from knet.labels import LabelSpace
from knet.segments import Segments


@dataclass
class ImageSize:
    """The three sizes of an image on its way through the network.

    Attributes:
        padded: Of the batch.
        resized: Of the image in it, at the top left.
        original: As it was read.
    """

    padded: tuple[int, int]
    resized: tuple[int, int]
    original: tuple[int, int]

    @classmethod
    def of(cls, metainfo: dict, padded: tuple[int, int] | None = None) -> "ImageSize":
        """Read from the metainfo of a data sample.

        Args:
            metainfo: What is missing in it is taken to be as the size before it: an image without padding, not resized.
            padded: Size of the batch, where the metainfo does not say it.
        """
        padded = tuple(metainfo.get("batch_input_shape", padded)[:2])
        resized = tuple(metainfo.get("img_shape", padded)[:2])
        return cls(padded, resized, tuple(metainfo.get("ori_shape", resized)[:2]))


def rescale(maps: Tensor, size: ImageSize) -> Tensor:
    """(M, h, w) maps of the padded image to (M, H, W) maps of the original one; padding is cut off in between."""
    maps = maps[None]
    if maps.shape[2:] != size.padded:
        maps = F.interpolate(maps, size.padded, mode="bilinear", align_corners=False)
    maps = maps[..., : size.resized[0], : size.resized[1]]
    if size.resized != size.original:
        maps = F.interpolate(maps, size.original, mode="bilinear", align_corners=False)
    return maps[0]


def probabilities(mask_logits: Tensor, size: ImageSize, stride: int) -> Tensor:
    """(M, h, w) logits to (M, H, W) probabilities.

    Logits are resized to the grid on which they were trained, `stride` input pixels to one of its pixels;
    probabilities are resized from there.
    """
    grid = (size.padded[0] // stride, size.padded[1] // stride)
    logits = F.interpolate(mask_logits[None], grid, mode="bilinear", align_corners=False)[0]
    return rescale(logits.sigmoid_(), size)


@dataclass
class PanopticSegments:
    """Segments that do not overlap, by falling score.

    Attributes:
        index: (H, W) int64; 0 where no segment is, else 1 + index into the fields below.
        labels: (M,) network labels.
        scores: (M,).
        kernels: (M,) index of the kernel of each.
        is_thing: (M,) bool.
    """

    index: Tensor
    labels: Tensor
    scores: Tensor
    kernels: Tensor
    is_thing: Tensor

    def masks(self, which: Tensor) -> Tensor:
        """(n,) indices of segments to (n, H, W) bool masks."""
        return self.index == (which + 1)[:, None, None]


def best_pairs(class_scores: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best pairs of kernel and class; a kernel may appear with several classes.

    Args:
        class_scores: (N, K) in [0, 1].
        count: How many pairs.

    Returns:
        Scores (M,), falling; kernel (M,); label (M,).
    """
    num_classes = class_scores.shape[1]
    scores, index = class_scores.flatten().topk(min(count, class_scores.numel()))
    return scores, index // num_classes, index % num_classes


@TASK_UTILS.register_module()
class JointMerging:
    """Things and stuff compete for every pixel (paper Sec. 3.3, "in a mixed order").

    A pixel goes to the mask with the highest score x probability. Segments that keep too little of their own mask,
    and things of low score, are dropped; what was theirs stays void.

    Args:
        labels: Things and stuff.
        score_thr: Least score of a thing.
        overlap_thr: Least share of its own mask (probability >= 0.5) that a segment must win.
        max_per_image: Pairs of thing kernel and class that compete.
        stride: Input pixels per pixel of the grid on which masks were trained.
    """

    def __init__(
        self,
        labels: LabelSpace,
        score_thr: float = 0.25,
        overlap_thr: float = 0.6,
        max_per_image: int = 100,
        stride: int = 4,
    ) -> None:
        self.labels, self.stride = labels, stride
        self.score_thr, self.overlap_thr, self.max_per_image = score_thr, overlap_thr, max_per_image

    def __call__(self, segments: Segments, size: ImageSize) -> PanopticSegments:
        """Merge the segments of one image.

        Args:
            segments: With batch size 1.
            size: Of the image.
        """
        scores, labels = self._classify(segments.class_logits[0].sigmoid())  # (N,), (N,)
        winner, area, own_area = compete(segments.mask_logits[0], scores, size, self.stride)

        is_thing = labels < self.labels.num_things
        visible = (area > 0) & (own_area > 0)
        keep = visible & (~is_thing | (scores >= self.score_thr)) & (area / own_area >= self.overlap_thr)
        ranked = scores.masked_fill(~keep, -1).argsort(descending=True, stable=True)
        kernels = ranked[: int(keep.sum())]

        index_of_kernel = torch.zeros_like(labels)
        index_of_kernel[kernels] = torch.arange(1, len(kernels) + 1, device=labels.device)
        return PanopticSegments(index_of_kernel[winner], labels[kernels], scores[kernels], kernels, is_thing[kernels])

    def _classify(self, class_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Score and label of each kernel.

        Of several pairs with the same kernel the best one wins all its pixels, so only that one competes. A thing
        kernel whose best pair is not among the best of the image gets score 0.
        """
        num_things, num_stuff = self.labels.num_things, self.labels.num_stuff
        thing_scores = class_scores[: len(class_scores) - num_stuff, :num_things]
        if not num_things:
            thing_scores = class_scores.new_zeros(len(thing_scores), 1)  # no kernel takes part
        least = best_pairs(thing_scores, self.max_per_image)[0][-1]
        scores, labels = thing_scores.max(dim=1)
        scores = scores.masked_fill(scores < least, 0)
        stuff_scores = class_scores[len(scores) :, num_things:].diagonal()
        stuff_labels = torch.arange(num_things, num_things + num_stuff, device=labels.device)
        return torch.cat([scores, stuff_scores]), torch.cat([labels, stuff_labels])


def compete(mask_logits: Tensor, scores: Tensor, size: ImageSize, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give every pixel of the original image to the kernel with the highest score x probability.

    Args:
        mask_logits: (N, h, w).
        scores: (N,) 0 for kernels that do not take part.
        size: Of the image.
        stride: Of the grid on which masks were trained.

    Returns:
        (H, W) winning kernel; (N,) pixels that each has won; (N,) pixels where its probability is at least 0.5, counted
        only for kernels that have won any.
    """
    contenders = possible_winners(mask_logits.sigmoid() * scores[:, None, None])  # (n,)
    if not len(contenders):
        raise FloatingPointError("the network predicts NaN: its weights have diverged; test an earlier checkpoint")
    masks = probabilities(mask_logits[contenders], size, stride)  # (n, H, W)
    winner = contenders[(masks * scores[contenders, None, None]).max(dim=0).indices]
    area = torch.bincount(winner.flatten(), minlength=len(scores))
    own_area = torch.zeros_like(area)
    won = area[contenders] > 0
    own_area[contenders[won]] = (masks[won] >= 0.5).flatten(1).sum(1, dtype=torch.int32).long()
    return winner, area, own_area


def possible_winners(weighted: Tensor) -> Tensor:
    """Indices of the (N, h, w) maps that can be the highest anywhere after bilinear interpolation.

    An interpolated value lies between the lowest and the highest of the cells around it (the sigmoid, being monotone,
    changes nothing in that). Where the highest of a map is below the lowest of another map, the first cannot win;
    where that holds in every 3x3 neighbourhood, it is left out, which spares resizing most of the masks.
    """
    highest = F.max_pool2d(weighted[None], 3, 1, 1)[0]
    lowest = -F.max_pool2d(-weighted[None], 3, 1, 1)[0]
    certain = lowest.max(dim=0).values * (1 - 1e-5)  # (h, w); a little room for rounding
    return (highest >= certain).flatten(1).any(dim=1).nonzero().flatten()


@dataclass
class InstanceSegments:
    """Objects that may overlap, by falling score.

    Attributes:
        masks: (M, H, W) bool.
        labels: (M,) network labels.
        scores: (M,).
        kernels: (M,) index of the kernel of each.
    """

    masks: Tensor
    labels: Tensor
    scores: Tensor
    kernels: Tensor


@TASK_UTILS.register_module()
class InstanceMerging:
    """The best-scored pairs of kernel and class; masks may overlap.

    Args:
        labels: Things and stuff; stuff is left out.
        mask_thr: Least probability of a pixel.
        max_per_image: How many objects to return.
        stride: Input pixels per pixel of the grid on which masks were trained.
    """

    def __init__(self, labels: LabelSpace, mask_thr: float = 0.5, max_per_image: int = 100, stride: int = 4) -> None:
        self.labels, self.mask_thr, self.max_per_image, self.stride = labels, mask_thr, max_per_image, stride

    def __call__(self, segments: Segments, size: ImageSize) -> InstanceSegments:
        """Read the objects of one image from segments with batch size 1."""
        num_thing_kernels = segments.kernels.shape[1] - self.labels.num_stuff
        class_scores = segments.class_logits[0, :num_thing_kernels].sigmoid()
        scores, kernels, labels = best_pairs(class_scores[:, : self.labels.num_things], self.max_per_image)
        used, position = torch.unique(kernels, return_inverse=True)
        masks = probabilities(segments.mask_logits[0, used], size, self.stride) > self.mask_thr
        return InstanceSegments(masks[position], labels, scores, kernels)
