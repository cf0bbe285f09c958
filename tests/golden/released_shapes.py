"""Names and shapes of every released model, backbone and neck with them.

Those of heads are lists that were written by the released code (`checkpoints/*.txt`); variants of linking, fusion and
embedding have the shapes of parts that are in such a list.
"""

from functools import cache

import torch
from torch import Tensor

from tests.golden.recipe import released_names

Shapes = dict[str, tuple[int, ...]]
LINK_ROOTS = ("attention_previous.", "attention_previous_norm.", "link_ffn.", "link_ffn_norm.")
CLASS_ROWS = ("fc_cls.weight", "fc_cls.bias", "conv_seg.weight", "conv_seg.bias")
SWIN_HEADS = {128: (4, 8, 16, 32), 192: (6, 12, 24, 48)}  # by channels: Swin-B, Swin-L
LEVELS = {"r50": (256, 512, 1024, 2048), "swin_b": (128, 256, 512, 1024), "swin_l": (192, 384, 768, 1536)}


def linear(name: str, outputs: int, inputs: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def norm(name: str, channels: int) -> Shapes:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


@cache
def resnet50() -> Shapes:
    """torchvision's names but those of the classifier."""
    from torchvision.models import resnet50 as build

    with torch.device("meta"):
        weights = build().state_dict()
    return {f"backbone.{name}": tuple(value.shape) for name, value in weights.items() if not name.startswith("fc.")}


def swin(channels: int) -> Shapes:
    """Its authors' names; windows of 7 x 7 pixels, 2, 2, 18 and 2 blocks."""
    shapes = {"patch_embed.proj.weight": (channels, 3, 4, 4), "patch_embed.proj.bias": (channels,)}
    shapes |= norm("patch_embed.norm", channels)
    for level, (blocks, heads) in enumerate(zip((2, 2, 18, 2), SWIN_HEADS[channels], strict=True)):
        width = channels << level
        for block in range(blocks):
            at = f"layers.{level}.blocks.{block}"
            shapes |= norm(f"{at}.norm1", width) | norm(f"{at}.norm2", width)
            shapes[f"{at}.attn.relative_position_bias_table"] = (169, heads)
            shapes[f"{at}.attn.relative_position_index"] = (49, 49)
            shapes |= linear(f"{at}.attn.qkv", 3 * width, width) | linear(f"{at}.attn.proj", width, width)
            shapes |= linear(f"{at}.mlp.fc1", 4 * width, width) | linear(f"{at}.mlp.fc2", width, 4 * width)
        if level < 3:
            at = f"layers.{level}.downsample"
            shapes |= linear(f"{at}.reduction", 2 * width, 4 * width, bias=False) | norm(f"{at}.norm", 4 * width)
        shapes |= norm(f"norm{level}", width)
    return {f"backbone.{name}": shape for name, shape in shapes.items()}


def fpn(levels: tuple[int, ...]) -> Shapes:
    shapes: Shapes = {}
    for i, channels in enumerate(levels):
        for conv, shape in (("lateral_convs", (256, channels, 1, 1)), ("fpn_convs", (256, 256, 3, 3))):
            shapes |= {f"neck.{conv}.{i}.conv.weight": shape, f"neck.{conv}.{i}.conv.bias": (256,)}
    return shapes


def deformable(levels: tuple[int, ...]) -> Shapes:
    """The pixel decoder of an earlier release of the host."""
    shapes: Shapes = {"level_encoding.weight": (3, 256)}
    shapes |= {"mask_feature.weight": (256, 256, 1, 1), "mask_feature.bias": (256,)}
    for i, channels in enumerate(levels[:0:-1]):
        shapes |= {f"input_convs.{i}.conv.weight": (256, channels, 1, 1), f"input_convs.{i}.conv.bias": (256,)}
        shapes |= norm(f"input_convs.{i}.gn", 256)
    for i in range(6):
        at = f"encoder.layers.{i}"
        for layer, outputs in (
            ("sampling_offsets", 192), ("attention_weights", 96), ("value_proj", 256), ("output_proj", 256),
        ):  # fmt: skip
            shapes |= linear(f"{at}.attentions.0.{layer}", outputs, 256)
        shapes |= linear(f"{at}.ffns.0.layers.0.0", 1024, 256) | linear(f"{at}.ffns.0.layers.1", 256, 1024)
        shapes |= norm(f"{at}.norms.0", 256) | norm(f"{at}.norms.1", 256)
    for conv, channels, size in (("lateral_convs.0", levels[0], 1), ("output_convs.0", 256, 3)):
        shapes |= {f"{conv}.conv.weight": (256, channels, size, size)} | norm(f"{conv}.gn", 256)
    return {f"neck.{name}": shape for name, shape in shapes.items()}


def heads(listed: str, num_classes: int) -> Shapes:
    """What follows the neck in a list, with another number of classes."""
    return {
        name: (num_classes, *shape[1:]) if name.endswith(CLASS_ROWS) else shape
        for name, shape in released_names(listed).items()
        if not name.startswith("neck.")
    }


def with_variants(shapes: Shapes, link: str = "ffn", fuse: str | None = None, num_fcs: int = 2) -> Shapes:
    """A video model with other modules in all stages.

    Args:
        shapes: With linking "ffn", without fusion, with two embedding layers.
        link: "ffn", or "update", which updates previous kernels first.
        fuse: None, "link_atten", or "update_dynamic_cov", which updates previous kernels first.
        num_fcs: Embedding layers.
    """
    changed: Shapes = {}
    for name, shape in shapes.items():
        stage, _, local = name.partition("mask_head.")
        index, _, local = local.partition(".")
        prefix = f"{stage}mask_head.{index}."
        root, _, rest = local.partition(".")
        is_link = local.startswith(LINK_ROOTS)
        if not is_link or link == "ffn":
            changed[name] = shape
        if is_link and link == "update":
            changed[f"{prefix}{root}_track.{rest}"] = shape
        if is_link and fuse is not None:
            changed[f"{prefix}{root}_link.{rest}"] = shape
        if root == "kernel_update_conv" and link == "update":
            changed[f"{prefix}attention_previous_update_track.{rest}"] = shape
        if root == "kernel_update_conv" and fuse == "update_dynamic_cov":
            changed[f"{prefix}attention_previous_update_link.{rest}"] = shape
    return {
        name: shape
        for name, shape in changed.items()
        if not name.startswith("track_head.fcs.") or int(name.split(".")[2]) < num_fcs
    }


def released_model(backbone: str, listed: str, num_classes: int, neck: str = "fpn", **variants) -> Shapes:
    """All names and shapes of a released model.

    Args:
        backbone: "r50", "swin_b" or "swin_l".
        listed: The list of its heads, as "kitti_step_r50".
        num_classes: Rows of its classifiers.
        neck: "fpn" or "deformable".
        **variants: See `with_variants`.
    """
    shapes = resnet50() if backbone == "r50" else swin(LEVELS[backbone][0])
    shapes = shapes | {"fpn": fpn, "deformable": deformable}[neck](LEVELS[backbone]) | heads(listed, num_classes)
    return with_variants(shapes, **variants) if variants else shapes


def without_memory(shapes: Shapes) -> dict[str, Tensor]:
    """Zeros of these shapes that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
