"""A result as a table in percent for the terminal."""

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
    """Result of a `PanopticEvaluator` as text: totals, windows, classes that occur, videos."""
    windows = [k for k in result if k.startswith("VPQ_") and k[4:].isdigit()]
    stq = ["STQ", "AQ", "SQ"] if "STQ" in result else []
    totals, of_class = [*stq, "VPQ"], [*(["IoU"] if stq else []), *windows]
    quality = [["%", "all", "things", "stuff"]]
    for name in ("VPQ", *windows):
        quality.append([name, *(percent(result[key]) for key in (name, f"{name}_things", f"{name}_stuff"))])
    per_class = [["class", *of_class]]
    for i, name in enumerate(classes.names):
        scores = result["per_class"][name]
        if any(scores[key] is not None for key in of_class):
            mark = " *" if i in classes.thing_ids else ""
            per_class.append([name + mark, *(percent(scores[key]) for key in of_class)])
    per_video = [["video", "frames", *totals]]
    for name, scores in result["per_video"].items():
        per_video.append([name, str(scores["frames"]), *(percent(scores[k]) for k in totals)])
    total = [["%", *totals], ["total", *(percent(result[k]) for k in totals)]]
    tables = [format_table(rows) for rows in (per_class, per_video, quality, total)]
    return "\n\n".join([tables[0] + "\n* thing", *tables[1:], result["definition"]])


def format_tracks(result: dict) -> str:
    """Result of `VideoAP` as text: categories that have truth, videos, totals."""
    names = ["AP", "AP50", "AP75", "AR1", "AR10", "AR100"]
    per_class = [["category", *names]]
    for category, scores in result["per_class"].items():
        if scores["AP"] is not None:
            per_class.append([category, *(percent(scores[name]) for name in names)])
    per_video = [["video", "frames", "tracks", "predictions", "AP"]]
    for video, row in result["per_video"].items():
        counts = (str(row[key]) for key in ("frames", "truth_tracks", "predictions"))
        per_video.append([video, *counts, percent(row["AP"])])
    areas = [["%", "small", "medium", "large"]]
    areas += [[kind, *(percent(result[f"{kind}_{area}"]) for area in areas[0][1:])] for kind in ("AP", "AR")]
    total = [["%", *names], ["total", *(percent(result[name]) for name in names)]]
    return "\n\n".join([*(format_table(rows) for rows in (per_class, per_video, areas, total)), result["definition"]])
