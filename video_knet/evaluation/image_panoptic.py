"""PQ of images: panoptic quality (Kirillov et al., CVPR 2019), and mIoU from the same tables.

Segments are matched as in VPQ with windows of one frame (`vpq.py`). Crowds are those of COCO's panopticapi: they need
not be found, and forgive what is predicted on them. For each class, over all images,

    SQ = sum of matched IoU / TP        RQ = TP / (TP + FP / 2 + FN / 2)        PQ = SQ * RQ

Only totals are kept, so memory does not grow with the number of images.

Legend: C classes, g true segments, p predicted segments, n pairs of the table.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..formats import VOID, ClassTable, SegmentMap
from .contingency import Table, check_classes, contingency, segment_class, segment_track
from .miou import ClassCounters, count_frame, score_classes
from .report import format_table, percent
from .tubes import FrameLists, PackedTubes, Tubes, pixels_where
from .vpq import WindowCounters, count_window, mean_of_present, score_window

DEFINITION = (
    "PQ as in COCO's panopticapi: segments of one class match at IoU > 0.5, true void leaves the union, a crowd need "
    "not be found, a segment of which more than half lies on void and on the crowd of its class is not false; PQ, SQ "
    "and RQ are means over the classes with a segment, true or predicted. mIoU: one confusion matrix of all images, "
    "true void left out, predicted void is wrong; mean over the classes with true pixels."
)
QUALITIES = ("PQ", "SQ", "RQ")


class ImageSegments(PackedTubes):
    """Segments of one image: class and track, where a thing with track 0 is a crowd in the truth.

    All crowds of a class are one segment. It matches nothing, is not missed, and forgives segments of its class.

    Args:
        classes: Says which classes are things.
    """

    def __init__(self, classes: ClassTable) -> None:
        self._is_thing = np.zeros(VOID + 1, bool)
        self._is_thing[list(classes.thing_ids)] = True

    def __call__(self, table: Table, lists: Sequence[FrameLists | None]) -> Tubes:
        """The segments of an image."""
        tubes = super().__call__(table, lists)
        crowd_pairs = self._is_crowd(table.truth)
        crowd = np.zeros(len(tubes.true_class), bool)
        crowd[tubes.true[crowd_pairs]] = True
        same = crowd_pairs & (segment_class(table.truth) == tubes.predicted_class[tubes.predicted])
        on_crowd = pixels_where(same, tubes.predicted, tubes.shared, len(tubes.predicted_class))
        return replace(tubes, crowd=crowd, forgiven=tubes.on_void + on_crowd)

    def _is_crowd(self, segments: np.ndarray) -> np.ndarray:
        return self._is_thing[segment_class(segments)] & (segment_track(segments) == 0)


class ImagePanopticEvaluator:
    """PQ and mIoU of images.

    Args:
        classes: Class table of the truth and the prediction.
    """

    def __init__(self, classes: ClassTable) -> None:
        self.classes, self._segments = classes, ImageSegments(classes)
        self._matches = WindowCounters.zero(len(classes.names))
        self._pixels = ClassCounters.zero(len(classes.names))

    def update(self, image: str, truth: SegmentMap, prediction: SegmentMap) -> None:
        """Add an image.

        Args:
            image: Its name; only named in errors.
            truth: (H, W) labels; a thing with track 0 is a crowd.
            prediction: (H, W) labels; each class and track is a segment, void is none.

        Raises:
            ValueError: Sizes differ, or a class or track id is out of range.
        """
        table = contingency(truth, prediction)
        check_classes(table, len(self.classes.names))
        self._matches.windows += 1
        if table.counts.size:
            count_window(self._segments(table, ()), self._matches)
        count_frame(table, self._pixels)

    def close(self, image: str) -> None:
        """An image is complete as it comes."""

    def merge(self, other: "ImagePanopticEvaluator") -> None:
        """Take over the images of another evaluator; numbers do not depend on how images were distributed."""
        self._matches, self._pixels = self._matches + other._matches, self._pixels + other._pixels

    def result(self) -> dict:
        """Scores as fractions, None where undefined.

        Returns:
            PQ, SQ and RQ, each also with `_things` and `_stuff`; mIoU; `images`, their number; `per_class` {name:
            {...}}; `per_video`, which is empty; `definition`.
        """
        pq = score_window(self._matches, self.classes.is_thing, mean_of_present)
        miou = score_classes(self._pixels)
        per_class = self._per_class(pq.class_pq, miou.class_iou)
        scores: dict[str, float | None] = {}
        for quality in QUALITIES:
            of_class = [row[quality] for row in per_class.values()]
            scores[quality] = mean_of_present(of_class)
            for kind, ids in (("things", self.classes.thing_ids), ("stuff", self.classes.stuff_ids)):
                scores[f"{quality}_{kind}"] = mean_of_present(of_class[i] for i in ids)
        return {
            **scores,
            "mIoU": miou.miou,
            "images": self._matches.windows,
            "per_class": per_class,
            "per_video": {},
            "definition": DEFINITION,
        }

    def _per_class(self, class_pq: Sequence[float | None], class_iou: Sequence[float | None]) -> dict[str, dict]:
        """Qualities and IoU of each class, and what they came from."""
        counters, report = self._matches, {}
        rows = zip(counters.iou_sum, *(a.tolist() for a in (counters.tp, counters.fp, counters.fn)))
        for name, pq, pixel_iou, (iou_sum, tp, fp, fn) in zip(self.classes.names, class_pq, class_iou, rows):
            found = tp + fp + fn > 0
            report[name] = {
                "PQ": pq,
                "SQ": (iou_sum / tp if tp else 0.0) if found else None,
                "RQ": tp / (tp + fp / 2 + fn / 2) if found else None,
                "IoU": pixel_iou,
                "iou_sum": iou_sum,
                "tp": tp,
                "fp": fp,
                "fn": fn,
            }
        return report


def format_image_panoptic(result: dict, classes: ClassTable) -> str:
    """Result of an `ImagePanopticEvaluator` as text: classes that occur, totals."""
    names = [*QUALITIES, "IoU"]
    per_class = [["class", *names]]
    for i, name in enumerate(classes.names):
        scores = result["per_class"][name]
        if any(scores[key] is not None for key in names):
            mark = " *" if i in classes.thing_ids else ""
            per_class.append([name + mark, *(percent(scores[key]) for key in names)])
    quality = [["%", "all", "things", "stuff"]]
    for name in QUALITIES:
        quality.append([name, *(percent(result[key]) for key in (name, f"{name}_things", f"{name}_stuff"))])
    total = [
        ["%", *QUALITIES, "mIoU"],
        [f"{result['images']} images", *(percent(result[k]) for k in (*QUALITIES, "mIoU"))],
    ]
    tables = [format_table(rows) for rows in (per_class, quality, total)]
    return "\n\n".join([tables[0] + "\n* thing", *tables[1:], result["definition"]])
