"""One round of kernel refinement (Sec. 3.1): assemble features, update kernels by gates, let kernels interact.

B batch*frames, N kernels, C channels, K classes, P pixels (H*W of an image, T*H*W of a clip).
"""

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import FFN, MultiheadAttention
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, bias_init_with_prob
from torch import Tensor, nn


def xavier_matrices(module: nn.Module) -> None:
    """Draw every parameter with more than one dimension from Xavier's uniform distribution."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)


@MODELS.register_module()
class HardAssembling(BaseModule):
    """Step 1, group feature assembling: a pixel counts for a kernel where its mask is more likely than not."""

    def forward(self, mask_logits: Tensor) -> Tensor:
        """(B, N, P) mask logits to (B, N, P) weights, 0 or 1; no gradient passes."""
        return (mask_logits.detach() > 0).to(mask_logits.dtype)


@MODELS.register_module()
class SoftAssembling(BaseModule):
    """Step 1 where a kernel is a class (K-Net for semantic segmentation): a pixel is shared among the classes."""

    def forward(self, mask_logits: Tensor) -> Tensor:
        """(B, N, P) mask logits to (B, N, P) weights, which sum to 1 for each pixel; gradients pass."""
        return mask_logits.softmax(dim=1)


@MODELS.register_module()
class AdaptiveKernelUpdate(BaseModule):
    """Step 2, adaptive update: gates decide how much a kernel takes from its group feature.

    Args:
        channels: Channels of kernels and features.
    """

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.feature_layer = nn.Linear(channels, 2 * channels)
        self.kernel_layer = nn.Linear(channels, 2 * channels)
        self.feature_gate = nn.Linear(channels, channels)
        self.kernel_gate = nn.Linear(channels, channels)
        self.feature_gate_norm = nn.LayerNorm(channels)
        self.kernel_gate_norm = nn.LayerNorm(channels)
        self.feature_norm = nn.LayerNorm(channels)
        self.kernel_norm = nn.LayerNorm(channels)
        self.out_layer = nn.Linear(channels, channels)
        self.out_norm = nn.LayerNorm(channels)

    def init_weights(self) -> None:
        """Xavier for every matrix."""
        super().init_weights()
        xavier_matrices(self)

    def forward(self, group_features: Tensor, kernels: Tensor) -> Tensor:
        """Update kernels.

        Args:
            group_features: (..., C).
            kernels: (..., C), broadcastable to the group features.

        Returns:
            (..., C) updated kernels.
        """
        # Both are sums over pixels in the first stage, which half precision cannot hold.
        with torch.autocast(group_features.device.type, enabled=False):
            feature_in, feature_out = self.feature_layer(group_features.float()).chunk(2, dim=-1)
            kernel_in, kernel_out = self.kernel_layer(kernels.float()).chunk(2, dim=-1)
            gate = feature_in * kernel_in
            feature_gate = self.feature_gate_norm(self.feature_gate(gate)).sigmoid()
            kernel_gate = self.kernel_gate_norm(self.kernel_gate(gate)).sigmoid()
            mixed = feature_gate * self.feature_norm(feature_out) + kernel_gate * self.kernel_norm(kernel_out)
            return F.relu(self.out_norm(self.out_layer(mixed)))


@MODELS.register_module()
class GroupedKernelUpdate(BaseModule):
    """Step 2 on groups of channels, all with the same weights, as in MMSegmentation's K-Net.

    Its semantic heads have kernels of 512 channels, and an update of 256: each half is updated by itself.

    Args:
        channels: Channels of kernels and features.
        group_channels: Channels of a group.
    """

    def __init__(self, channels: int = 512, group_channels: int = 256) -> None:
        super().__init__()
        if channels % group_channels:
            raise ValueError(
                f"kernels of {channels} channels cannot be updated in groups of {group_channels}: group_channels has "
                "to divide channels"
            )
        self.group_channels = group_channels
        self.update = AdaptiveKernelUpdate(group_channels)

    def forward(self, group_features: Tensor, kernels: Tensor) -> Tensor:
        """Update (..., C) kernels by (..., C) group features."""
        groups = (-1, self.group_channels)
        return self.update(group_features.unflatten(-1, groups), kernels.unflatten(-1, groups)).flatten(-2)


def masked_sum(weights: Tensor, features: Tensor) -> Tensor:
    """(B, N, P) weights and (B, C, P) features to (B, N, C) sums, in float32: half precision would overflow."""
    with torch.autocast(features.device.type, enabled=False):
        return torch.einsum("bnp,bcp->bnc", weights.float(), features.float())


def fc_norm_relu(channels: int, count: int) -> nn.Sequential:
    """`count` times linear without bias, layer norm, ReLU."""
    layers = [(nn.Linear(channels, channels, bias=False), nn.LayerNorm(channels), nn.ReLU()) for _ in range(count)]
    return nn.Sequential(*(module for layer in layers for module in layer))


@MODELS.register_module()
class KernelUpdateStage(BaseModule):
    """One stage: updated kernels, their classes and their masks.

    Args:
        num_classes: Classes to score; 0 builds no classifier.
        channels: Channels of kernels and features.
        num_heads: Heads of the interaction between kernels.
        ffn_channels: Hidden channels of the feed-forward network.
        num_class_fcs: Hidden layers before the classifier.
        num_mask_fcs: Hidden layers before the mask kernel.
        assembling: Config of step 1.
        update: Config of step 2.
        class_prior: Foreground probability that the classifier starts with.
        init_cfg: The host's initialisation, in place of Xavier's.
    """

    def __init__(
        self,
        num_classes: int,
        channels: int = 256,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        num_class_fcs: int = 1,
        num_mask_fcs: int = 1,
        assembling: ConfigType = dict(type="HardAssembling"),
        update: ConfigType = dict(type="AdaptiveKernelUpdate"),
        class_prior: float = 0.01,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes, self.class_prior = num_classes, class_prior
        self.assembling = MODELS.build(assembling)
        self.update = MODELS.build({"channels": channels, **update})
        self.attention = MultiheadAttention(channels, num_heads, batch_first=True)
        self.attention_norm = nn.LayerNorm(channels)
        self.ffn = FFN(channels, ffn_channels)
        self.ffn_norm = nn.LayerNorm(channels)
        if num_classes:
            self.class_branch = fc_norm_relu(channels, num_class_fcs)
            self.class_layer = nn.Linear(channels, num_classes)
        self.mask_branch = fc_norm_relu(channels, num_mask_fcs)
        self.mask_layer = nn.Linear(channels, channels)
        self.pixel_layer = nn.Linear(channels, channels)

    def init_weights(self) -> None:
        """Xavier for every matrix unless `init_cfg` says otherwise; the classifier starts at its prior."""
        super().init_weights()
        if self.init_cfg is None:
            xavier_matrices(self)
        if self.num_classes:
            nn.init.constant_(self.class_layer.bias, bias_init_with_prob(self.class_prior))

    def assemble(self, mask_logits: Tensor, features: Tensor) -> Tensor:
        """Step 1: (B, N, P) mask logits and (B, C, P) features to (B, N, C) group features.

        A group feature is the sum of transformed features W x + b under a mask. Since that is W (sum of x) plus b for
        each pixel, it is the sums that are transformed: they are far fewer than the pixels.
        """
        weights, layer = self.assembling(mask_logits.float()), self.pixel_layer  # (B, N, P)
        sums = masked_sum(weights, features)
        with torch.autocast(features.device.type, enabled=False):
            return F.linear(sums, layer.weight) + weights.sum(-1, keepdim=True) * layer.bias

    def refine(self, group_features: Tensor, kernels: Tensor) -> Tensor:
        """Steps 2 and 3: (B, N, C) group features and kernels to (B, N, C) kernels that know of each other."""
        kernels = self.update(group_features, kernels)
        kernels = self.attention_norm(self.attention(kernels))
        return self.ffn_norm(self.ffn(kernels))

    def classify(self, kernels: Tensor) -> Tensor | None:
        """(B, N, C) kernels to (B, N, K) class logits, None without a classifier."""
        return self.class_layer(self.class_branch(kernels)) if self.num_classes else None

    def segment(self, kernels: Tensor, features: Tensor) -> Tensor:
        """(B, N, C) kernels and (B, C, P) features to (B, N, P) mask logits.

        A mask is the product of a mask kernel m and transformed features W x + b. Since m (W x + b) = (m W) x + m b,
        it is again the kernels that are transformed.
        """
        mask_kernels = self.mask_layer(self.mask_branch(kernels))  # (B, N, C)
        offsets = mask_kernels @ self.pixel_layer.bias  # (B, N)
        return torch.baddbmm(offsets[..., None], mask_kernels @ self.pixel_layer.weight, features)  # (B, N, P)
