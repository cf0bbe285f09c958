"""Weights on disk: safe to load, and readable under the names of the authors' released code.

The released names are listed once, as pairs of a released prefix and ours. A file is recognised by the names it holds:
which parts it has, and which of its weights were built but never used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

UPDATE = {
    "dynamic_layer": "feature_layer",
    "input_layer": "kernel_layer",
    "input_gate": "kernel_gate",
    "update_gate": "feature_gate",
    "norm_in": "feature_gate_norm",
    "norm_out": "feature_norm",
    "input_norm_in": "kernel_gate_norm",
    "input_norm_out": "kernel_norm",
    "fc_layer": "out_layer",
    "fc_norm": "out_norm",
}
STAGE = {
    "kernel_update_conv": "update",
    "attention": "attention",
    "attention_norm": "attention_norm",
    "ffn": "ffn",
    "ffn_norm": "ffn_norm",
    "feat_transform.conv": "pixel_layer",
    "cls_fcs": "class_branch",
    "fc_cls": "class_layer",
    "mask_fcs": "mask_branch",
    "fc_mask": "mask_layer",
}
# Parts of a stage that read the previous frame: (released roots, ours).
LINKING = {
    "attention_previous": "attention",
    "attention_previous_norm": "attention_norm",
    "link_ffn": "ffn",
    "link_ffn_norm": "ffn_norm",
}
LINKING_UPDATED = {f"{name}_track": f"attend.{ours}" for name, ours in LINKING.items()} | {
    "attention_previous_update_track": "update"
}
FUSION = {f"{name}_link": f"attend.{ours}" for name, ours in LINKING.items()} | {
    "attention_previous_update_link": "update"
}
KERNEL_HEAD = {
    "localization_fpn.convs_all_levels": "semantic_fpn.towers",
    "localization_fpn.conv_pred": "semantic_fpn.thing_conv",
    "localization_fpn.aux_convs.0": "semantic_fpn.stuff_conv",
    "init_kernels": "thing_kernels",
    "conv_seg": "semantic_kernels",
    "loc_convs.0": "thing_conv",
    "seg_convs.0": "stuff_conv",
}
EMBEDDING = {
    "embed_fcs": "track_head.embed.kernel_branch",
    "fc_embed": "track_head.embed.kernel_layer",
    "track_head.fcs": "track_head.embed.fcs",
    "track_head.fc_embed": "track_head.embed.out_layer",
}
SAME = ("backbone.", "neck.")
NORMS = ("weight", "bias")


@dataclass
class Converted:
    """A state dict under our names, and what became of the released one.

    Attributes:
        state_dict: Our names.
        parts: What the file holds: `num_stages`, `num_kernels`, `num_classes`, and `kernel_linking`,
            `kernel_fusion`, `track_head` as configs, None where absent.
        used: Our name by released name.
        dropped: Reason by released name.
        missing: Our names that files with these parts have, and this one lacks.
    """

    state_dict: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def is_released(state_dict: dict[str, Tensor]) -> bool:
    """Whether the names are those of the released code."""
    return any(name.removeprefix("module.").startswith(("rpn_head.", "roi_head.")) for name in state_dict)


def convert(state_dict: dict[str, Tensor]) -> Converted:
    """Rename released weights.

    Args:
        state_dict: Released names; a leading `module.` is ignored.

    Returns:
        Our names, the parts that were recognised, and a report. Names that are unknown are dropped with a reason.
    """
    state_dict = {name.removeprefix("module."): value for name, value in state_dict.items()}
    stages = {int(m[1]) for name in state_dict if (m := re.match(r"roi_head\.mask_head\.(\d+)\.", name))}
    last = max(stages, default=-1)
    result = Converted(parts=recognise(state_dict, last))
    for name, value in state_dict.items():
        ours, reason = rename(name, last)
        if ours is None:
            result.dropped[name] = reason
            continue
        if ours.endswith("pixel_layer.weight"):
            value = value.flatten(1)  # a 1x1 convolution: (C, C, 1, 1) to (C, C)
        result.used[name], result.state_dict[ours] = ours, value
    result.missing = sorted(set(expected_names(result.parts)) - set(result.state_dict))
    return result


def recognise(state_dict: dict[str, Tensor], last: int) -> dict[str, Any]:
    """Which parts a released state dict holds, read off the last stage."""
    stage = f"roi_head.mask_head.{last}."
    roots = {name.removeprefix(stage).split(".")[0] for name in state_dict if name.startswith(stage)}
    linking, fusion = None, None
    if "attention_previous_update_track" in roots:
        linking = dict(type="KernelFusion")
    elif "attention_previous" in roots:
        linking = dict(type="KernelLinking")
    if "attention_previous_link" in roots:
        fusion = dict(type="KernelFusion")
        if "attention_previous_update_link" not in roots:
            fusion["update"] = None
    num_fcs = len({name.split(".")[2] for name in state_dict if name.startswith("track_head.fcs.")})
    has_track_head = "track_head.fc_embed.weight" in state_dict
    kernels, classes = state_dict.get("rpn_head.init_kernels.weight"), state_dict.get("rpn_head.conv_seg.weight")
    return dict(
        num_stages=last + 1,
        num_kernels=None if kernels is None else len(kernels),
        num_classes=None if classes is None else len(classes),
        kernel_linking=linking,
        kernel_fusion=fusion,
        track_head=dict(embed=dict(type="KernelEmbedding", num_fcs=num_fcs)) if has_track_head else None,
    )


def rename(name: str, last: int) -> tuple[str | None, str]:
    """Our name of a released weight, or None and the reason."""
    if name.startswith(SAME):
        return name, ""
    if name.startswith("rpn_head."):
        return _swap(name.removeprefix("rpn_head."), KERNEL_HEAD, "kernel_head")
    if match := re.match(r"roi_head\.mask_head\.(\d+)\.(.+)", name):
        return _rename_stage(int(match[1]), match[2], last)
    return _swap(name, EMBEDDING, "")


def _rename_stage(stage: int, name: str, last: int) -> tuple[str | None, str]:
    ours, _ = _swap(name, STAGE, f"decoder.stages.{stage}")
    if ours is not None:
        return ours, ""
    for table, target in ((LINKING, "linking"), (LINKING_UPDATED, "linking"), (FUSION, "fusion")):
        ours, _ = _swap(name, table, f"decoder.kernel_{target}.{stage}")
        if ours is not None and stage == last:
            return ours, ""
        if ours is not None:
            return None, f"stage {stage} never receives previous kernels: this weight was built but never used"
    return None, "no such name in the released models"


def _swap(name: str, table: dict[str, str], target: str) -> tuple[str | None, str]:
    """Replace the root of a name, longest root first."""
    for root in sorted(table, key=len, reverse=True):
        if name.startswith(root + "."):
            rest = name[len(root) + 1 :]
            if table[root] == "update" or root.endswith("update_conv"):
                inner, _, parameter = rest.partition(".")
                if inner not in UPDATE:
                    return None, "no such name in the released models"
                rest = f"{UPDATE[inner]}.{parameter}"
            if root == "localization_fpn.convs_all_levels":
                rest = re.sub(r"^(\d+)\.conv(\d+)\.", r"\1.\2.", rest)
            return ".".join(filter(None, (target, table[root], rest))), ""
    return None, "no such name in the released models"


def expected_names(parts: dict[str, Any]) -> Iterator[str]:
    """Our names in a complete file with these parts, without backbone and neck."""
    yield from _expected_kernel_head()
    for stage in range(parts["num_stages"]):
        yield from _expected_stage(f"decoder.stages.{stage}.")
    last = parts["num_stages"] - 1
    if (linking := parts["kernel_linking"]) is not None:
        yield from _expected_attention(f"decoder.kernel_linking.{last}.", linking)
    if (fusion := parts["kernel_fusion"]) is not None:
        yield from _expected_attention(f"decoder.kernel_fusion.{last}.", fusion)
    if parts["track_head"] is not None:
        prefix = "track_head.embed."
        yield from _branch(prefix + "kernel_branch")
        layers = [
            "kernel_layer",
            "out_layer",
            *(f"fcs.{i}" for i in range(parts["track_head"]["embed"]["num_fcs"])),
        ]
        yield from (f"{prefix}{layer}.{p}" for layer in layers for p in NORMS)


def _expected_kernel_head() -> Iterator[str]:
    convs = [f"semantic_fpn.towers.{i}.{j}" for i in range(4) for j in range(max(i, 1))]
    convs += ["semantic_fpn.thing_conv", "semantic_fpn.stuff_conv", "thing_conv", "stuff_conv"]
    yield from (f"kernel_head.{c}.{p}" for c in convs for p in ("conv.weight", "gn.weight", "gn.bias"))
    yield from ("kernel_head.thing_kernels.weight", "kernel_head.semantic_kernels.weight")
    yield "kernel_head.semantic_kernels.bias"


def _expected_stage(prefix: str) -> Iterator[str]:
    yield from (f"{prefix}update.{layer}.{p}" for layer in UPDATE.values() for p in NORMS)
    yield from _attention(prefix)
    yield from _branch(prefix + "class_branch")
    yield from _branch(prefix + "mask_branch")
    yield from (f"{prefix}{layer}.{p}" for layer in ("class_layer", "mask_layer", "pixel_layer") for p in NORMS)


def _expected_attention(prefix: str, part: dict[str, Any]) -> Iterator[str]:
    if part["type"] == "KernelLinking":
        yield from _attention(prefix)
        return
    yield from _attention(prefix + "attend.")
    if part.get("update", True) is not None:
        yield from (f"{prefix}update.{layer}.{p}" for layer in UPDATE.values() for p in NORMS)


def _attention(prefix: str) -> Iterator[str]:
    attention = ("attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias")
    yield from (f"{prefix}attention.{p}" for p in attention)
    yield from (
        f"{prefix}{n}.{p}" for n in ("attention_norm", "ffn_norm", "ffn.layers.0.0", "ffn.layers.1") for p in NORMS
    )


def _branch(prefix: str) -> Iterator[str]:
    yield from (f"{prefix}.0.weight", f"{prefix}.1.weight", f"{prefix}.1.bias")


class UnsafeCheckpointError(ValueError):
    """A file is not a checkpoint, or could run code when it is loaded."""


def read_checkpoint(path: str | Path, map_location: str | torch.device = "cpu") -> dict[str, Any]:
    """Read a checkpoint without executing anything in it; released names are converted.

    Args:
        path: A file written by torch.save.
        map_location: Device for the tensors.

    Returns:
        With `state_dict` under our names, and whatever else the file holds.

    Raises:
        FileNotFoundError: No such file.
        UnsafeCheckpointError: Not a checkpoint, truncated, or with objects other than tensors and plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint file")
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged file fails in whatever way its bytes lead to
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnsafeCheckpointError(
            f"{path}: refused. It is truncated, is no checkpoint, or holds objects that would have to be executed "
            f"({reason[:200]}). If you trust its origin, re-save its weights alone: "
            "torch.save({'state_dict': torch.load(FILE, weights_only=False)['state_dict']}, NEW_FILE)"
        ) from error
    if not isinstance(checkpoint, dict):
        raise UnsafeCheckpointError(f"{path}: holds a {type(checkpoint).__name__}, not a dict of weights")
    if "state_dict" not in checkpoint:
        checkpoint = {"state_dict": checkpoint}
    weights = checkpoint["state_dict"]
    if is_released(weights):
        converted = convert(weights)
        print_log(
            f"{path}: released names, {len(converted.used)} weights used, {len(converted.dropped)} dropped, "
            f"{len(converted.missing)} missing",
            "current",
        )
        checkpoint["state_dict"] = converted.state_dict
    return checkpoint


def load_weights(model: nn.Module, path: str | Path) -> dict[str, Any]:
    """Load a checkpoint into a model for testing; every weight of the model must be there and fit.

    Returns:
        The checkpoint without its weights.

    Raises:
        ValueError: Weights are missing, left over, or have another shape; the message lists them.
    """
    checkpoint = read_checkpoint(path)
    weights, own = checkpoint.pop("state_dict"), model.state_dict()
    wrong = [
        f"{n}: {tuple(v.shape)} in the file, {tuple(own[n].shape)} in the model"
        for n, v in weights.items()
        if n in own and own[n].shape != v.shape
    ]
    wrong += [f"{name}: not in the file" for name in own if name not in weights]
    wrong += [f"{name}: not in the model" for name in weights if name not in own]
    if wrong:
        listed = "\n  ".join(wrong[:20]) + ("" if len(wrong) <= 20 else f"\n  ... and {len(wrong) - 20} more")
        raise ValueError(
            f"{path} does not fit the config's model; test with the config it was trained with:\n  {listed}"
        )
    model.load_state_dict(weights)
    return checkpoint
