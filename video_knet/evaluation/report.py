"""A result as a table in percent for the terminal, and as a JSON file."""

import json
import os
from pathlib import Path

from ..formats import ClassTable


def percent(value: float | None) -> str:
    """A fraction in percent, or a dash where it is undefined."""
    return "-" if value is None else f"{100 * value:.2f}"


def format_table(rows: list[list[str]]) -> str:
    """Rows of words in aligned columns, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def format_panoptic(result: dict, classes: ClassTable) -> str:
    """Result of `PanopticEvaluator` as text: totals, windows, classes that occur, videos."""
    windows = [k for k in result if k.startswith("VPQ_") and k[4:].isdigit()]
    quality = [["%", "all", "things", "stuff"]]
    for name in ("VPQ", *windows):
        quality.append([name, *(percent(result[key]) for key in (name, f"{name}_things", f"{name}_stuff"))])
    per_class = [["class", "IoU", *windows]]
    for i, name in enumerate(classes.names):
        scores = result["per_class"][name]
        if any(scores[key] is not None for key in ("IoU", *windows)):
            mark = " *" if i in classes.thing_ids else ""
            per_class.append([name + mark, *(percent(scores[key]) for key in ("IoU", *windows))])
    per_video = [["video", "frames", "STQ", "AQ", "SQ", "VPQ"]]
    for name, scores in result["per_video"].items():
        per_video.append([name, str(scores["frames"]), *(percent(scores[k]) for k in ("STQ", "AQ", "SQ", "VPQ"))])
    total = [["%", "STQ", "AQ", "SQ", "VPQ"], ["total", *(percent(result[k]) for k in ("STQ", "AQ", "SQ", "VPQ"))]]
    tables = [format_table(rows) for rows in (per_class, per_video, quality, total)]
    return "\n\n".join([tables[0] + "\n* thing", *tables[1:], result["definition"]])


def write_json(path: Path, result: dict) -> None:
    """Write a result in one step: the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
