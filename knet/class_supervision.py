"""Losses where a kernel is a class: no matching, every stage is asked for the class of each pixel.

B batch*frames, K classes, (h, w) grid of the features, H W size of the padded batch.
"""

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor

from knet.labels import VOID
from knet.targets import pad, resize_pixels

AUXILIARY = "aux"


@MODELS.register_module()
class ClassSupervision(BaseModule):
    """The per-pixel loss of every stage, by default at the size of the image.

    Args:
        num_classes: Classes.
        loss: Config of the loss of the network's own prediction and of every stage.
        auxiliary_loss: Config of that of the auxiliary head.
        stride: Input pixels per pixel of the grid on which losses are computed, which has one of them, in its middle.
    """

    def __init__(
        self,
        num_classes: int,
        loss: ConfigType = dict(type="SemanticCrossEntropyLoss"),
        auxiliary_loss: ConfigType = dict(type="SemanticCrossEntropyLoss", loss_weight=0.4),
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.num_classes, self.stride = num_classes, stride
        self.loss, self.auxiliary_loss = MODELS.build(loss), MODELS.build(auxiliary_loss)

    def targets(self, samples: list[DetDataSample], images: Tensor) -> Tensor:
        """Class of each pixel of the grid of the losses.

        Args:
            samples: B frames with `gt_sem_seg` in network labels.
            images: (B, 3, H, W) as the network gets them.

        Returns:
            (B, H/stride, W/stride) int64, K where nothing is annotated.

        Raises:
            ValueError: A sample has no class map.
        """
        shape = tuple(images.shape[2:])
        if any("gt_sem_seg" not in sample for sample in samples):
            raise ValueError("training needs ground truth, but a sample has no gt_sem_seg; see PackClipInputs")
        maps = torch.cat([pad(sample.gt_sem_seg.sem_seg.to(images.device), shape, VOID) for sample in samples])
        grid = maps[:, self.stride // 2 :: self.stride, self.stride // 2 :: self.stride]
        return grid.long().clamp(max=self.num_classes)  # VOID is the highest value there is

    def forward(self, logits: dict[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Compare predictions with the truth.

        Args:
            logits: (B, K, h, w) each, by name; that of the auxiliary head is called `aux`.
            targets: (B, H/stride, W/stride) of `targets`.

        Returns:
            Scalars, `NAME.loss_seg`.
        """
        size, pixels = tuple(targets.shape[1:]), targets.flatten()
        losses = {}
        for name, maps in logits.items():
            loss = self.auxiliary_loss if name == AUXILIARY else self.loss
            losses[f"{name}.loss_seg"] = loss(resize_pixels(maps, size), pixels)
        return losses
