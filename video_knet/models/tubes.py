"""Tubes: the objects of a clip, each with one mask that runs through all frames.

On the grid of the losses a tube is a mask of a very tall image, the frames of the clip one below the other. So
matching, targets and losses of a clip are those of an image (`knet/targets.py`, `knet/supervision.py`).

B clips, T frames, N kernels, G objects, (h, w) grid of the losses.
"""

import torch
from torch import Tensor

from knet.segment_merging import ImageSize
from knet.segments import Segments
from knet.targets import FrameTruth, resize
from video_knet.models.clip_decoder import ClipSegments


def tube_truth(frames: list[FrameTruth]) -> FrameTruth:
    """The annotation of a clip: every object that is in any frame; where it is not in one, its mask there is empty.

    Args:
        frames: Annotation of each of the T frames, with the ids of the objects.

    Returns:
        Of the G distinct ids, ascending: masks (G, T*h, w), labels, ids; without stuff.

    Raises:
        ValueError: A frame does not say which object is which.
    """
    if any(frame.ids is None for frame in frames):
        raise ValueError("training on clips needs instances_ids in every frame; see ObjectMapToMasks")
    ids, first = torch.unique(torch.cat([frame.ids for frame in frames]), return_inverse=True)
    labels = torch.cat([frame.labels for frame in frames])
    height, width = frames[0].masks.shape[1:]
    masks = frames[0].masks.new_zeros(len(ids), len(frames), height, width)
    numbers = first.split([len(frame.ids) for frame in frames])
    for t, (frame, number) in enumerate(zip(frames, numbers, strict=True)):
        masks[number, t] = frame.masks
    return FrameTruth(
        labels=labels.new_zeros(len(ids)).scatter(0, first, labels),
        masks=masks.flatten(1, 2),  # (G, T*h, w)
        stuff_labels=labels[:0],
        stuff_masks=masks.flatten(1, 2)[:0],
        ids=ids,
    )


def as_tubes(segments: ClipSegments, frame_size: tuple[int, int]) -> Segments:
    """Predictions of clips on the grid of the losses, in the shape of `tube_truth`.

    Args:
        segments: Mask logits (B, T, N, h', w').
        frame_size: (h, w) of a frame on the grid of the losses.

    Returns:
        Mask logits (B, N, T*h, w), each frame resized on its own; class logits (B, N, K), where there are any.
    """
    num_clips = len(segments.mask_logits)
    logits = resize(segments.mask_logits.flatten(0, 1), frame_size)
    tubes = logits.unflatten(0, (num_clips, -1)).transpose(1, 2).flatten(2, 3)  # (B, N, T*h, w)
    kernels = segments.kernels if segments.kernels.dim() == 3 else segments.kernels.mean(dim=1)  # (B, N, C)
    return Segments(kernels, tubes, segments.class_logits)


def without_padding(maps: Tensor, size: ImageSize) -> Tensor:
    """(..., h, w) maps of a padded image to the cells that the image reaches."""
    rows, columns = (-(-n * image // padded) for n, image, padded in zip(maps.shape[-2:], size.resized, size.padded))
    return maps[..., :rows, :columns]


def mask_ious(first: Tensor, second: Tensor) -> Tensor:
    """(M, P) and (n, P) bool masks to (M, n) intersection over union, 0 where both are empty."""
    first, second = first.float(), second.float()
    overlap = first @ second.T
    union = first.sum(1)[:, None] + second.sum(1) - overlap
    return overlap / union.clamp(min=1)
