"""Which of the shipped configs a checkpoint belongs to."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch import Tensor

from knet.checkpoint import misfits
from knet.checkpoint_parts import link_stages, recognise
from knet.class_rows import ClassRows
from video_knet.apis.class_names import (
    checkpoint_class_names,
    checkpoint_meta,
    config_class_names,
    released_format,
)
from video_knet.apis.lint.build import build_model, quiet
from video_knet.formats import format_key, get_format, is_format

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
CHANGEABLE = ("kernel_linking", "kernel_fusion", "track_head")  # what a config of a few lines sets


@dataclass
class ConfigMatch:
    """Configs for a checkpoint.

    Attributes:
        fitting: Those whose model takes every weight and needs no other, the best first.
        nearest: Where none fits, the one that needs the fewest changes; None where none is of the kind.
        changes: What to set in `nearest.model` so that it fits; empty where the parts are the same.
        wrong: Then, what does not fit.
        missing: Of that, the weights that are not in the file.
    """

    fitting: list[Path] = field(default_factory=list)
    nearest: Path | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def match_configs(checkpoint: Mapping[str, Any], configs: Path = CONFIGS) -> ConfigMatch:
    """Find the configs of a checkpoint.

    Configs of the kind (model, backbone, neck, classes by number, by name where the file says them) are built and
    compared weight by weight. Of several that fit, those of the dataset that the file was trained for come first, of a
    released file the `_released` ones, then the shortest name.

    Args:
        checkpoint: As `read_checkpoint` returns it.
        configs: Folder of the configs.
    """
    weights, released = checkpoint["state_dict"], "released" in checkpoint
    parts = recognise(weights)
    said = checkpoint_meta(checkpoint).get("dataset_meta")
    own_format = said.get("format") if isinstance(said, Mapping) else None
    dataset = str(released_format(checkpoint) if released else own_format)
    classes = checkpoint_class_names(checkpoint)
    result, near = ConfigMatch(), []
    for path, model in shipped_models(configs):
        if kind_of(model) != (parts["type"], parts["backbone"], parts["neck"], parts["num_classes"]):
            continue
        if classes is not None and not ClassRows.by_name(config_class_names(model), classes).is_same:
            continue
        rank = (
            format_key(model.labels.format) != format_key(dataset),
            released and "_released" not in path.stem,
            len(path.name),
            str(path),
        )
        own = weights_of(model)
        changes = differences(recognise(own), parts)
        stages = link_stages(weights)
        if stages and stages != (link_stages(own) or (parts["num_stages"] - 1,)):
            changes["decoder"] = dict(link_stages=stages)
        if not misfits(weights, own):
            result.fitting.append((rank, path))
        elif not changes or fits(weights, changed(model, changes)):
            near.append((len(changes), rank, path, changes, own))
    result.fitting = [path for _, path in sorted(result.fitting)]
    if near and not result.fitting:
        *_, result.nearest, result.changes, own = min(near, key=lambda entry: entry[:2])
        if not result.changes:
            result.wrong, result.missing = misfits(weights, own), [name for name in own if name not in weights]
    return result


@cache
def shipped_models(configs: Path = CONFIGS) -> tuple[tuple[Path, ConfigDict], ...]:
    """Path and model of each config in a folder, ablations and quickstarts aside."""
    paths = sorted(path for folder in ("knet", "video_knet") for path in (configs / folder).rglob("*.py"))
    return tuple((path, Config.fromfile(path).model) for path in paths)


def kind_of(model: Mapping[str, Any]) -> tuple:
    """Model, backbone, neck and number of classes of a model's config, as `recognise` gives them."""
    backbone, labels = model.get("backbone") or {}, model.get("labels") or {}
    size = {"ResNet": "depth", "SwinTransformer": "embed_dims"}.get(backbone.get("type"), "depth")
    known = "format" in labels and is_format(labels["format"])
    return (
        model.get("type"),
        {"type": backbone.get("type"), size: backbone.get(size)},
        (model.get("neck") or {}).get("type"),
        len(get_format(labels["format"]).classes.names) if known else None,
    )


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """What to set in a config whose parts are `ours` to get those of a file; parts of another type replace all."""
    changes = {}
    for key in CHANGEABLE:
        if ours[key] == theirs[key]:
            continue
        part = theirs[key]
        is_new = part is not None and (ours[key] is None or ours[key].get("type") != part.get("type"))
        changes[key] = {"_delete_": True, **part} if is_new and key != "track_head" else part
    return changes


def changed(model: Mapping[str, Any], changes: dict[str, Any]) -> ConfigDict:
    """The config of a model with changes, merged as in a child config."""
    return ConfigDict(Config._merge_a_into_b(copy.deepcopy(changes), copy.deepcopy(model)))


def weights_of(model: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a config's model, undrawn."""
    init_default_scope("mmdet")
    with quiet():
        return build_model(model).state_dict()


def fits(weights: Mapping[str, Tensor], model: Mapping[str, Any]) -> bool:
    """Whether a model takes every weight and needs no other."""
    try:
        return not misfits(weights, weights_of(model))
    except (TypeError, ValueError, KeyError):  # such parts do not go together
        return False
