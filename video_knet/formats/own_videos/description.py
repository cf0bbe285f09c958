"""dataset.json: what one's own videos are annotated with. Read with every fault named, written whole.

    {"name": "kitchen",
     "classes": [{"name": "table", "thing": false, "color": [128, 64, 0]}, {"name": "cup", "thing": true}],
     "labels": "panoptic",
     "splits": {"train": ["monday"], "val": ["tuesday"]},
     "void": 255}

`color`, `splits` and `void` may be absent. A class's dataset id is its place in the list, from 0.
"""

import colorsys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base import VOID, ClassTable, FormatError
from ..disk.json_files import read_json, write_json
from ..disk.splits import is_name

DESCRIPTION = "dataset.json"
PANOPTIC, SEMANTIC, INSTANCES = LABELS = ("panoptic", "semantic", "instances")
_KEYS = ("name", "classes", "labels", "splits", "void")
_CLASS_KEYS = ("name", "thing", "color")
_PAGE = "docs/add_a_dataset.md shows an example."


@dataclass(frozen=True)
class Description:
    """What a dataset.json says.

    Attributes:
        name: Of the dataset, for people.
        classes: Its class table; void is 255 whatever the files have for it.
        labels: "panoptic", "semantic" or "instances".
        splits: Video names of each split that the file lists.
        void: Value of pixels without annotation in label files, beside 255.
    """

    name: str
    classes: ClassTable
    labels: str = PANOPTIC
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    void: int = VOID


def description_path(path: str | Path) -> Path:
    """dataset.json of a folder, or the file itself."""
    path = Path(path)
    return path if path.suffix == ".json" else path / DESCRIPTION


def read_description(path: str | Path) -> Description:
    """Read the dataset.json of a folder, or the file itself.

    Raises:
        FormatError: It is missing or faulty; all faults are listed.
    """
    path = description_path(path)
    if not path.is_file():
        raise FormatError(f"{path}: no such file. Describe the dataset in it; {_PAGE}")
    content = read_json(path)
    if not isinstance(content, dict):
        raise FormatError(f"{path}: is a {type(content).__name__}, not an object with {', '.join(_KEYS)}. {_PAGE}")
    if faults := [f"{path}: {fault}" for fault in _faults(content)]:
        raise FormatError(*faults)
    names = tuple(entry["name"] for entry in content["classes"])
    things = tuple(i for i, entry in enumerate(content["classes"]) if _is_thing(entry, content["labels"]))
    palette = _fill_palette([entry.get("color") for entry in content["classes"]])
    splits = {split: tuple(videos) for split, videos in content.get("splits", {}).items()}
    classes = ClassTable(names, things, palette, VOID)
    return Description(content["name"], classes, content["labels"], splits, content.get("void", VOID))


def write_description(folder: Path, description: Description) -> None:
    """Write the dataset.json of a folder, whole or not at all."""
    classes = description.classes
    rows = zip(classes.names, classes.is_thing.tolist(), classes.palette)
    content: dict[str, Any] = {
        "name": description.name,
        "classes": [{"name": name, "thing": thing, "color": list(color)} for name, thing, color in rows],
        "labels": description.labels,
    }
    if description.splits:
        content["splits"] = {split: list(videos) for split, videos in description.splits.items()}
    if description.void != VOID:
        content["void"] = description.void
    write_json(folder / DESCRIPTION, content, indent=2)


def distinct_colors(count: int) -> tuple[tuple[int, int, int], ...]:
    """RGB colours of which neighbours differ clearly in hue."""
    shades = (colorsys.hsv_to_rgb(i * 0.381966 % 1, 0.9 - i % 2 * 0.35, 1 - i % 3 * 0.25) for i in range(count))
    return tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in shades)


def _is_thing(entry: Mapping[str, Any], labels: str) -> bool:
    return entry.get("thing", labels == INSTANCES)


def _fill_palette(colors: list[list[int] | None]) -> tuple[tuple[int, int, int], ...]:
    """The colours as given, and others for classes without one."""
    taken = {tuple(color) for color in colors if color}
    free = (color for color in distinct_colors(2 * len(colors)) if color not in taken)
    return tuple(tuple(color) if color else next(free) for color in colors)


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    for key in content:
        if key not in _KEYS:
            yield f"key {key!r} is not known. Use {', '.join(_KEYS)}."
    for key in _KEYS[:3]:
        if key not in content:
            yield f"key {key!r} is missing. Write {', '.join(_KEYS[:3])}; {_PAGE}"
    if "name" in content and not _is_text(content["name"]):
        yield f"name is {content['name']!r}, not a text. Give the dataset a name."
    labels = content.get("labels", PANOPTIC)
    if labels not in LABELS:
        yield f"labels is {labels!r}. Use one of {', '.join(LABELS)}."
    yield from _class_faults(content.get("classes", [{"name": "-", "thing": True}]), labels)
    yield from _split_faults(content.get("splits", {}))
    yield from _void_faults(content)


def _class_faults(classes: Any, labels: str) -> Iterator[str]:
    if not isinstance(classes, list) or not classes:
        yield f"classes is {str(classes)[:40]!r}, not a list of at least one class. Write {{name, thing}} for each."
        return
    if len(classes) > VOID:
        yield f"classes has {len(classes)} entries, more than the {VOID} that 8 bits can number. Merge some."
    for i, entry in enumerate(classes):
        if not isinstance(entry, dict):
            yield f"classes[{i}] is {str(entry)[:40]!r}, not an object. Write {{name, thing}}."
            continue
        yield from (f"classes[{i}]: {fault}" for fault in _entry_faults(entry, labels))
    names = Counter(entry["name"] for entry in classes if isinstance(entry, dict) and _is_text(entry.get("name")))
    for name, count in names.items():
        if count > 1:
            yield f"classes: the name {name!r} is there {count} times. Give each class its own name."


def _entry_faults(entry: Mapping[str, Any], labels: str) -> Iterator[str]:
    for key in entry:
        if key not in _CLASS_KEYS:
            yield f"key {key!r} is not known. Use {', '.join(_CLASS_KEYS)}."
    if not _is_text(entry.get("name")):
        yield f"name is {entry.get('name')!r}, not a text. Give the class a name."
    thing = entry.get("thing", None if labels == PANOPTIC else labels == INSTANCES)
    if not isinstance(thing, bool):
        yield f"thing is {thing!r}. Write true for objects that are counted, false for regions."
    elif labels == INSTANCES and not thing:
        yield "thing is false, but labels are instances, which have objects only. Write true, or leave the class out."
    color = entry.get("color")
    if color is not None and not _is_color(color):
        yield f"color is {color!r}, not three whole numbers in 0..255. Write [red, green, blue], or leave it out."


def _split_faults(splits: Any) -> Iterator[str]:
    if not isinstance(splits, dict):
        yield f"splits is {str(splits)[:40]!r}, not an object. Write {{split: [video names]}}, or leave it out."
        return
    for split, videos in splits.items():
        if not is_name(split) or split.endswith("_labelled") or split == "all":
            yield f"splits: {split!r} is no name of a split, or means another thing. Use a word as train or val."
        if not isinstance(videos, list) or not videos or not all(isinstance(name, str) for name in videos):
            yield f"splits.{split} is {str(videos)[:40]!r}, not a list of at least one video name. List its videos."
            continue
        for name, count in Counter(videos).items():
            if not is_name(name):
                yield f"splits.{split}: {name!r} is no name of a folder in frames/. Name the videos' folders."
            if count > 1:
                yield f"splits.{split}: names the video {name!r} {count} times. Keep one of them."


def _void_faults(content: Mapping[str, Any]) -> Iterator[str]:
    void, classes = content.get("void", VOID), content.get("classes")
    if type(void) is not int or not 0 <= void <= VOID:
        yield f"void is {void!r}, not a whole number in 0..{VOID}. Write the value of pixels without annotation."
    elif isinstance(classes, list) and void < len(classes):
        yield (
            f"void is {void}, which is also the id of class {void} of {len(classes)}. Renumber the labels: classes "
            "from 0 in the order of the list, void above them."
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(v) is int and 0 <= v <= 255 for v in value)
