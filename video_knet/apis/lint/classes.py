"""Classes of model, datasets and metrics, which must be the same."""

from collections.abc import Mapping
from typing import Any

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmdet.registry import METRICS, TASK_UTILS

from knet.labels import LabelSpace
from video_knet.apis.lint.finding import (
    LOADERS,
    Finding,
    datasets_of,
    did_you_mean,
    evaluators_of,
    fault,
    join,
    nearest_name,
    warning,
)
from video_knet.formats import ClassTable, DatasetFormat, format_key, get_format
from video_knet.metrics import VideoMetric


def check_classes(config: Mapping[str, Any]) -> list[Finding]:
    """Datasets whose classes are not the model's, metrics of another dataset, inputs of another kind."""
    findings: list[Finding] = []
    formats = {name: found for name in LOADERS if (found := _formats(config, name, findings))}
    labels = (config.get("model") or {}).get("labels")
    if isinstance(labels, Mapping):
        findings += _compare_labels(labels, [entry for found in formats.values() for entry in found])
    for split in ("val", "test"):
        for path, metric in evaluators_of(config, split):
            findings += _compare_metric(path, metric, formats.get(f"{split}_dataloader", []))
    findings += [found for loader in formats for found in _check_splits(config, loader, formats[loader])]
    return findings + _check_inputs(config)


NOWHERE = "/no/such/folder"
Formats = list[tuple[str, str, DatasetFormat]]  # key, name and format of each dataset


def _formats(config: Mapping[str, Any], loader: str, findings: list[Finding]) -> Formats:
    found = []
    for path, entry in datasets_of(config, loader):
        name = entry.get("format")
        if not isinstance(name, str):
            findings.append(fault(join(path, "format"), "is not set", "Name the format, as format='kitti_step'"))
            continue
        try:
            found.append((join(path, "format"), name, get_format(name)))
        except (ValueError, OSError) as error:
            findings.append(fault(join(path, "format"), str(error).rstrip("."), "Name a format that is there"))
    return found


def _check_splits(config: Mapping[str, Any], loader: str, formats: Formats) -> list[Finding]:
    """Splits that a format does not have. Where data are, building the dataset finds what is not there."""
    findings = []
    entries, styles = dict(datasets_of(config, loader)), {key: style for key, _, style in formats}
    for path, entry in entries.items():
        style, split = styles.get(join(path, "format")), entry.get("split")
        for name in [split] if isinstance(split, str) else split or ():
            known = () if style is None else style.published
            if not known or any(other.startswith(name) for other in known) or "." in name or "/" in name:
                continue  # a format without list, a short name, or a file
            try:
                style.videos(NOWHERE, name)
            except (ValueError, OSError) as error:
                if "is not known" in str(error):
                    findings.append(fault(join(path, "split"), str(error).rstrip("."), "Correct the name"))
                elif nearest_name(name, known) and "is not known" not in _complaint(style):
                    message = f"'{name}' is none of the published splits, which are {', '.join(known)}"
                    findings.append(warning(join(path, "split"), message, did_you_mean(name, known)))
    return findings


def _complaint(style: DatasetFormat) -> str:
    """What a format says of a split that no dataset has; some take the name for that of a file."""
    try:
        style.videos(NOWHERE, "no split")
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def _compare_labels(labels: Mapping[str, Any], formats: Formats) -> list[Finding]:
    try:
        space: LabelSpace = TASK_UTILS.build(dict(labels))
    except Exception:
        return []  # building the model says why
    if not isinstance(space, LabelSpace):
        return []
    name = labels.get("format")
    own = get_format(name).classes if isinstance(name, str) else None
    said = f"model.labels.format '{name}'" if own else "model.labels"
    findings = []
    for path, other, style in formats:
        table = style.classes
        theirs, ours = (len(table.thing_ids), len(table.stuff_ids)), (space.num_things, space.num_stuff)
        remedy = f"Set model.labels.format='{format_key(other)}', or the data's format to the model's"
        if theirs != ours:
            message = f"'{other}' has {_count(theirs)}, but {said} has {_count(ours)}"
            findings.append(fault(path, message, remedy))
        elif (own and not same_classes(own, table)) or space.dataset_ids != table.label_ids:
            message = f"'{other}' and {said} have as many classes, but others, or in another order"
            findings.append(fault(path, message, remedy))
    return findings


def same_classes(first: ClassTable, second: ClassTable) -> bool:
    """Whether labels mean the same; colours do not matter."""
    return (first.names, first.thing_ids) == (second.names, second.thing_ids)


def _count(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]} things and {numbers[1]} stuff classes"


def _compare_metric(path: str, metric: Mapping[str, Any], formats: Formats) -> list[Finding]:
    """A metric measures one dataset, and says which by its class or by `dataset`."""
    component = METRICS.get(metric["type"]) if isinstance(metric.get("type"), str) else metric.get("type")
    measured = metric.get("dataset") or getattr(getattr(component, "benchmark_type", None), "name", None)
    if not isinstance(measured, str):
        return []
    return [
        fault(
            join(path, "dataset" if "dataset" in metric else "type"),
            f"{metric['type']} measures '{measured}', but {key} is '{name}'",
            "Choose the metric of that dataset",
        )
        for key, name, style in formats
        if format_key(measured) != style.name
    ]


def is_video_metric(metric: Mapping[str, Any]) -> bool:
    """Whether a metric wants each video as a whole."""
    kind = metric.get("type")
    component = METRICS.get(kind) if isinstance(kind, str) else kind
    return isinstance(component, type) and issubclass(component, VideoMetric)


PACKERS = {"PackClipInputs": "clips", "PackImageInputs": "single images"}
PREPROCESSORS = {"ClipDataPreprocessor": "clips", "DetDataPreprocessor": "single images"}


def _check_inputs(config: Mapping[str, Any]) -> list[Finding]:
    """What pipelines pack must be what the model's preprocessor takes."""
    preprocessor = ((config.get("model") or {}).get("data_preprocessor") or {}).get("type")
    wanted, findings = PREPROCESSORS.get(preprocessor), []
    for path, dataset in (entry for loader in LOADERS for entry in datasets_of(config, loader)):
        steps = [step for step in dataset.get("pipeline") or () if isinstance(step, Mapping)]
        kinds = {PACKERS[step["type"]] for step in steps if step.get("type") in PACKERS}
        if wanted and kinds and wanted not in kinds:
            packer = next(name for name, kind in PACKERS.items() if kind == wanted)
            findings.append(
                fault(
                    join(path, "pipeline"),
                    f"packs {kinds.pop()}, but model.data_preprocessor {preprocessor} takes {wanted}",
                    f"End the pipeline in {packer}, or choose the other model",
                )
            )
    return findings
