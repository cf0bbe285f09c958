"""A checkpoint under released names or ours to one that holds weights only, with a report of what it has and lacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from knet.checkpoint import RefusedCheckpointError, listed, misfits, read_checkpoint
from knet.checkpoint_parts import recognise
from knet.class_rows import ClassRows
from knet.starting_weights import grouped
from video_knet.apis.class_names import checkpoint_class_names, checkpoint_meta, config_class_names, released_format
from video_knet.apis.runner import load_config
from video_knet.apis.shipped_configs import CONFIGS, ConfigMatch, match_configs, weights_of
from video_knet.formats import get_format
from video_knet.formats.disk.files import whole_file
from video_knet.hooks import plain

OURS = "kernel_head."  # every model of this project has one


@dataclass
class LoadReport:
    """What a file holds, and where it fits.

    Attributes:
        source: The file.
        parts: What was recognised, see `knet.checkpoint_parts.recognise`.
        is_released: Whether it has the names of the released code.
        num_used: Weights that were used.
        dropped: Reason by name of those that were not.
        missing: Names that files with these parts have, and this one lacks.
        classes: Names of its classes in the order of its rows, None where they are not known.
        configs: The shipped configs that it fits.
        config: The config that it was checked against, None where none was named.
        rows: How its class rows go into that config's model; None where classes are not known by name.
        wrong: What does not fit that config.
    """

    source: Path
    parts: dict[str, Any]
    is_released: bool
    num_used: int
    dropped: dict[str, str]
    missing: list[str]
    classes: tuple[str, ...] | None
    configs: ConfigMatch
    config: Path | None = None
    rows: ClassRows | None = None
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        names = "the released code's" if self.is_released else "this project's"
        lines = [
            f"{self.source}: {self.num_used + len(self.dropped)} weights under {names} names",
            f"parts: {describe_parts(self.parts)}",
            f"used: {self.num_used}",
            f"dropped: {len(self.dropped)}",
        ]
        for reason in dict.fromkeys(self.dropped.values()):
            lines += [
                f"  {part}: {reason}" for part in grouped(name for name, why in self.dropped.items() if why == reason)
            ]
        lines.append(f"missing: {len(self.missing)}" + listed(self.missing))
        first = [] if self.classes is None else [*self.classes[:8], *["..."] * (len(self.classes) > 8)]
        lines.append(f"classes: {len(self.classes)}, {', '.join(first)}" if first else "classes: not known by name")
        lines += describe_configs(self.configs)
        if self.config is not None and self.rows is not None:
            lines.append(str(self.rows))
        if self.config is not None:
            verdict = (
                f"does not fit:{listed(self.wrong)}" if self.wrong else "every weight of its model is there and fits"
            )
            lines.append(f"{self.config}: {verdict}")
        return "\n".join(lines)


def convert_file(source: Path, target: Path, config: Path | None = None) -> LoadReport:
    """Convert a checkpoint; without `config`, or where everything fits it, `target` is written, whole or not at all.

    Args:
        source: A checkpoint under released names or ours.
        target: Receives the weights, and meta information that says what its classes are; no optimizer.
        config: Config whose model the weights must fit, class by class.

    Returns:
        The report; `wrong` says whether anything does not fit, and then nothing was written.

    Raises:
        RefusedCheckpointError: The file is no checkpoint of K-Net or Video K-Net.
        OSError: A file is missing, or cannot be written.
    """
    checkpoint = read_checkpoint(source)
    weights = checkpoint["state_dict"]
    if not any(name.startswith(OURS) for name in weights):
        raise RefusedCheckpointError(
            f"{source}: none of its {len(weights)} weights has a name of K-Net or Video K-Net, the released ones or "
            f"ours; name a checkpoint of such a model. The first one is called {next(iter(weights))}"
        )
    report = load_report(source, checkpoint)
    if config is not None:
        check_config(report, checkpoint, load_config(config))
    if not report.wrong:
        with whole_file(target) as file:
            torch.save({"meta": written_meta(checkpoint), "state_dict": dict(weights)}, file)
    return report


def load_report(source: Path, checkpoint: Mapping[str, Any]) -> LoadReport:
    """The report of a checkpoint that was read."""
    converted = checkpoint.get("released")
    weights: Mapping[str, Tensor] = checkpoint["state_dict"]
    configs = match_configs(checkpoint)
    return LoadReport(
        source=source,
        parts=recognise(weights),
        is_released=converted is not None,
        num_used=len(weights),
        dropped={} if converted is None else converted.dropped,
        missing=sorted({*configs.missing, *(() if converted is None else converted.missing)}),
        classes=checkpoint_class_names(checkpoint),
        configs=configs,
    )


def check_config(report: LoadReport, checkpoint: Mapping[str, Any], config: Config) -> None:
    """Compare weights and classes with those of a config; adds to the report."""
    report.config = Path(config.filename)
    report.wrong = misfits(checkpoint["state_dict"], weights_of(config.model))
    ours = config_class_names(config.model)
    if ours is not None and report.classes is not None:
        report.rows = ClassRows.by_name(ours, report.classes)
        if not report.rows.is_same:
            report.wrong.insert(0, "classes are others, or in another order; start from it with load_from instead")


def written_meta(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Meta information of a converted file: as it was, and the classes of the dataset where they are known."""
    meta = plain(dict(checkpoint_meta(checkpoint)))
    if (name := released_format(checkpoint)) is not None and "dataset_meta" not in meta:
        classes = get_format(name).classes
        meta["dataset_meta"] = dict(
            format=name,
            dataset=get_format(name).name,
            classes=classes.names,
            palette=classes.palette,
            thing_ids=classes.thing_ids,
            label_ids=classes.label_ids,
        )
    return meta


def describe_parts(parts: Mapping[str, Any]) -> str:
    """The parts of a file in one line."""
    backbone, head = parts["backbone"], parts["track_head"]
    said = "not known" if backbone is None else " ".join(str(value) for value in backbone.values())
    embedding = None if head is None else head.get("embed", {}).get("num_fcs", "other")
    clip = [f"{parts['num_clip_stages']} clip stages"] if parts["num_clip_stages"] else []
    return ", ".join(
        [
            f"{parts['type']}",
            f"backbone {said}",
            f"neck {parts['neck']}",
            f"{parts['num_stages']} stages",
            *clip,
            f"{parts['num_kernels']} kernels",
            f"{parts['num_classes']} classes",
            f"linking {describe_attention(parts['kernel_linking'])}",
            f"fusion {describe_attention(parts['kernel_fusion'])}",
            f"embedding layers {embedding}",
        ]
    )


def describe_attention(part: Mapping[str, Any] | None) -> str:
    """Linking or fusion in a few words."""
    if part is None:
        return "none"
    return part["type"] + (" without update" if part.get("update", True) is None else "")


def describe_configs(match: ConfigMatch) -> list[str]:
    """The configs that fit, or what to change in the nearest one."""
    if match.fitting:
        best, *others = (shown(path) for path in match.fitting)
        return [f"config: {best}" + (f" (also {', '.join(others)})" if others else "")]
    if match.nearest is None:
        return ["config: none of the shipped configs has these parts, this backbone and these classes"]
    if not match.changes:
        return [f"config: {shown(match.nearest)} has these parts, but does not fit:{listed(match.wrong)}"]
    settings = ", ".join(f"{key}={python(value)}" for key, value in match.changes.items())
    return [f"config: no shipped one fits; a child of {shown(match.nearest)} with model=dict({settings}) does"]


def python(value: Any) -> str:
    """A config's value as one writes it."""
    if isinstance(value, Mapping):
        return f"dict({', '.join(f'{key}={python(entry)}' for key, entry in value.items())})"
    return repr(value)


def shown(path: Path) -> str:
    """A shipped config as it is named in commands."""
    return str(path.relative_to(CONFIGS.parent))
