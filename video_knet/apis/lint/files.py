"""Files and folders that a config names."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from video_knet.apis.lint.finding import LOADERS, Finding, evaluators_of, fault, join, walk, warning
from video_knet.formats.youtube_vis.tree import find_json


def check_files(config: Mapping[str, Any], variables: Sequence[tuple[str, str]]) -> list[Finding]:
    """Data roots, annotation files and checkpoints that are not there.

    Data may be elsewhere while a config is checked, so what is missing of them is a warning. A checkpoint is a fault.

    Args:
        config: The resolved config.
        variables: (environment variable, default) that its files read.
    """
    findings: list[Finding] = []
    seen: set[str] = set()
    places = [(key, entry) for loader in LOADERS for key, entry in walk(config.get(loader), loader)]
    places += [place for split in ("val", "test") for place in evaluators_of(config, split)]
    for path, entry in places:
        for name in ("data_root", "ann_file"):
            value = entry.get(name)
            if not isinstance(value, str) or not value or value in seen:
                continue
            seen.add(value)
            below = entry.get("data_root") if name == "ann_file" else None
            if not is_there(value) and not (isinstance(below, str) and os.path.exists(Path(below) / value)):
                findings.append(warning(join(path, name), f"{value} does not exist", _data_remedy(value, variables)))
    return findings + _check_checkpoints(config)


def is_there(path: str) -> bool:
    """Whether a folder or file of data is there; a json of YouTube-VIS may lie where the metric finds it."""
    return os.path.exists(find_json(Path(path)))


def _data_remedy(value: str, variables: Sequence[tuple[str, str]]) -> str:
    for name, default in variables:
        root = os.environ.get(name, default)
        if root and (value == root or value.startswith(root.rstrip("/") + "/")):
            state = "is set to" if name in os.environ else "is not set, the default is"
            return f"The environment variable {name} {state} {root}; let it name the data (data/README.md)"
    return "Put the data there (data/README.md), or name another place"


def _check_checkpoints(config: Mapping[str, Any]) -> list[Finding]:
    findings = []
    load_from, resume = config.get("load_from"), config.get("resume")
    if isinstance(resume, str):
        remedy = "Set load_from to the file and resume to True, or give the file to tools/train.py --resume"
        absent = ", and this file does not exist" if is_missing(resume) else ""
        findings.append(fault("resume", f"is '{resume}', but must be True or False{absent}", remedy))
    if isinstance(load_from, str) and is_missing(load_from):
        findings.append(fault("load_from", f"{load_from} does not exist", "Name a checkpoint that is there, or None"))
    for path, entry in walk(config.get("model"), "model"):
        checkpoint = entry.get("checkpoint")
        if entry.get("type") == "Pretrained" and isinstance(checkpoint, str) and is_missing(checkpoint):
            findings.append(
                fault(join(path, "checkpoint"), f"{checkpoint} does not exist", "Name weights that are there")
            )
    return findings


def is_missing(checkpoint: str) -> bool:
    """Whether a checkpoint is a local file that is not there."""
    return "://" not in checkpoint and not os.path.isfile(os.path.expanduser(checkpoint))
