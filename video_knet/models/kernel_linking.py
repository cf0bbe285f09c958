"""Kernel linking: kernels of the current frame look at those of the previous one (Eq. 3).

B frames, N kernels, C channels.
"""

import math

import torch
from mmcv.cnn.bricks.transformer import FFN, MultiheadAttention
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor, nn

from knet.kernel_update import xavier_matrices


@MODELS.register_module()
class OwnKernelAttention(MultiheadAttention):
    """Attention that starts at the kernel's own predecessor: kernel i of this frame at kernel i of the previous one.

    For models where a kernel is a class, so that kernels of one index are of one class in all frames. Plain attention
    would have to learn for every class where in the other frame it is, and starts with the mean of all classes. Here
    the logit of the own kernel has a learned bias.

    Args:
        embed_dims: Channels of the kernels.
        num_heads: Attention heads.
        own_share: Weight of the own kernel at the start, among others that are all alike; between 0 and 1.
    """

    def __init__(self, embed_dims: int, num_heads: int, own_share: float = 0.9, **kwargs: bool) -> None:
        super().__init__(embed_dims, num_heads, **kwargs)
        if not 0 < own_share < 1:
            raise ValueError(f"own_share={own_share} has to be above 0 and below 1; 0.9 is the default")
        self.own = nn.Parameter(torch.tensor(own_share).logit())  # of the own kernel against all others

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, N, C) kernels of this frame, and of the previous one twice, to (B, N, C): what is read, plus `query`."""
        count = query.shape[1]
        bias = self.own + math.log(max(count - 1, 1))  # the logit against each of the others
        return super().forward(query, key, value, attn_mask=bias * torch.eye(count, device=query.device))


@MODELS.register_module()
class KernelLinking(BaseModule):
    """K_l = FFN(MHSA(K_key, K_ref, K_ref) + K_key), with a layer norm after each of the two (Eq. 3).

    Args:
        channels: Channels of the kernels.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the feed-forward network.
        attention: Config of the attention, MHSA in the equation.
    """

    def __init__(
        self,
        channels: int = 256,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        attention: ConfigType = dict(type="MultiheadAttention"),
    ) -> None:
        super().__init__()
        size = dict(embed_dims=channels, num_heads=num_heads, batch_first=True)
        self.attention = MODELS.build({**size, **attention})
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
