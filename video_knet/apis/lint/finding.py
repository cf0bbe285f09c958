"""What is wrong in a config, and walking through one."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

FAULT, WARNING = "fault", "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: `FAULT` for what ends a run, or makes it another one than was meant; `WARNING` for what may.
        key: Dotted path of the key; empty for the config as a whole.
        message: What was found; no full stop.
        remedy: What to do; no full stop.
    """

    severity: str
    key: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.key}: " if self.key else ""
        return f"{self.severity}: {where}{self.message}. {self.remedy}."

    def as_dict(self) -> dict[str, str]:
        """For a json."""
        return asdict(self)


def fault(key: str, message: str, remedy: str) -> Finding:
    """A `Finding` that must be mended."""
    return Finding(FAULT, key, message, remedy)


def warning(key: str, message: str, remedy: str) -> Finding:
    """A `Finding` that may be meant."""
    return Finding(WARNING, key, message, remedy)


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant; None where nothing is similar."""
    names = list(names)
    close = difflib.get_close_matches(name, names, 1, 0.7)
    if not close:  # another case, or a part of the name
        plain = name.lower().replace("_", "")
        close = [other for other in names if other.lower().replace("_", "") == plain]
    return close[0] if close else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A remedy for an unknown name: the nearest one, or what there is."""
    names = sorted(names)
    if (close := nearest_name(name, names)) is not None:
        return f"Write '{close}', if that is meant"
    if not names:
        return "Take it out; nothing can be set here"
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Take it out, or choose from: {listed}"


def join(path: str, key: str | int) -> str:
    """The path of an entry: `a.b` of a dict, `a[0]` of a list."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every dict in a value, with its path; the outer ones first."""
    if isinstance(value, Mapping):
        yield path, value
        entries: Iterable = value.items()
    elif isinstance(value, (list, tuple)):
        entries = enumerate(value)
    else:
        return
    for key, entry in entries:
        yield from walk(entry, join(path, key))


LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def datasets_of(config: Mapping[str, Any], loader: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and config of each `VideoDataset` of a loader, those within wrappers too."""
    dataset = (config.get(loader) or {}).get("dataset")
    for path, entry in walk(dataset, f"{loader}.dataset"):
        if entry.get("type") == "VideoDataset":
            yield path, entry


def evaluators_of(config: Mapping[str, Any], split: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Path and config of each metric of a split."""
    key = f"{split}_evaluator"
    found = config.get(key)
    if isinstance(found, Mapping) and "metrics" in found:
        key, found = f"{key}.metrics", found["metrics"]
    if isinstance(found, Mapping):
        return [(key, found)]
    return [(join(key, i), entry) for i, entry in enumerate(found or ()) if isinstance(entry, Mapping)]
