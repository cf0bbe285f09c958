"""Which parts a checkpoint holds, read off the names and shapes of its weights."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

# Depth of ResNets, by the number of blocks of their third level, of three convolutions or of two.
DEPTHS = {6: 50, 23: 101, 36: 152}
BASIC_DEPTHS = {2: 18, 6: 34}


def recognise(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """The parts that a config would name.

    Args:
        weights: Under our names; whatever is not known is not looked at.

    Returns:
        `type` of the model; `backbone` as the config that tells one from another, and the type of the `neck`, None
        where they are absent or not known; `num_stages`, `num_clip_stages` (0 but for clip-level models),
        `num_kernels`, `num_classes`; `kernel_linking`, `kernel_fusion`, `track_head` as configs, None where absent.
    """
    num_stages, num_clip_stages = (
        successive(indices(weights, rf"{decoder}\.stages\.(\d+)\.")) for decoder in ("decoder", "clip_decoder")
    )
    linking, fusion = (attention_part(weights, f"decoder.kernel_{name}.") for name in ("linking", "fusion"))
    track_head = embedding(weights)
    is_video = any(part is not None for part in (linking, fusion, track_head))
    classifier = rows(weights, "kernel_head.head.conv_seg.weight")  # of a semantic network
    kind = "VideoSegmentor" if classifier else "ClipKNet" if num_clip_stages else "VideoKNet" if is_video else "KNet"
    return dict(
        type=kind,
        backbone=backbone(weights),
        neck=neck(weights),
        num_stages=num_stages,
        num_clip_stages=num_clip_stages,
        num_kernels=rows(weights, "kernel_head.thing_kernels.weight"),
        num_classes=classifier or rows(weights, "kernel_head.semantic_kernels.weight"),
        kernel_linking=linking,
        kernel_fusion=fusion,
        track_head=track_head,
    )


def link_stages(names: Iterable[str]) -> tuple[int, ...]:
    """The stages that see another frame, under our names."""
    return tuple(sorted(indices(names, r"decoder\.kernel_(?:linking|fusion)\.(\d+)\.")))


def indices(names: Iterable[str], pattern: str) -> set[int]:
    """The numbers that a pattern finds at the start of names; those of more digits than any model needs are none."""
    found = (match[1] for name in names if (match := re.match(pattern, name)))
    return {int(digits) for digits in found if len(digits) <= 4}


def successive(numbers: set[int]) -> int:
    """How many follow each other from 0."""
    return next(i for i in range(len(numbers) + 1) if i not in numbers)


def rows(weights: Mapping[str, Tensor], name: str) -> int | None:
    """Length of a weight, None where it is not there, or has none."""
    shape = weights[name].shape if name in weights else ()
    return shape[0] if shape else None


def attention_part(names: Iterable[str], prefix: str) -> dict[str, Any] | None:
    """The config of linking or fusion below `prefix`, by default arguments where they are those."""
    roots = {name.removeprefix(prefix).split(".")[1] for name in names if name.startswith(prefix)}
    if not roots:
        return None
    if "attend" not in roots:
        return dict(type="KernelLinking")
    return dict(type="KernelFusion") | ({} if "update" in roots else {"update": None})


def embedding(names: Iterable[str]) -> dict[str, Any] | None:
    """The config of the association embedding; without `embed` where it is another than that of kernels."""
    names = [name for name in names if name.startswith("track_head.")]
    if not names:
        return None
    if not any(name.startswith(("track_head.embed.kernel_branch.", "track_head.embed.fcs.")) for name in names):
        return {}
    num_fcs = len(indices(names, r"track_head\.embed\.fcs\.(\d+)\."))
    return dict(embed=dict(type="KernelEmbedding", num_fcs=num_fcs))


def backbone(weights: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The kind of the backbone and its size."""
    if (channels := rows(weights, "backbone.patch_embed.projection.weight")) is not None:
        return dict(type="SwinTransformer", embed_dims=channels)
    kind = "mmseg.ResNetV1c" if "backbone.stem.0.weight" in weights else "ResNet"
    for last, depths in (("conv3", DEPTHS), ("conv2", BASIC_DEPTHS)):
        if blocks := indices(weights, rf"backbone\.layer3\.(\d+)\.{last}\."):
            return dict(type=kind, depth=depths[len(blocks)]) if len(blocks) in depths else None
    return None


def neck(names: Iterable[str]) -> str | None:
    """The type of the neck."""
    for prefix, kind in (("neck.encoder.", "DeformableNeck"), ("neck.fpn_convs.", "FPN")):
        if any(name.startswith(prefix) for name in names):
            return kind
    return None
