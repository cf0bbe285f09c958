"""Embeddings of what an object looks like, to be compared with those of kernels (Tables 1 and 7b).

n objects of one frame, C channels, (h, w) grid of the masks, (H, W) size of the padded image.
"""

from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType
from mmengine.model import BaseModule
from torch import Tensor, nn

from knet.kernel_update import masked_sum
from knet.knet import mask_boxes
from video_knet.models.track_head import EmbeddingInput, KernelEmbedding, init_embedding


@MODELS.register_module()
class MaskEmbedding(BaseModule):
    """Pixel features averaged under each mask, then the layers of `KernelEmbedding` (Table 7b, "Mask-Emb").

    Args:
        channels: Channels of features and embeddings.
        num_fcs: Hidden layers, as in `KernelEmbedding`.
        init_cfg: As there.
    """

    def __init__(self, channels: int = 256, num_fcs: int = 2, init_cfg: ConfigType | None = None) -> None:
        super().__init__()
        self.embed = KernelEmbedding(channels, num_fcs, init_cfg)

    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C) embeddings."""
        return self.embed(replace(objects, kernels=mask_means(objects.mask_logits, objects.features)))


@MODELS.register_module()
class KernelAndMaskEmbedding(BaseModule):
    """Sum of the embeddings of the kernel and of the features under its mask (Table 7b, "Ours + Mask-Emb").

    Args:
        channels: Channels of kernels, features and embeddings.
        num_fcs: Hidden layers of either.
        init_cfg: Of either, as in `KernelEmbedding`.
    """

    def __init__(self, channels: int = 256, num_fcs: int = 2, init_cfg: ConfigType | None = None) -> None:
        super().__init__()
        self.of_kernel = KernelEmbedding(channels, num_fcs, init_cfg)
        self.of_mask = MaskEmbedding(channels, num_fcs, init_cfg)

    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C) embeddings."""
        return self.of_kernel(objects) + self.of_mask(objects)


@MODELS.register_module()
class RoIAlignEmbedding(BaseModule):
    """Pyramid features in the box around each mask, as in Quasi-Dense Similarity Learning (Table 7b, "RoI-Align").

    Args:
        channels: Channels of levels and embeddings.
        num_fcs: Hidden layers with ReLU after the convolutions.
        num_convs: Convolutions with group norm and ReLU.
        size: Height and width of the aligned features.
        strides: Of the levels.
        num_groups: Of the group norm.
        init_cfg: As in `KernelEmbedding`.
    """

    def __init__(
        self,
        channels: int = 256,
        num_fcs: int = 1,
        num_convs: int = 4,
        size: int = 7,
        strides: tuple[int, ...] = (4, 8, 16, 32),
        num_groups: int = 8,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.strides = strides
        # The compiled operator of MMCV is not needed: torchvision has the same one.
        align = dict(type="RoIAlign", output_size=size, sampling_ratio=2, use_torchvision=True)
        extractor = dict(type="SingleRoIExtractor", roi_layer=align, out_channels=channels, featmap_strides=strides)
        self.extractor = MODELS.build(extractor)
        norm = dict(type="GN", num_groups=num_groups)
        convs = (ConvModule(channels, channels, 3, padding=1, norm_cfg=norm) for _ in range(num_convs))
        self.convs = nn.Sequential(*convs)
        widths = [channels * size * size] + [channels] * num_fcs
        self.fcs = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.out_layer = nn.Linear(widths[-1], channels)

    def init_weights(self) -> None:
        """As in `KernelEmbedding`."""
        super().init_weights()
        if self.init_cfg is None:
            init_embedding(self.fcs, self.out_layer)

    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C) embeddings."""
        rois = bbox2roi([self._boxes(objects)])  # (n, 5)
        levels = [level[None] for level in objects.levels[: len(self.strides)]]
        x = self.convs(self.extractor(levels, rois)).flatten(1)  # (n, C size size)
        for fc in self.fcs:
            x = F.relu(fc(x))
        return self.out_layer(x)

    def _boxes(self, objects: EmbeddingInput) -> Tensor:
        """(n, 4) boxes around the masks, in pixels of the image; an empty mask has one grid cell in the corner."""
        boxes = mask_boxes(objects.mask_logits > 0)
        boxes = boxes + boxes.new_tensor([0, 0, 1, 1])  # to the far sides of the outermost cells
        height, width = objects.mask_logits.shape[1:]
        finest = objects.levels[0].shape[1:]
        scale = boxes.new_tensor([finest[1] / width, finest[0] / height]) * self.strides[0]
        return boxes * scale.repeat(2)


@MODELS.register_module()
class FrozenAppearance(BaseModule):
    """What an image network that was never trained to track sees under each mask (Table 1, "UniTrack").

    It has the place of a track head, and nothing to learn.

    Args:
        backbone: Config of the network.
        level: Index of its output that is averaged under the masks.
    """

    sampler = None

    def __init__(self, backbone: ConfigType, level: int = 1) -> None:
        super().__init__()
        self.backbone, self.level = MODELS.build(backbone), level
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "FrozenAppearance":
        """Batch norm stays as it is."""
        super().train(mode)
        self.backbone.eval()
        return self

    @torch.no_grad()
    def forward(self, objects: EmbeddingInput) -> Tensor:
        """(n, C') embeddings, C' channels of the level."""
        features = self.backbone(objects.image[None])[self.level][0]  # (C', h', w')
        masks = F.interpolate(objects.mask_logits[None], features.shape[1:], mode="bilinear")[0]
        return mask_means(masks, features)


def mask_means(mask_logits: Tensor, features: Tensor) -> Tensor:
    """(n, h, w) mask logits and (C, h, w) features to (n, C): mean of the features under each mask, 0 where none is.

    No gradient reaches the masks.
    """
    inside = (mask_logits.detach() > 0).flatten(1).float()  # (n, P)
    sums = masked_sum(inside[None], features.flatten(1)[None])[0]
    return sums / inside.sum(dim=1, keepdim=True).clamp(min=1)
