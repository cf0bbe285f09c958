"""Which kernels learn an association embedding (Sec. 3.2; Table 7c).

N thing kernels, G objects, n samples, (h, w) grid of the masks.
"""

from dataclasses import dataclass

import torch
from mmdet.registry import TASK_UTILS
from torch import Tensor

from knet.segments import Segments
from knet.targets import FrameTruth, Match, resize
from video_knet.models.tubes import mask_ious


@dataclass
class KernelSamples:
    """Kernels that learn an embedding.

    Attributes:
        kernels: (n,) indices.
        ids: (n,) identity of the object of each; -1 for kernels without one.
    """

    kernels: Tensor
    ids: Tensor


@TASK_UTILS.register_module()
class MatchedKernelSampler:
    """Only kernels that are matched with an object (Sec. 3.2; Table 7c, "GT-based")."""

    def __call__(self, segments: Segments, match: Match, truth: FrameTruth) -> KernelSamples:
        """Sample the kernels of one frame.

        Args:
            segments: Thing kernels of the last stage for this frame, batch size 1.
            match: Of the last stage.
            truth: With object ids.
        """
        return KernelSamples(match.kernels, identities(truth)[match.objects])


@TASK_UTILS.register_module()
class MaskIoUSampler:
    """Every kernel whose mask is close to that of an object, or far from all (Table 7c, "sampling in [41]").

    This is the sampling of Quasi-Dense Similarity Learning with masks in place of boxes.

    Args:
        positive_iou: A kernel stands for the object that it overlaps most, from this IoU on (alpha 1 of Sec. 3.2).
        negative_iou: A kernel stands for no object below this IoU with all of them (alpha 2).
    """

    def __init__(self, positive_iou: float = 0.7, negative_iou: float = 0.3) -> None:
        if not 0 <= negative_iou <= positive_iou <= 1:
            raise ValueError(
                f"negative_iou is {negative_iou}, positive_iou {positive_iou}: 0 <= negative_iou <= positive_iou <= 1"
            )
        self.positive_iou, self.negative_iou = positive_iou, negative_iou

    @torch.no_grad()
    def __call__(self, segments: Segments, match: Match, truth: FrameTruth) -> KernelSamples:
        """Sample the kernels of one frame.

        Args:
            segments: Thing kernels of the last stage for this frame, batch size 1: mask logits (1, N, h, w).
            match: Not used.
            truth: With object ids.
        """
        ids = identities(truth)
        logits = resize(segments.mask_logits, tuple(truth.masks.shape[1:]))[0]  # (N, h', w')
        overlaps = mask_ious((logits > 0).flatten(1), (truth.masks > 0.5).flatten(1))  # (N, G)
        none = overlaps.new_zeros(len(overlaps), 1)
        best, objects = torch.cat([none, overlaps], dim=1).max(dim=1)  # object 0 is none
        found = torch.cat([ids.new_full((1,), -1), ids])[objects * (best >= self.positive_iou)]
        kernels = ((best >= self.positive_iou) | (best < self.negative_iou)).nonzero().flatten()
        return KernelSamples(kernels, found[kernels])


def identities(truth: FrameTruth) -> Tensor:
    """(G,) which object each is.

    Raises:
        ValueError: Nobody says so.
    """
    if truth.ids is None:
        raise ValueError("the embedding needs to know which object is which: gt_instances has no instances_ids")
    return truth.ids
