"""Kernel fusion: previous kernels, updated by what the current frame shows, are fused into the current ones (Sec. 3.2).

B frames, N kernels, C channels.
"""

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor

from video_knet.models.kernel_linking import KernelLinking


@MODELS.register_module()
class KernelFusion(BaseModule):
    """Update the previous kernels with the features of the current frame, then attend to them.

    Kernel i of the previous frame is updated with the features under mask i of the current frame, since a kernel
    mostly stays with its object (Fig. 3). Without the update the previous kernels are attended to as they are (Table
    7f, "w/o update").

    Args:
        channels: Channels of the kernels.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the feed-forward network.
        update: Config of the update; None leaves it out.
        attention: Config of the attention.
    """

    def __init__(
        self,
        channels: int = 256,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        update: ConfigType | None = dict(type="AdaptiveKernelUpdate"),
        attention: ConfigType = dict(type="MultiheadAttention"),
    ) -> None:
        super().__init__()
        self.update = None if update is None else MODELS.build({"channels": channels, **update})
        self.attend = KernelLinking(channels, num_heads, ffn_channels, attention)

    def forward(self, kernels: Tensor, previous: Tensor, group_features: Tensor) -> Tensor:
        """Fuse previous kernels into the current ones.

        Args:
            kernels: (B, N, C) of the current frame.
            previous: (B, N, C) of the previous frame.
            group_features: (B, N, C) features under the current masks.

        Returns:
            (B, N, C).
        """
        if self.update is not None:
            previous = self.update(group_features, previous)
        return self.attend(kernels, previous)
