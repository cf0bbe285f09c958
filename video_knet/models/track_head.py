"""Kernel association embedding: what tells objects apart across frames, and how it is learned (Sec. 3.2, Eqs. 1 and 2).

V objects of the key frame, K of the reference frame, C channels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, normal_init, xavier_init
from torch import Tensor, nn


@dataclass
class EmbeddingInput:
    """What is known of n objects of one frame; an embedding reads what it needs.

    Attributes:
        kernels: (n, C).
        mask_logits: (n, h, w).
        features: (C, h, w) pixel features.
        levels: Pyramid levels, (C, h_i, w_i) each.
        image: (3, H, W) normalised and padded.
    """

    kernels: Tensor
    mask_logits: Tensor
    features: Tensor
    levels: list[Tensor]
    image: Tensor | None = None


@MODELS.register_module()
class KernelEmbedding(BaseModule):
    """Fully connected layers on the kernels themselves (Table 7b, "ours").

    Args:
        channels: Channels of kernels and embeddings.
        num_fcs: Hidden layers with ReLU between the kernel branch and the output.
        init_cfg: The host's initialisation, in place of `init_embedding`.
    """

    def __init__(self, channels: int = 256, num_fcs: int = 2, init_cfg: ConfigType | None = None) -> None:
        super().__init__(init_cfg)
        norm_relu = (nn.LayerNorm(channels), nn.ReLU())
        self.kernel_branch = nn.Sequential(nn.Linear(channels, channels, bias=False), *norm_relu)
        self.kernel_layer = nn.Linear(channels, channels)
        self.fcs = nn.ModuleList(nn.Linear(channels, channels) for _ in range(num_fcs))
        self.out_layer = nn.Linear(channels, channels)

    def init_weights(self) -> None:
        """See `init_embedding`, unless `init_cfg` says otherwise."""
        super().init_weights()
        if self.init_cfg is None:
            init_embedding(self.fcs, self.out_layer)

    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C) embeddings."""
        x = self.kernel_layer(self.kernel_branch(objects.kernels))
        for fc in self.fcs:
            x = F.relu(fc(x))
        return self.out_layer(x)


def init_embedding(hidden: Iterable[nn.Linear], output: nn.Linear) -> None:
    """Xavier for the hidden layers, N(0, 0.01) for the output: embeddings start near 0, and have to grow first."""
    for layer in hidden:
        xavier_init(layer, distribution="uniform")
    normal_init(output, std=0.01)


@MODELS.register_module()
class AssociationL2Loss(BaseModule):
    """Pulls the cosine of two embeddings to 1 for the same object and to 0 for others (Eq. 2).

    Args:
        loss_weight: Weight.
        negative_margin: Cosines of different objects below this are good enough.
        negatives_per_positive: Hardest negatives that count for each positive pair.
    """

    def __init__(self, loss_weight: float = 1.0, negative_margin: float = 0.1, negatives_per_positive: int = 3) -> None:
        super().__init__()
        self.loss_weight, self.negative_margin = loss_weight, negative_margin
        self.negatives_per_positive = negatives_per_positive

    def forward(self, cosines: Tensor, same: Tensor) -> Tensor:
        """(V, K) cosines against (V, K) bool; 0 where there is nothing to learn."""
        target = same.to(cosines.dtype)
        errors = ((cosines - self.negative_margin * ~same).clamp(0, 1) - target) ** 2  # Eq. 2
        positives, negatives = errors[same], errors[~same]
        # The released code divides by the positives plus one to see whether there are too many negatives.
        if len(negatives) / (len(positives) + 1) > self.negatives_per_positive:
            negatives = negatives.topk(self.negatives_per_positive * len(positives)).values
        count = max(len(positives) + len(negatives), 1)
        return self.loss_weight * (positives.sum() + negatives.sum()) / count


@MODELS.register_module()
class TrackHead(BaseModule):
    """Embeds kernels, and learns to tell objects apart from pairs of frames.

    Args:
        embed: Config of the embedding.
        sampler: Config of what picks the kernels that learn.
        loss_contrast: Loss of Eq. 1.
        loss_aux: Loss of Eq. 2; None leaves it out.
    """

    def __init__(
        self,
        embed: ConfigType = dict(type="KernelEmbedding"),
        sampler: ConfigType = dict(type="MatchedKernelSampler"),
        loss_contrast: ConfigType = dict(type="MultiPosCrossEntropyLoss", loss_weight=0.25),
        loss_aux: ConfigType | None = dict(type="AssociationL2Loss"),
    ) -> None:
        super().__init__()
        self.embed = MODELS.build(embed)
        self.sampler = TASK_UTILS.build(sampler)
        self.loss_contrast = MODELS.build(loss_contrast)
        self.loss_aux = None if loss_aux is None else MODELS.build(loss_aux)

    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C) embeddings of n objects of one frame."""
        return self.embed(objects)

    def loss(self, key: Tensor, key_ids: Tensor, ref: Tensor, ref_ids: Tensor) -> dict[str, Tensor]:
        """Losses of one pair of frames; 0 where they share no object.

        Args:
            key: (V, C) embeddings of the key frame.
            key_ids: (V,) identities, -1 for none.
            ref: (K, C) embeddings of the reference frame.
            ref_ids: (K,) identities, -1 for none.

        Returns:
            `loss_contrast` and, unless left out, `loss_aux`.
        """
        same = (key_ids[:, None] == ref_ids) & (key_ids >= 0)[:, None]  # (V, K)
        nothing = (key.sum() + ref.sum()) * 0
        found = same.any(dim=1)
        losses = {"loss_contrast": nothing}
        if found.any():
            similarity = key @ ref.T  # (V, K)
            losses["loss_contrast"] = self.loss_contrast(  # Eq. 1
                similarity, same.int(), found.float(), avg_factor=found.sum()
            )
        if self.loss_aux is not None:
            cosines = F.normalize(key, dim=1) @ F.normalize(ref, dim=1).T
            losses["loss_aux"] = self.loss_aux(cosines, same) if same.numel() else nothing
        return losses


def mean_losses(losses: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Average over the pairs of a batch."""
    return {name: torch.stack([pair[name] for pair in losses]).mean() for name in losses[0]}
