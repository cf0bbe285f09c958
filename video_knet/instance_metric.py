"""AP of instances on single images in the host's loops.

H W size, n objects of an image.
"""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import knet  # noqa: F401  must come before mmdet

# isort: split
import numpy as np
from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation import CocoMetric
from mmdet.registry import METRICS
from pycocotools import mask as coco_mask

from video_knet.formats.base import FormatError
from video_knet.formats.coco.classes import COCO_THINGS
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.disk.json_files import read_json
from video_knet.metrics import get_field


@METRICS.register_module()
class CocoInstanceMetric(CocoMetric):
    """The host's COCO metric of masks, for image sets that are read through a format; `OUT_DIR/results.segm.json`.

    Each image has `pred_instances`: masks (n, H, W) bool at the original size, labels (n,) and scores (n,). Images are
    those of the json by file name, labels become categories by the names of the dataset's classes; what the json has no
    category for is left out. Without annotations, predictions are only written, image numbers being those in the file
    names.

    Args:
        ann_file: The json of the split; by default the one that the annotations of the images come from.
        out_dir: Folder to write predictions to; None writes none.
        prefix: Put before the names of the metrics, with a slash.
        kwargs: Of the host's metric.
    """

    def __init__(
        self, ann_file: str | None = None, out_dir: str | None = None, prefix: str | None = None, **kwargs
    ) -> None:
        out = None if out_dir is None else str(Path(out_dir) / "results")
        super().__init__(metric="segm", outfile_prefix=out, prefix=prefix, **kwargs)
        self.ann_file = None if ann_file is None else Path(ann_file)
        if self.ann_file is not None and not self.ann_file.is_file():
            raise FormatError(f"{ann_file}: no such file. Give the json of the split as ann_file of the metric.")

    def process(self, data_batch: Any, data_samples: Sequence) -> None:
        """Encode the masks of a batch.

        Args:
            data_batch: Not used.
            data_samples: Images, or clips of one frame, as objects or dicts.
        """
        for sample in data_samples:
            for image in get_field(sample, "video_data_samples", [sample]):
                source = getattr(get_field(image, "label_source", None), "path", None)
                self.results.append((get_field(image, "frame_name"), source, self._encode(image)))

    @staticmethod
    def _encode(image: Any) -> dict:
        """Masks with pixels as run-length code, their boxes, labels and scores."""
        instances = get_field(image, "pred_instances")
        masks, labels, scores = (np.asarray(get_field(instances, k).cpu()) for k in ("masks", "labels", "scores"))
        size = tuple(get_field(image, "ori_shape", masks.shape[1:])[:2])
        if len(masks) and masks.shape[1:] != size:
            raise ValueError(
                f"image {get_field(image, 'frame_name')}: masks are {masks.shape[1:]}, the image is {size}; predict at "
                "the original size"
            )
        codes = encode_masks(masks)
        seen = [i for i, code in enumerate(codes) if code is not None]
        rles = [codes[i] for i in seen]
        boxes = np.array([coco_mask.toBbox(rle) for rle in rles]).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]  # x, y, width, height to corners, which the host turns back
        return {"masks": rles, "bboxes": boxes, "labels": labels[seen], "scores": scores[seen]}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the images of all processes, on one of them.

        Returns:
            `segm_mAP`, `segm_mAP_50`, ... of the host, rounded to three decimals; empty without annotations.

        Raises:
            ValueError: Images of the json are missing, or are there twice.
        """
        path = self.ann_file or next((source for _, source, _ in results if source is not None), None)
        content = {} if path is None else read_json(Path(path), "images", "categories")
        categories = content.get("categories", [{"id": i, "name": name} for i, name, _ in COCO_THINGS])
        numbers = {Path(entry["file_name"]).stem: entry["id"] for entry in content.get("images", ())}
        names = [name for name, _, _ in results]
        _check_images(names, numbers, path)
        place_of = self._choose_categories(categories)
        predictions = [
            {"img_id": numbers[name] if numbers else _number_of(name), **_relabel(found, place_of)}
            for name, _, found in results
        ]
        if "annotations" not in content:
            self._only_write(predictions)
            return {}
        with redirect_stdout(StringIO()):  # the host's reader and tables, which the logger does not know
            self._coco_api = COCO(str(path))
            self.img_ids = self._coco_api.get_img_ids()
            if not any(len(found["labels"]) for found in predictions):
                self._only_write(predictions)
                return dict.fromkeys(("segm_mAP", "segm_mAP_50", "segm_mAP_75"), 0.0)
            if self.outfile_prefix is not None:
                Path(self.outfile_prefix).parent.mkdir(parents=True, exist_ok=True)
            return super().compute_metrics([({}, found) for found in predictions])

    def _choose_categories(self, categories: list[dict]) -> dict[int, int]:
        """Sets the category ids to score; returns the place among them of each network label."""
        meta = self.dataset_meta
        known = {entry["name"]: entry["id"] for entry in categories}
        labels = [
            label
            for label, class_id in enumerate(meta.get("label_ids", range(len(meta["classes"]))))
            if meta["classes"][class_id] in known
        ]
        if not labels:
            raise ValueError(
                f"the json has the categories {list(known)[:5]}, none of which is a class of the dataset "
                f"({', '.join(meta['classes'][:5])}, ...); give the json of the dataset's split"
            )
        ids = meta.get("label_ids", range(len(meta["classes"])))
        self.cat_ids = [known[meta["classes"][ids[label]]] for label in labels]
        return {label: place for place, label in enumerate(labels)}

    def _only_write(self, predictions: list[dict]) -> None:
        if self.outfile_prefix is not None:
            Path(self.outfile_prefix).parent.mkdir(parents=True, exist_ok=True)
            self.results2json(predictions, self.outfile_prefix)


def _check_images(names: list[str], numbers: dict[str, int], path: Path | None) -> None:
    """Each image of the json once, no other."""
    if twice := len(names) - len(set(names)):
        raise ValueError(f"{twice} images were evaluated twice; use WholeVideoSampler, and images of different names")
    if not numbers:
        return
    if unknown := sorted(set(names) - numbers.keys()):
        raise ValueError(f"image {unknown[0]} is not in {path}; give the json of the dataset's split as ann_file")
    if missing := sorted(numbers.keys() - set(names)):
        raise ValueError(
            f"{len(missing)} of {len(numbers)} images of {path} were not evaluated, {missing[0]} among them; give the "
            "json of the dataset's split as ann_file, and use WholeVideoSampler"
        )


def _number_of(name: str) -> int:
    if not name.isdecimal():
        raise ValueError(f"image {name}: its name is no number, and no json gives it one; set ann_file of the metric")
    return int(name)


def _relabel(found: dict, place_of: dict[int, int]) -> dict:
    kept = [i for i, label in enumerate(found["labels"].tolist()) if label in place_of]
    return {
        "masks": [found["masks"][i] for i in kept],
        "bboxes": found["bboxes"][kept],
        "labels": np.array([place_of[int(found["labels"][i])] for i in kept], np.int64),
        "scores": found["scores"][kept],
    }
