"""Top-level names of a config's files: keys that the runner reads, and variables that some file refers to."""

import ast
import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from video_knet.apis.lint.finding import Finding, fault, nearest_name, warning

RUNNER_KEYS = set(inspect.signature(Runner.__init__).parameters) - {"self", "cfg"}
RUNNER_KEYS |= {"runner_type", "model_wrapper_cfg", "custom_imports", "sync_bn", "find_unused_parameters"}
RUNNER_KEYS |= {"activation_checkpointing", "efficient_conv_bn_eval", "compile"}
KNOWN_KEYS = RUNNER_KEYS | {"world"}  # tools/quickstart.py reads it
ENVIRONMENT = re.compile(r"\{\{\s*\$(\w+)\s*:\s*(.*?)\s*\}\}")
OF_BASE = re.compile(r"\{\{\s*_base_\.(\w+)")


@dataclass
class ConfigFile:
    """One file of a chain.

    Attributes:
        path: The file.
        bases: The files it names in `_base_`.
        assigned: Top-level names that it sets.
        reads: Names that it reads, its own.
        reads_of_bases: Names that it reads from its bases.
        variables: {environment variable: default} that it reads.
    """

    path: Path
    bases: list["ConfigFile"] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    reads_of_bases: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)

    def chain(self) -> list["ConfigFile"]:
        """This file and all below it, each once."""
        found = {self.path: self}
        for base in self.bases:
            found |= {file.path: file for file in base.chain()}
        return list(found.values())


def read_chain(path: Path) -> ConfigFile:
    """Read a config file and its bases, without running them.

    Raises:
        SyntaxError: A file is no Python.
        OSError: A file is missing.
    """
    path = path.resolve()
    text = path.read_text(encoding="utf-8")
    file = ConfigFile(path, variables=dict(ENVIRONMENT.findall(text)), reads_of_bases=set(OF_BASE.findall(text)))
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            file.reads.add(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "_base_":
            file.reads_of_bases.add(node.attr)
    for statement in tree.body:
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        file.assigned |= {n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)}
        if isinstance(statement, ast.Assign) and "_base_" in {getattr(target, "id", None) for target in targets}:
            named = ast.literal_eval(statement.value)
            named = [with_environment(base) for base in ([named] if isinstance(named, str) else named)]
            file.bases = [read_chain(path.parent / base) for base in named if "::" not in base]
    return file


def with_environment(text: str) -> str:
    """A word of a config with the values of the environment variables in it, or their defaults."""
    return ENVIRONMENT.sub(lambda found: os.environ.get(found[1], found[2]), text)


def check_keys(config: Mapping[str, Any], file: ConfigFile) -> list[Finding]:
    """Top-level keys that nothing reads, and variables that are set where nothing reads them.

    A variable is read by the file that sets it, or by a file above it as `_base_.NAME`. Bases run on their own: setting
    a variable that only a base reads changes nothing.

    Args:
        config: The resolved config.
        file: Its files.
    """
    chain = file.chain()
    above: dict[Path, list[ConfigFile]] = {each.path: [] for each in chain}
    for each in chain:
        for below in each.chain()[1:]:
            above[below.path].append(each)
    findings = []
    for name in sorted(set(config) - KNOWN_KEYS):
        setting = [each for each in chain if name in each.assigned]
        reading = [
            each for each in setting if name in each.reads or any(name in a.reads_of_bases for a in above[each.path])
        ]
        if not reading:
            findings.append(_unknown(name, config, {key for each in chain for key in each.assigned}))
        elif file in setting and file not in reading:
            findings.append(
                fault(
                    name,
                    f"sets a variable that only {reading[0].path.name} reads, which runs on its own: nothing changes",
                    "Set the keys that are made of it, as model or train_dataloader",
                )
            )
    if not file.bases and not file.reads & file.assigned:
        return _of_flat_file(findings)
    return findings


def _unknown(name: str, config: Mapping[str, Any], assigned: set[str]) -> Finding:
    """A finding for a key that nothing reads; a key of the runner's that is not set yet is the likeliest meant."""
    close = nearest_name(name, KNOWN_KEYS - set(config)) or nearest_name(name, (KNOWN_KEYS | assigned) - {name})
    message = "unknown key: the runner does not read it, and no file refers to it"
    remedy = f"Write '{close}', if that is meant, or take it out" if close else "Take it out"
    return fault(name, message, remedy)


def _of_flat_file(findings: list[Finding]) -> list[Finding]:
    """One warning instead of many faults: a config that the host wrote into a work dir has all variables in it."""
    names = ", ".join(found.key for found in findings)
    remedy = "Take out what is misspelt; variables that were used to write the file do no harm"
    return [warning("", f"neither the runner nor this file reads {names}", remedy)] if findings else []
