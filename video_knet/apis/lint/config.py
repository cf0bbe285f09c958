"""All checks of one config."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope

from video_knet.apis.lint.build import check_building, quiet
from video_knet.apis.lint.classes import check_classes
from video_knet.apis.lint.components import check_components
from video_knet.apis.lint.files import check_files
from video_knet.apis.lint.finding import FAULT, Finding, fault
from video_knet.apis.lint.schedule import check_schedule, learning_rate
from video_knet.apis.lint.variables import check_keys, read_chain
from video_knet.apis.runner import load_config


def lint_config(
    path: str | Path, build: bool = True, gpus: int | None = None, options: dict[str, Any] | None = None
) -> tuple[list[Finding], str]:
    """Check a config.

    Args:
        path: The file; a leaf, not one of the parts in `_base_`.
        build: Whether to build its parts, too.
        gpus: Number of GPUs of the run; None for the number that the learning rate is meant for.
        options: Overrides by dotted name.

    Returns:
        What was found, faults first, and what batch the learning rate is meant for ("" where it is not said).
    """
    path = Path(path)
    if "_base_" in path.absolute().parts:
        return [fault("", "is a part of configs, no config", "Name a config that has it in its _base_")], ""
    with quiet():
        try:
            config = load_config(path, options=options)
        except (ValueError, OSError) as error:
            return [fault("", _without(path, error), "Correct it")], ""
        except Exception as error:  # a config is a program
            message = f"cannot be read: {type(error).__name__}: {_without(path, error)}"
            return [fault("", message, "Correct it")], ""
    chain = read_chain(path)
    variables = [entry for file in chain.chain() for entry in file.variables.items()]
    with DefaultScope.overwrite_default_scope(config.get("default_scope", "mmdet")), quiet():
        content = config._cfg_dict
        findings = [] if "read_base" in chain.reads else check_keys(content, chain)
        findings += check_components(content)
        findings += check_files(content, variables)
        findings += check_classes(content)
        findings += check_schedule(content, gpus)
        if build:
            findings += [found for found in check_building(content) if not _said(found, findings)]
    return sorted(findings, key=lambda found: found.severity != FAULT), describe_batch(config)


def _said(found: Finding, before: list[Finding]) -> bool:
    """Whether building failed for what another check has found below the same part."""
    return any(other.severity == FAULT and other.key.startswith(found.key) for other in before)


def _without(path: Path, error: Exception) -> str:
    """The text of an error in one line, without the file's name in front."""
    return " ".join(str(error).removeprefix(f"{path}: ").split()).rstrip(".")


def describe_batch(config: Config) -> str:
    """What total batch the learning rate is meant for."""
    found = learning_rate(config)
    if found is None:
        return ""
    lr, base, batch = found
    gpus = f": {base // batch} GPU{'s' * (base // batch > 1)} with {batch} each" if base % batch == 0 else ""
    return f"lr {lr:g} for a total batch of {base}{gpus}"
