"""Kernel linking: kernels of the current frame look at those of the previous one (Eq. 3).

B frames, N kernels, C channels.
"""

from mmcv.cnn.bricks.transformer import FFN, MultiheadAttention
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from knet.kernel_update import xavier_matrices


@MODELS.register_module()
class KernelLinking(BaseModule):
    """K_l = FFN(MHSA(K_key, K_ref, K_ref) + K_key), with a layer norm after each of the two (Eq. 3).

    Args:
        channels: Channels of the kernels.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the feed-forward network.
    """

    def __init__(self, channels: int = 256, num_heads: int = 8, ffn_channels: int = 2048) -> None:
        super().__init__()
        self.attention = MultiheadAttention(channels, num_heads, batch_first=True)
        self.attention_norm = nn.LayerNorm(channels)
        self.ffn = FFN(channels, ffn_channels)
        self.ffn_norm = nn.LayerNorm(channels)

    def init_weights(self) -> None:
        """Xavier for every matrix."""
        super().init_weights()
        xavier_matrices(self)

    def forward(self, kernels: Tensor, previous: Tensor, group_features: Tensor | None = None) -> Tensor:
        """Link the kernels of two frames.

        Args:
            kernels: (B, N, C) of the current frame.
            previous: (B, N, C) of the previous frame.
            group_features: Not used; modules that update the previous kernels first read them.

        Returns:
            (B, N, C).
        """
        linked = self.attention_norm(self.attention(kernels, previous, previous))  # Eq. 3; adds `kernels` itself
        return self.ffn_norm(self.ffn(linked))  # adds `linked` itself
