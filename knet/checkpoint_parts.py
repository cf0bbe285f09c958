"""Which parts a checkpoint holds, read off the names and shapes of its weights."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

DEPTHS = {6: 50, 23: 101, 36: 152}  # of ResNets, by the number of blocks of their third level


def recognise(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """The parts that a config would name.

    Args:
        weights: Under our names; whatever is not known is not looked at.

    Returns:
        `type` of the model; `backbone` as the config that tells one from another, and the type of the `neck`, None
        where they are absent or not known; `num_stages`, `num_clip_stages` (0 but for clip-level models),
        `num_kernels`, `num_classes`; `kernel_linking`, `kernel_fusion`, `track_head` as configs, None where absent.
    """
    stages, clip_stages = (indices(weights, rf"{decoder}\.stages\.(\d+)\.") for decoder in ("decoder", "clip_decoder"))
    linking, fusion = (attention_part(weights, f"decoder.kernel_{name}.") for name in ("linking", "fusion"))
    track_head = embedding(weights)
    is_video = any(part is not None for part in (linking, fusion, track_head))
    return dict(
        type="ClipKNet" if clip_stages else "VideoKNet" if is_video else "KNet",
        backbone=backbone(weights),
        neck=neck(weights),
        num_stages=max(stages, default=-1) + 1,
        num_clip_stages=len(clip_stages),
        num_kernels=rows(weights, "kernel_head.thing_kernels.weight"),
        num_classes=rows(weights, "kernel_head.semantic_kernels.weight"),
        kernel_linking=linking,
        kernel_fusion=fusion,
        track_head=track_head,
    )


def indices(names: Iterable[str], pattern: str) -> set[int]:
    """The numbers that a pattern finds at the start of names."""
    return {int(match[1]) for name in names if (match := re.match(pattern, name))}


def rows(weights: Mapping[str, Tensor], name: str) -> int | None:
    """Length of a weight, None where it is not there."""
    return len(weights[name]) if name in weights else None


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
    blocks = indices(weights, r"backbone\.layer3\.(\d+)\.conv3\.")
    if len(blocks) in DEPTHS:
        return dict(type="ResNet", depth=DEPTHS[len(blocks)])
    return None


def neck(names: Iterable[str]) -> str | None:
    """The type of the neck."""
    for prefix, kind in (("neck.encoder.", "DeformableNeck"), ("neck.fpn_convs.", "FPN")):
        if any(name.startswith(prefix) for name in names):
            return kind
    return None
