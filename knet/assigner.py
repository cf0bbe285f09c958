"""Which kernel is responsible for which object: mask costs and Hungarian matching (Sec. 3.3 of the paper).

N thing kernels, G objects, T thing classes, P pixels.
"""

import torch
from mmdet.registry import TASK_UTILS
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from knet.segments import Segments
from knet.targets import FrameTruth, Match, resize_pixels

DICE_FLOOR, MASK_FLOOR = 0.001, 0.01  # of probabilities, in the released code of panoptic models
PORTION = 8192  # pixels


def focal_cost(class_logits: Tensor, labels: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """(N, T) logits and (G,) labels to (N, G): how much the focal loss would grow without the match."""
    p = class_logits.sigmoid()
    positive = -(p + 1e-12).log() * alpha * (1 - p) ** gamma
    negative = -(1 - p + 1e-12).log() * (1 - alpha) * p**gamma
    return (positive - negative)[:, labels]


def mask_cost(probabilities: Tensor, masks: Tensor) -> Tensor:
    """(P, N) probabilities and (G, P) masks to (N, G): minus the share of pixels on which they agree.

    The agreement p t + (1 - p) (1 - t), summed, is 2 (sum of p t) - (sum of p) - (sum of t) + P.
    """
    overlap = masks @ probabilities  # (G, N)
    agreement = 2 * overlap - probabilities.sum(0) - masks.sum(1)[:, None] + masks.shape[1]
    return -agreement.T / masks.shape[1]


def dice_cost(probabilities: Tensor, masks: Tensor, eps: float = 1e-3) -> Tensor:
    """(P, N) probabilities and (G, P) masks to (N, G): minus the Dice coefficient."""
    overlap = masks @ probabilities  # (G, N)
    # In portions that fit a cache: squares of all pixels at once would be another large tensor.
    squares = sum(part.square().sum(0) for part in probabilities.split(PORTION)) + masks.square().sum(1)[:, None]
    return -2 * overlap.T / (squares.T + 2 * eps)


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

    def cost(self, class_logits: Tensor | None, mask_logits: Tensor, truth: FrameTruth) -> Tensor:
        """Cost of every pair.

        Args:
            class_logits: (N, T), or None to match by masks alone.
            mask_logits: (N, h, w); on another grid than the truth they are resized to it.
            truth: With G objects.

        Returns:
            (N, G).
        """
        with torch.autocast(mask_logits.device.type, enabled=False):  # sums over pixels overflow in half precision
            masks = truth.masks.flatten(1)  # (G, P)
            p = resize_pixels(mask_logits.float()[None], truth.masks.shape[1:]).sigmoid_()  # (P, N)
            # Probabilities have a floor in each cost; in place, since they are large.
            cost = self.dice_weight * dice_cost(p.clamp_(min=self.dice_floor), masks)
            cost += self.mask_weight * mask_cost(p.clamp_(min=self.mask_floor), masks)
            if class_logits is not None:
                cost = cost + self.class_weight * focal_cost(class_logits.float(), truth.labels)
        return cost

    @torch.no_grad()
    def __call__(self, segments: Segments, truths: list[FrameTruth]) -> list[Match]:
        """Match every frame of a batch.

        Args:
            segments: Of the thing kernels and thing classes only.
            truths: One per frame.
        """
        costs = []
        for i, truth in enumerate(truths):
            class_logits = None if segments.class_logits is None else segments.class_logits[i]
            costs.append(self.cost(class_logits, segments.mask_logits[i], truth))
        # scipy runs on the CPU; all frames go there in one transfer.
        flat = torch.cat([cost.flatten() for cost in costs]).cpu().split([cost.numel() for cost in costs])
        return [self._solve(values.view_as(cost), cost.device) for values, cost in zip(flat, costs, strict=True)]

    @staticmethod
    def _solve(cost: Tensor, device: torch.device) -> Match:
        if not torch.isfinite(cost).all():
            raise FloatingPointError(
                "the matching cost is not finite: the network predicts NaN or infinity. Lower the learning rate, or "
                "look for the first loss that is not finite in the log"
            )
        kernels, objects = linear_sum_assignment(cost.numpy())  # kernels come out ascending
        return Match(torch.as_tensor(kernels, device=device), torch.as_tensor(objects, device=device))
