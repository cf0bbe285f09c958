"""The result of video semantic segmentation as tables in percent for the terminal."""

from ..formats import ClassTable
from .report import format_table, percent


def format_semantic(result: dict, classes: ClassTable) -> str:
    """Result of `SemanticEvaluator` as text: classes that occur, videos, totals, definition."""
    windows = [key for key in result if key.startswith("mVC_")]
    per_class = [["class", "IoU", "true pixels", "predicted"]]
    for i, name in enumerate(classes.names):
        scores = result["per_class"][name]
        if scores["IoU"] is not None:
            mark = " *" if i in classes.thing_ids else ""
            pixels = (str(scores[key]) for key in ("truth_pixels", "predicted_pixels"))
            per_class.append([name + mark, percent(scores["IoU"]), *pixels])
    keys = ["mIoU", "fwIoU", *windows]
    per_video = [["video", "frames", *keys]]
    for name, scores in result["per_video"].items():
        per_video.append([name, str(scores["frames"]), *(percent(scores[key]) for key in keys)])
    keys = ["mIoU", *windows, "fwIoU", "pixel_acc", "class_acc"]
    total = [["%", *keys], ["total", *(percent(result[key]) for key in keys)]]
    tables = [format_table(rows) for rows in (per_class, per_video, total)]
    return "\n\n".join([tables[0] + "\n* thing", *tables[1:], result["definition"]])
