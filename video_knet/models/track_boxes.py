"""Boxes by which the tracker of Sec. 3.3 tells duplicates: around masks, or around what is a thing in them.

n objects, K classes with things first, (h, w) grid of the class logits, H W size of the original image.
"""

import functools

import torch
import torch.nn.functional as F
from mmdet.registry import TASK_UTILS
from torch import Tensor

from knet.knet import mask_boxes
from knet.segment_merging import ImageSize, rescale


@TASK_UTILS.register_module()
class MaskBoxes:
    """Boxes around the masks."""

    def __call__(self, masks: Tensor, semantic_logits: Tensor, num_things: int, size: ImageSize) -> Tensor:
        """Boxes of the objects of a frame.

        Args:
            masks: (n, H, W) bool.
            semantic_logits: (K, h, w) per-pixel class logits of the padded image.
            num_things: How many of the K classes are things.
            size: Of the frame.

        Returns:
            (n, 4) x1, y1, x2, y2 of the outermost pixels, 0 where a mask is empty.
        """
        return mask_boxes(masks)


@TASK_UTILS.register_module()
class SemanticBoxes(MaskBoxes):
    """Boxes around the pixels of a mask whose per-pixel class is a thing, around the mask where it has none."""

    def __call__(self, masks: Tensor, semantic_logits: Tensor, num_things: int, size: ImageSize) -> Tensor:
        """As of `MaskBoxes`."""
        boxes = mask_boxes(masks)
        if num_things == len(semantic_logits) or not len(masks):
            return boxes
        inside = masks & self.thing_pixels(semantic_logits, num_things, size)
        return torch.where(inside.flatten(1).any(dim=1, keepdim=True), mask_boxes(inside), self.otherwise(boxes))

    def thing_pixels(self, semantic_logits: Tensor, num_things: int, size: ImageSize) -> Tensor:
        """(H, W) bool: where the best class is a thing."""
        return self.best(semantic_logits[:num_things], size) >= self.best(semantic_logits[num_things:], size)

    def best(self, logits: Tensor, size: ImageSize) -> Tensor:
        """(K', h, w) logits to (H, W) those of the best class, a few classes at a time: at full size they are large."""
        return functools.reduce(torch.maximum, (self.resize(few, size).amax(dim=0) for few in logits.split(8)))

    def resize(self, logits: Tensor, size: ImageSize) -> Tensor:
        """(K', h, w) logits of the padded image to (K', H, W) of the original one."""
        return rescale(logits, size)

    def otherwise(self, boxes: Tensor) -> Tensor:
        """(n, 4) boxes around the masks to those that count where nothing in the mask is a thing."""
        return boxes


@TASK_UTILS.register_module()
class ReleasedSemanticBoxes(SemanticBoxes):
    """Those of the authors' released code: class logits are resized with their padding, and what has no box shares one.

    So pixels and classes are out of line where the image is padded, and objects without thing pixels are each other's
    duplicates.
    """

    def resize(self, logits: Tensor, size: ImageSize) -> Tensor:
        """The padded image is drawn into the original one."""
        return F.interpolate(logits[None], size.original, mode="bilinear", align_corners=False)[0]

    def otherwise(self, boxes: Tensor) -> Tensor:
        """(n, 4) of one box."""
        return boxes.new_tensor([-1, -1, 10, 10]).expand_as(boxes)
