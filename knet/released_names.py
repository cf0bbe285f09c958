"""The names that the authors' released code gives to weights, and ours.

Each table holds pairs of a released root and ours; what follows the root is the same on both sides.
"""

import re
from collections.abc import Iterator
from typing import Any

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
DEFORMABLE_LAYER = {"attentions.0": "self_attn", "ffns.0": "ffn"}
SAME = ("backbone.", "neck.")
NORMS = ("weight", "bias")


def rename(name: str, last: int) -> tuple[str | None, str]:
    """Our name of a released weight, or None and the reason."""
    if name.startswith(SAME):
        return _swap_neck(name), ""
    if name.startswith("rpn_head."):
        return _swap(name.removeprefix("rpn_head."), KERNEL_HEAD, "kernel_head")
    if match := re.match(r"roi_head\.mask_head\.(\d{1,4})\.(.+)", name):
        return _rename_stage(int(match[1]), match[2], last)
    if match := re.match(r"tracker\.mask_head\.(\d{1,4})\.(.+)", name):
        return _swap(match[2], STAGE, f"clip_decoder.stages.{match[1]}")
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


def _swap_neck(name: str) -> str:
    """The layers of a deformable neck have other names in the host than they had in its earlier release."""
    for theirs, ours in DEFORMABLE_LAYER.items():
        name = re.sub(rf"^(neck\.encoder\.layers\.\d+\.){re.escape(theirs)}\.", rf"\g<1>{ours}.", name)
    return name


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
    """Our names in a complete released file with these parts, without backbone and neck.

    All released models have a pyramid of four levels and one hidden layer in front of classes and masks.
    """
    yield from _expected_kernel_head()
    for stage in range(parts["num_stages"]):
        yield from _expected_stage(f"decoder.stages.{stage}.")
    for stage in range(parts["num_clip_stages"]):
        yield from _expected_stage(f"clip_decoder.stages.{stage}.", classes=stage < parts["num_clip_stages"] - 1)
    last = parts["num_stages"] - 1
    if (linking := parts["kernel_linking"]) is not None:
        yield from _expected_attention(f"decoder.kernel_linking.{last}.", linking)
    if (fusion := parts["kernel_fusion"]) is not None:
        yield from _expected_attention(f"decoder.kernel_fusion.{last}.", fusion)
    if parts["track_head"]:
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


def _expected_stage(prefix: str, classes: bool = True) -> Iterator[str]:
    yield from (f"{prefix}update.{layer}.{p}" for layer in UPDATE.values() for p in NORMS)
    yield from _attention(prefix)
    for branch in ("class", "mask") if classes else ("mask",):
        yield from _branch(f"{prefix}{branch}_branch")
        yield from (f"{prefix}{branch}_layer.{p}" for p in NORMS)
    yield from (f"{prefix}pixel_layer.{p}" for p in NORMS)


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
