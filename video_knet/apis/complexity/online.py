"""What runs for a frame of a video, or for an image, once per kind of model.

Merging, boxes and tracker are left out: what they do depends on values, and hardly any of it is a matrix product.

T frames, N kernels.
"""

from contextlib import AbstractContextManager
from functools import singledispatch

import torch
from torch import Tensor, nn

from knet.knet import KNet
from knet.segments import Segments
from video_knet.models import ClipKNet, VideoKNet, VideoSegmentor

CLIP = 5  # frames, as in the paper's training for YouTube-VIS, where the config has no window


@singledispatch
def run_online(model: nn.Module, image: Tensor, counting: AbstractContextManager) -> int:
    """Run a model as it runs online.

    Args:
        model: In evaluation mode.
        image: (1, 3, H, W) the padded frame, on the model's device.
        counting: Is open while what is to be counted runs. What went before, such as the frame before, runs outside.

    Returns:
        How many frames were segmented while it was open.

    Raises:
        ValueError: The model is of no known kind.
    """
    known = "KNet, VideoKNet, ClipKNet and VideoSegmentor"
    raise ValueError(f"model.type={type(model).__name__!r}: only {known} are known; choose one")


@run_online.register
def _(model: KNet, image: Tensor, counting: AbstractContextManager) -> int:
    """An image on its own."""
    with counting:
        model.segment(model.extract_feat(image))
    return 1


@run_online.register
def _(model: VideoKNet, image: Tensor, counting: AbstractContextManager) -> int:
    """The second frame of a video, which sees the kernels of the first; every thing kernel has found an object."""
    _, before = model.segment(model.extract_feat(image))
    previous = before.last.kernels if model.decoder.uses_previous else None
    with counting:
        levels = model.extract_feat(image)
        initial, output = model.segment(levels, previous)
        if model.tracker is not None:
            things = torch.arange(num_things(model, output.last), device=image.device)
            model.embed(image, levels, initial, output, 0, things)
    return 1


def num_things(model: VideoKNet, segments: Segments) -> int:
    """Number of thing kernels."""
    return segments.kernels.shape[1] - model.labels.num_stuff


@run_online.register
def _(model: ClipKNet, image: Tensor, counting: AbstractContextManager) -> int:
    """A window of a video; frames that it shares with the window before have been through per-frame K-Net."""
    num_frames = model.window or CLIP
    num_new = num_frames - (model.stitcher.overlap if model.window else 0)
    with counting:
        initial, output = model.segment(model.extract_feat(image.expand(num_new, -1, -1, -1)))
        window = torch.arange(num_frames, device=image.device) % num_new  # (T,)
        model.clip_decoder(output.last.frames(window), initial.features[window], num_frames)
    return num_new


@run_online.register
def _(model: VideoSegmentor, image: Tensor, counting: AbstractContextManager) -> int:
    """The second frame of a video, all its windows; training's auxiliary head does not run."""
    uses_previous = model.decoder is not None and model.decoder.uses_previous
    windows = [image[..., rows, columns] for rows, columns in model.windows(tuple(image.shape[-2:]))]
    before = [
        model.segment(model.extract_feat(window))[1].last.kernels if uses_previous else None for window in windows
    ]
    with counting:
        for window, previous in zip(windows, before, strict=True):
            model.logits(*model.segment(model.extract_feat(window), previous))
    return 1
