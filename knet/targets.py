"""Ground truth, and what it asks of each kernel.

N kernels (thing kernels, then one per stuff class), K classes, (h, w) the grid on which losses are computed.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from torch import Tensor

from knet.labels import VOID, LabelSpace


@dataclass
class FrameTruth:
    """The annotation of one frame on the grid of the losses.

    Attributes:
        labels: (G,) thing labels of the objects.
        masks: (G, h, w) their masks in [0, 1]; soft at borders.
        stuff_labels: (S,) labels of the stuff classes that are present, ascending.
        stuff_masks: (S, h, w) their masks in [0, 1].
        ids: (G,) identity of each object throughout the video; None for images.
    """

    labels: Tensor
    masks: Tensor
    stuff_labels: Tensor
    stuff_masks: Tensor
    ids: Tensor | None = None


def frame_truth(
    sample: DetDataSample, input_shape: tuple[int, int], stride: int, labels: LabelSpace, device: torch.device
) -> FrameTruth:
    """Read the annotation of a data sample; the sample is left as it is.

    Args:
        sample: With `gt_instances` (masks as the host's or as a (G, H, W) tensor, labels, for video instances_ids) and,
            where there is stuff, `gt_sem_seg` in network labels.
        input_shape: Height and width of the padded batch.
        stride: Input pixels per pixel of the grid.
        labels: Tells things from stuff.
        device: Where to put it.
    """
    for name in ("gt_instances", "gt_sem_seg") if labels.num_stuff else ("gt_instances",):
        if name not in sample:
            raise ValueError(f"training needs ground truth, but the sample has no {name}; see PackClipInputs")
    instances = sample.gt_instances
    bitmaps = instances.masks if isinstance(instances.masks, Tensor) else instances.masks.to_tensor(torch.uint8, device)
    masks = shrink(pad(bitmaps.to(device), input_shape, 0), stride)  # (G, h, w)
    truth_ids = instances.get("instances_ids")
    stuff_labels, stuff_masks = torch.empty(0, dtype=torch.int64, device=device), masks[:0]
    if labels.num_stuff:
        semantic = pad(sample.gt_sem_seg.sem_seg.to(device), input_shape, VOID)  # (1, H, W)
        pixels = torch.bincount(semantic.flatten(), minlength=labels.num_classes)[: labels.num_classes]
        stuff_labels = pixels[labels.num_things :].nonzero().flatten() + labels.num_things
        stuff_masks = shrink(semantic == stuff_labels[:, None, None], stride)  # (S, h, w)
    return FrameTruth(
        labels=torch.as_tensor(instances.labels, device=device).long(),
        masks=masks,
        stuff_labels=stuff_labels,
        stuff_masks=stuff_masks,
        ids=None if truth_ids is None else torch.as_tensor(truth_ids, device=device).long(),
    )


def pad(maps: Tensor, shape: tuple[int, int], value: int) -> Tensor:
    """(M, H, W) padded at the bottom and right to `shape`."""
    height, width = maps.shape[1:]
    return F.pad(maps, (0, shape[1] - width, 0, shape[0] - height), value=value)


def shrink(masks: Tensor, stride: int) -> Tensor:
    """(M, H, W) binary masks to (M, H/stride, W/stride) soft ones, bilinearly."""
    height, width = masks.shape[1:]
    size = (height // stride, width // stride)
    if not len(masks):
        return masks.new_zeros((0, *size), dtype=torch.float32)
    return F.interpolate(masks.float()[None], size, mode="bilinear", align_corners=False)[0]


def resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, N, h, w) to (B, N, *size), bilinearly; any B and N, also 0; a new tensor."""
    if not masks.numel():
        return masks.new_zeros(*masks.shape[:2], *size)
    return F.interpolate(masks, size, mode="bilinear", align_corners=False)


def resize_pixels(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, N, h, w) to (B*size, N), bilinearly: one row per pixel.

    The N values of a pixel are neighbours in memory from the start, which makes resizing several times faster on a CPU,
    and a softmax over them, too.
    """
    resized = resize(maps.contiguous(memory_format=torch.channels_last), size)
    return resized.permute(0, 2, 3, 1).flatten(0, 2)


@dataclass
class Match:
    """Which thing kernels found which objects.

    Attributes:
        kernels: (M,) indices of the matched kernels, ascending.
        objects: (M,) index of the object of each.
    """

    kernels: Tensor
    objects: Tensor


@dataclass
class KernelTargets:
    """What one frame asks of each kernel.

    Attributes:
        kernels: (M,) kernels that have a mask to predict, ascending: matched thing kernels, then present stuff.
        masks: (M, h, w) their masks.
        classes: (N, K) 1 for the class of each kernel, all 0 for background.
        class_weights: (N, K) 1 where the class score of a kernel counts.
    """

    kernels: Tensor
    masks: Tensor
    classes: Tensor
    class_weights: Tensor


def kernel_targets(truth: FrameTruth, match: Match, num_thing_kernels: int, labels: LabelSpace) -> KernelTargets:
    """One target per kernel, things and stuff.

    A thing kernel is asked about thing classes only. The kernel of a stuff class is asked only whether its class is
    in the image, and for its mask where it is.
    """
    num_things, num_stuff = labels.num_things, labels.num_stuff
    stuff_kernels = truth.stuff_labels - num_things + num_thing_kernels  # (S,)
    classes = truth.masks.new_zeros(num_thing_kernels + num_stuff, labels.num_classes)
    classes[match.kernels, truth.labels[match.objects]] = 1
    classes[stuff_kernels, truth.stuff_labels] = 1
    weights = torch.zeros_like(classes)
    weights[:num_thing_kernels, :num_things] = 1
    weights[num_thing_kernels:, num_things:].fill_diagonal_(1)
    return KernelTargets(
        kernels=torch.cat([match.kernels, stuff_kernels]),
        masks=torch.cat([truth.masks[match.objects], truth.stuff_masks]),
        classes=classes,
        class_weights=weights,
    )


def rank_map(masks: Tensor, kernels: Tensor, ignore: int) -> Tensor:
    """Which kernel owns each pixel: the last one whose mask touches it.

    Args:
        masks: (M, h, w) in [0, 1].
        kernels: (M,) ascending kernel indices.
        ignore: Value of pixels that nobody owns.

    Returns:
        (h, w) int64.
    """
    owner = masks.new_full(masks.shape[1:], ignore, dtype=torch.int64)
    if not len(masks):
        return owner
    last = ((masks > 0) * (kernels + 1)[:, None, None]).amax(dim=0) - 1  # (h, w), -1 where no mask is
    return torch.where(last >= 0, last, owner)


def semantic_map(truth: FrameTruth, match: Match, labels: LabelSpace) -> Tensor:
    """(h, w) int64 class of each pixel, things over stuff; `labels.num_classes` where nothing is annotated.

    Objects that no kernel was matched to, and crowds, are left out: nothing is asked of their pixels.
    """
    semantic = rank_map(truth.stuff_masks, truth.stuff_labels, ignore=labels.num_classes)
    order = torch.arange(len(match.objects), device=semantic.device)
    owner = rank_map(truth.masks[match.objects], order, ignore=-1)  # (h, w)
    if not len(order):
        return semantic
    return torch.where(owner >= 0, truth.labels[match.objects][owner.clamp(min=0)], semantic)
