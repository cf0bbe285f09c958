"""Semantic FPN: one high-resolution feature map from the levels of a pyramid (Sec. 3.3 of the paper)."""

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, normal_init
from torch import Tensor, nn


@MODELS.register_module()
class SemanticFPN(BaseModule):
    """Brings all pyramid levels to stride 8, adds them, and reads thing and stuff features from the sum.

    The finest level (stride 4) is convolved down once, the second stays, each coarser one is convolved and doubled
    until it fits. The coarsest gets a positional encoding, so that kernels know where they look.

    Args:
        in_channels: Channels of every pyramid level.
        out_channels: Channels of both outputs.
        num_levels: Pyramid levels, from stride 4 on.
        positional_encoding: Added to the coarsest level; None adds nothing.
        norm_cfg: Normalisation of every convolution.
    """

    def __init__(
        self,
        in_channels: int = 256,
        out_channels: int = 256,
        num_levels: int = 4,
        positional_encoding: ConfigType | None = dict(type="SinePositionalEncoding", normalize=True),
        norm_cfg: ConfigType = dict(type="GN", num_groups=32),
    ) -> None:
        super().__init__()
        conv = dict(norm_cfg=norm_cfg, bias=False)
        self.towers = nn.ModuleList()
        for level in range(num_levels):
            tower = [ConvModule(in_channels, out_channels, 3, 2 if level == 0 else 1, 1, **conv)]
            tower += [ConvModule(out_channels, out_channels, 3, 1, 1, **conv) for _ in range(level - 1)]
            self.towers.append(nn.ModuleList(tower))
        self.thing_conv = ConvModule(out_channels, out_channels, 1, **conv)
        self.stuff_conv = ConvModule(out_channels, out_channels, 1, **conv)
        self.positional_encoding = None
        if positional_encoding is not None:
            encoding = {"num_feats": in_channels // 2, **positional_encoding}
            self.positional_encoding = MODELS.build(encoding)

    def init_weights(self) -> None:
        """Convolutions from N(0, 0.01)."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                normal_init(module, std=0.01)

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Fuse the pyramid.

        Args:
            levels: (B, C, H/4, W/4), (B, C, H/8, W/8), ... of the padded images, H and W multiples of 32.

        Returns:
            Thing features and stuff features, each (B, C, H/8, W/8).
        """
        levels = list(levels)
        height, width = levels[-1].shape[-2:]
        if levels[0].shape[-2:] != (height << len(levels) - 1, width << len(levels) - 1):
            sizes = ", ".join(str(tuple(x.shape[-2:])) for x in levels)
            raise ValueError(
                f"levels of {sizes} are not halves of each other; images have to be padded to multiples of the "
                "coarsest stride (data_preprocessor.pad_size_divisor=32)"
            )
        if self.positional_encoding is not None:
            levels[-1] = levels[-1] + self._encode(levels[-1])
        fused = sum(self._raise(tower, x) for tower, x in zip(self.towers, levels, strict=True))
        return self.thing_conv(fused), self.stuff_conv(fused)

    def _encode(self, x: Tensor) -> Tensor:
        nothing_masked = torch.zeros(1, *x.shape[2:], dtype=torch.bool, device=x.device)
        return self.positional_encoding(nothing_masked)  # (1, C, h, w)

    @staticmethod
    def _raise(tower: nn.ModuleList, x: Tensor) -> Tensor:
        """From the stride of the level to stride 8: conv, double, conv, double ... as often as the level is coarse."""
        for i, conv in enumerate(tower):
            x = conv(x)
            if i < len(tower) - 1:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)  # h, w doubled
        return x
