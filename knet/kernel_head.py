"""Initial kernels: what the decoder starts from (Sec. 3.1 of the paper, "overview of K-Net").

B batch*frames, N things + stuff kernels, C channels, K classes, (h, w) stride-8 grid.
"""

import torch
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, bias_init_with_prob, normal_init
from torch import Tensor, nn

from knet.kernel_update import masked_sum
from knet.segments import InitialSegments, Segments


@MODELS.register_module()
class KernelHead(BaseModule):
    """Learned thing kernels, conditioned on the image, and one kernel per stuff class from a semantic classifier.

    Args:
        num_things: Thing classes.
        num_stuff: Stuff classes.
        num_kernels: Thing kernels, the most objects that can be found in an image.
        channels: Channels of features and kernels.
        semantic_fpn: Config of the module that turns pyramid levels into thing and stuff features.
        norm_cfg: Normalisation of the two 1x1 convolutions.
        semantic_prior: Foreground probability that the classifier starts with, when it is trained class by class
            (focal loss); None for a classifier trained by softmax.
    """

    def __init__(
        self,
        num_things: int,
        num_stuff: int,
        num_kernels: int = 100,
        channels: int = 256,
        semantic_fpn: ConfigType = dict(type="SemanticFPN"),
        norm_cfg: ConfigType = dict(type="GN", num_groups=32),
        semantic_prior: float | None = None,
    ) -> None:
        super().__init__()
        self.num_things, self.num_stuff, self.semantic_prior = num_things, num_stuff, semantic_prior
        self.semantic_fpn = MODELS.build({"out_channels": channels, **semantic_fpn})
        self.thing_conv = ConvModule(channels, channels, 1, norm_cfg=norm_cfg, bias=False)
        self.stuff_conv = ConvModule(channels, channels, 1, norm_cfg=norm_cfg, bias=False)
        self.thing_kernels = nn.Conv2d(channels, num_kernels, 1, bias=False)
        self.semantic_kernels = nn.Conv2d(channels, num_things + num_stuff, 1)

    def init_weights(self) -> None:
        """Kernels from N(0, 1), everything else from N(0, 0.01)."""
        super().init_weights()
        normal_init(self.thing_conv.conv, std=0.01)
        normal_init(self.stuff_conv.conv, std=0.01)
        bias = 0.0 if self.semantic_prior is None else bias_init_with_prob(self.semantic_prior)
        normal_init(self.semantic_kernels, std=0.01, bias=bias)
        normal_init(self.thing_kernels, std=1)

    def forward(self, levels: list[Tensor]) -> InitialSegments:
        """Predict the initial kernels and masks.

        Args:
            levels: Pyramid levels, (B, C, H/4, W/4) and coarser.

        Returns:
            Kernels (B, N, C), mask logits (B, N, h, w), pixel features (B, C, h, w), semantic logits (B, K, h, w).
        """
        thing_features, stuff_features = self.semantic_fpn(levels)
        thing_features, stuff_features = self.thing_conv(thing_features), self.stuff_conv(stuff_features)
        features = thing_features + stuff_features  # (B, C, h, w)

        thing_masks = self.thing_kernels(thing_features)  # (B, num_kernels, h, w)
        semantic_logits = self.semantic_kernels(stuff_features)  # (B, K, h, w)

        # A thing kernel is its learned vector plus the features under its first mask.
        inside = thing_masks.detach() > 0
        objects = masked_sum(inside.flatten(2), features.flatten(2))  # (B, num_kernels, C)
        thing_kernels = self.thing_kernels.weight.flatten(1) + objects  # (B, num_kernels, C)

        stuff_kernels = self.semantic_kernels.weight.flatten(1)[self.num_things :]  # (num_stuff, C)
        stuff_kernels = stuff_kernels.expand(len(features), -1, -1)
        kernels = torch.cat([thing_kernels, stuff_kernels], dim=1)  # (B, N, C)
        masks = torch.cat([thing_masks, semantic_logits[:, self.num_things :]], dim=1)  # (B, N, h, w)
        return InitialSegments(Segments(kernels, masks), features, semantic_logits)
