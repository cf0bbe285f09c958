"""A neck with multi-scale deformable attention, in place of the FPN (Table 5, "deformable fpn").

B images, C channels.
"""

from mmdet.models.layers import MSDeformAttnPixelDecoder
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.config import ConfigDict
from torch import Tensor


def encoder_config(
    num_layers: int, channels: int, num_heads: int, num_levels: int, num_points: int, ffn_channels: int
) -> ConfigDict:
    """The host's config of a deformable encoder."""
    attention = dict(embed_dims=channels, num_heads=num_heads, num_levels=num_levels, num_points=num_points)
    ffn = dict(embed_dims=channels, feedforward_channels=ffn_channels, num_fcs=2, ffn_drop=0.0)
    layer = dict(self_attn_cfg=dict(**attention, dropout=0.0, batch_first=True), ffn_cfg=ffn)
    return ConfigDict(num_layers=num_layers, layer_cfg=layer)


@MODELS.register_module()
class DeformableNeck(MSDeformAttnPixelDecoder):
    """The host's pixel decoder as a neck: the three coarsest levels attend to each other, the finest is added to them.

    It runs on the host's PyTorch path where mmcv has no compiled operators.

    Args:
        in_channels: Channels of the backbone's levels, strides 4 to 32.
        out_channels: Channels of all levels behind it.
        num_outs: Levels behind it; it gives four.
        num_layers: Layers of the encoder.
        num_heads: Heads of its attention.
        num_points: Points that a pixel attends to in each level.
        ffn_channels: Hidden channels of its feed-forward networks.
        norm_cfg: Normalisation of the convolutions.
    """

    def __init__(
        self,
        in_channels: list[int],
        out_channels: int = 256,
        num_outs: int = 4,
        num_layers: int = 6,
        num_heads: int = 8,
        num_points: int = 4,
        ffn_channels: int = 1024,
        norm_cfg: ConfigType = dict(type="GN", num_groups=32),
    ) -> None:
        if len(in_channels) != 4 or num_outs != 4:
            raise ValueError(f"DeformableNeck has four levels, but in_channels={in_channels}, num_outs={num_outs}")
        super().__init__(
            in_channels=in_channels,
            feat_channels=out_channels,
            out_channels=out_channels,
            num_outs=3,
            norm_cfg=norm_cfg,
            encoder=encoder_config(num_layers, out_channels, num_heads, 3, num_points, ffn_channels),
            positional_encoding=dict(num_feats=out_channels // 2, normalize=True),
        )

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """Levels (B, C_i, h_i, w_i) of strides 4 to 32 to levels (B, C, h_i, w_i) of the same strides."""
        finest, coarser = super().forward(list(levels))  # the host gives the others from coarse to fine
        return [finest, *coarser[::-1]]
