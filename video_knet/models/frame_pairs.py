"""The stages of a decoder on pairs of frames, as in training (Sec. 3.2): the key frame sees the reference frame."""

import torch
from torch import Tensor

from knet.kernel_decoder import DecoderOutput, KernelDecoder
from knet.segments import InitialSegments

REFERENCES, KEYS = slice(0, None, 2), slice(1, None, 2)  # of a batch of pairs, the reference frame first


def check_pairs(batch_inputs: Tensor) -> None:
    """Clips for training have to be pairs.

    Args:
        batch_inputs: (B, T, 3, H, W).

    Raises:
        ValueError: T is not 2.
    """
    num_frames = batch_inputs.shape[1]
    if num_frames != 2:
        raise ValueError(
            f"training needs clips of 2 frames, a reference and a key frame, but got {num_frames}; "
            "give the training dataset a ref_sampler that draws one reference"
        )


def decode_pairs(
    decoder: KernelDecoder, initial: InitialSegments, learn_references: bool
) -> tuple[tuple[InitialSegments, DecoderOutput], tuple[InitialSegments, DecoderOutput]]:
    """Run the stages on a batch of pairs.

    Args:
        decoder: The stages.
        initial: Of the frames of all pairs in turn, the reference frame first.
        learn_references: Whether losses of the key frames reach the reference frames.

    Returns:
        Initial segments and those of every stage, of the reference frames and of the key frames.
    """
    early = decoder.early_stages(initial)  # of all frames at once: they see no other frame
    (refs, ref_early), (keys, key_early) = (
        (initial.frames(which), [stage.frames(which) for stage in early]) for which in (REFERENCES, KEYS)
    )
    if not learn_references:
        refs, ref_early = refs.detach(), [stage.detach() for stage in ref_early]
    with torch.set_grad_enabled(torch.is_grad_enabled() and learn_references):
        ref_output = decoder.late_stages(refs, ref_early)
    key_output = decoder.late_stages(keys, key_early, previous=ref_output.last.kernels)
    return (refs, ref_output), (keys, key_output)
