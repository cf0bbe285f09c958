"""Class kernels from the head of a semantic segmentation network: what K-Net starts from where a kernel is a class.

B batch*frames, K classes, C channels, (h, w) grid of the features.
"""

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor

from knet.segments import InitialSegments, Segments


@MODELS.register_module()
class ClassKernelHead(BaseModule):
    """A decode head of MMSegmentation; its classifier's weights are the kernels, what it classifies the features.

    Args:
        head: Config of the head, as `mmseg.PSPHead`; any that ends with the host's per-pixel classifier.
        num_classes: Classes.
    """

    def __init__(self, head: ConfigType, num_classes: int) -> None:
        super().__init__()
        self.head = MODELS.build({**head, "num_classes": num_classes})
        # Every head ends with this method, but not every one has another that stops before it.
        self.head.cls_seg = unclassified

    def forward(self, levels: list[Tensor]) -> InitialSegments:
        """Classify each pixel.

        Args:
            levels: Of the backbone, as the head wants them.

        Returns:
            Kernels (B, K, C), mask logits and semantic logits (B, K, h, w), which are the same, and pixel features
            (B, C, h, w).
        """
        features = self.head(levels)  # (B, C, h, w)
        logits = type(self.head).cls_seg(self.head, features)  # (B, K, h, w); dropout comes in between
        kernels = self.head.conv_seg.weight.flatten(1).repeat(len(features), 1, 1)  # (B, K, C)
        return InitialSegments(Segments(kernels, logits), features, logits)


def unclassified(features: Tensor) -> Tensor:
    """The features as they are."""
    return features
