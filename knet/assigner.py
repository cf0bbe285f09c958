"""Which kernel is responsible for which object: mask costs and Hungarian matching (Sec. 3.3 of the paper).

B frames, N thing kernels, G objects, T thing classes, P pixels.
"""

import torch
from mmdet.registry import TASK_UTILS
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from knet.segments import Segments
from knet.targets import FrameTruth, Match, resize_pixels

DICE_FLOOR, MASK_FLOOR = 0.001, 0.01  # of probabilities, in the released code of panoptic models
PORTION = 8192  # pixels, of all frames


def focal_cost(class_logits: Tensor, labels: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """(..., N, T) logits and (..., G) labels to (..., N, G): how much the focal loss would grow without the match."""
    p = class_logits.sigmoid()
    positive = -(p + 1e-12).log() * alpha * (1 - p) ** gamma
    negative = -(1 - p + 1e-12).log() * (1 - alpha) * p**gamma
    return torch.take_along_dim(positive - negative, labels[..., None, :], dim=-1)


def mask_cost(probabilities: Tensor, masks: Tensor) -> Tensor:
    """(..., P, N) probabilities and (..., G, P) masks to (..., N, G): minus the share of pixels on which they agree.

    The agreement p t + (1 - p) (1 - t), summed, is 2 (sum of p t) - (sum of p) - (sum of t) + P.
    """
    overlap = masks @ probabilities  # (..., G, N)
    num_pixels = masks.shape[-1]
    agreement = 2 * overlap - probabilities.sum(-2)[..., None, :] - masks.sum(-1, keepdim=True) + num_pixels
    return -agreement.mT / num_pixels


def dice_cost(probabilities: Tensor, masks: Tensor, eps: float = 1e-3) -> Tensor:
    """(..., P, N) probabilities and (..., G, P) masks to (..., N, G): minus the Dice coefficient."""
    overlap = masks @ probabilities  # (..., G, N)
    # In portions that fit a cache: squares of all pixels at once would be another large tensor.
    portion = max(1, PORTION // probabilities.shape[:-2].numel())
    squares = sum(part.square().sum(-2) for part in probabilities.split(portion, dim=-2))  # (..., N)
    squares = squares[..., None, :] + masks.square().sum(-1, keepdim=True)
    return -2 * overlap.mT / (squares.mT + 2 * eps)


@TASK_UTILS.register_module()
class MaskHungarianAssigner:
    """One-to-one matching of thing kernels and objects at least total cost.

    Where there are more objects than kernels some objects stay unmatched.

    Args:
        class_weight: Weight of the classification cost.
        mask_weight: Weight of the pixel agreement cost.
        dice_weight: Weight of the Dice cost.
        mask_floor: Least probability in the pixel agreement cost.
        dice_floor: Least probability in the Dice cost, not above `mask_floor`.
    """

    def __init__(
        self,
        class_weight: float = 2.0,
        mask_weight: float = 1.0,
        dice_weight: float = 4.0,
        mask_floor: float = MASK_FLOOR,
        dice_floor: float = DICE_FLOOR,
    ) -> None:
        if not 0 <= dice_floor <= mask_floor < 1:
            raise ValueError(f"dice_floor is {dice_floor}, mask_floor {mask_floor}: 0 <= dice_floor <= mask_floor < 1")
        self.class_weight, self.mask_weight, self.dice_weight = class_weight, mask_weight, dice_weight
        self.mask_floor, self.dice_floor = mask_floor, dice_floor

    def costs(self, segments: Segments, truths: list[FrameTruth]) -> Tensor:
        """Cost of every pair in every frame.

        Args:
            segments: Mask logits (B, N, h, w), on another grid than the truth resized to it; class logits (B, N, T), or
                None to match by masks alone.
            truths: B, with up to G objects.

        Returns:
            (B, N, G); where a frame has fewer objects, its last columns mean nothing.
        """
        masks = pad_sequence([truth.masks.flatten(1) for truth in truths], batch_first=True)  # (B, G, P)
        with torch.autocast(masks.device.type, enabled=False):  # sums over pixels overflow in half precision
            p = resize_pixels(segments.mask_logits.float(), truths[0].masks.shape[1:]).sigmoid_()
            p = p.unflatten(0, (len(truths), -1))  # (B, P, N)
            # Probabilities have a floor in each cost; in place, since they are large.
            costs = self.dice_weight * dice_cost(p.clamp_(min=self.dice_floor), masks)
            costs += self.mask_weight * mask_cost(p.clamp_(min=self.mask_floor), masks)
            if segments.class_logits is not None:
                labels = pad_sequence([truth.labels for truth in truths], batch_first=True)  # (B, G)
                costs += self.class_weight * focal_cost(segments.class_logits.float(), labels)
        return costs

    @torch.no_grad()
    def __call__(self, segments: Segments, truths: list[FrameTruth]) -> list[Match]:
        """Match every frame of a batch.

        Args:
            segments: Of the thing kernels and thing classes only.
            truths: One per frame.

        Raises:
            FloatingPointError: The network predicts NaN or infinity, in whatever frame.
        """
        costs = self.costs(segments, truths)
        on_cpu = costs.cpu()  # where scipy runs: one transfer
        if not torch.isfinite(on_cpu).all():
            raise FloatingPointError(
                "the matching cost is not finite: the network predicts NaN or infinity. Lower the learning rate, or "
                "look for the first loss that is not finite in the log"
            )
        return [
            self._solve(cost[:, : len(truth.labels)], costs.device) for cost, truth in zip(on_cpu, truths, strict=True)
        ]

    @staticmethod
    def _solve(cost: Tensor, device: torch.device) -> Match:
        kernels, objects = linear_sum_assignment(cost.numpy())  # kernels come out ascending
        return Match(torch.as_tensor(kernels, device=device), torch.as_tensor(objects, device=device))
