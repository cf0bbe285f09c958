"""Transforms of a clip's frames: labels travel as one map of segment numbers and become masks after augmentation.

One map is cheaper to resize, flip and crop than a stack of masks, and needs nothing special of the host's transforms:
an instance that a crop removed is simply no longer in the map.
"""

from functools import cache

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks

from video_knet.formats import DatasetFormat, get_format
from video_knet.formats.base import VOID, ClassTable, SegmentMap


def number_segments(segments: SegmentMap, classes: ClassTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers the segments of a frame: one per object, one per class without object.

    `VOID` is never a segment's number, so that a transform may pad the map with it.

    Args:
        segments: Labels of a frame of size (H, W).
        classes: The classes of the dataset.

    Returns:
        numbers: (H, W) uint16 segment number of each pixel.
        labels: (S,) uint8 network label of each number, `VOID` for void and for unused numbers.
        ids: (S,) int64 identity of each number: one value per object and video, 0 for all that is no instance (stuff,
            void, and crowd: a thing without track id).
    """
    code = _codes(segments)  # (H, W)
    starts = find_runs(code)
    present, index = np.unique(code.ravel()[starts], return_inverse=True)
    number_of = np.arange(len(present), dtype=np.uint16)
    number_of[VOID:] += 1
    numbers = np.repeat(number_of[index], np.diff(starts, append=code.size)).reshape(code.shape)

    labels = np.full(max(VOID, int(number_of[-1])) + 1, VOID, np.uint8)
    ids = np.zeros(len(labels), np.int64)
    track, semantic = np.divmod(present.astype(np.int64), 256)
    labels[number_of] = label = classes.id_to_label()[semantic]
    is_instance = (label < len(classes.thing_ids)) & (track > 0)
    ids[number_of] = np.where(is_instance, (label.astype(np.int64) + 1) << 32 | track, 0)
    return numbers, labels, ids


def _codes(segments: SegmentMap) -> np.ndarray:
    """(H, W) track * 256 + class of each pixel, in the narrowest type: wider ones take several times as long."""
    last = segments.track.max(initial=0)
    if last == 0:
        return segments.semantic.astype(np.uint8, copy=False)
    code = np.left_shift(segments.track, 8, dtype=np.int32 if last < 1 << 23 else np.int64)
    code |= segments.semantic
    return code


def find_runs(values: np.ndarray) -> np.ndarray:
    """(R,) flat positions at which the runs of equal values in a map (H, W) start, row after row.

    They are far fewer than pixels, and so cheaper to sort, count or look up.
    """
    flat = values.ravel()
    return np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))


def find_present(numbers: np.ndarray, count: int) -> np.ndarray:
    """(count,) bool, which of the numbers below `count` are in a map (H, W)."""
    present = np.zeros(count, bool)
    present[numbers.ravel()[find_runs(numbers)]] = True
    return present


def look_up(table: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """`table[numbers]`, several times as fast, for (S,) uint8 or bool and (H, W) uint16 below S."""
    whole = np.zeros(1 << 16, np.uint8)
    whole[: len(table)] = table
    return cv2.LUT(numbers, whole).view(table.dtype)


@cache
def known_format(name: str) -> DatasetFormat:
    """The format of this name; a folder's dataset.json is read once in a process, not for each frame."""
    return get_format(name)


def check_annotated(results: dict, transform: str) -> None:
    """Refuse a frame without annotation, in the name of the transform that wants it."""
    if results["label_source"] is None:
        raise ValueError(
            f"{results['img_path']} has no annotation: this split is for testing only; "
            f"take {transform} out of the pipeline or choose an annotated split"
        )


@TRANSFORMS.register_module()
class LoadSegmentMap(BaseTransform):
    """Reads the annotation of one frame through its format.

    Required keys: `label_source`, `format`. Added keys: `gt_seg_map` (H, W) uint16 segment numbers; `segment_labels`
    and `segment_ids`, see `number_segments`. `SegmentMapToMasks` turns them into masks once the geometry is final.

    Raises:
        FormatError: From the format, when the file is missing or holds what the format does not allow.
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        check_annotated(results, type(self).__name__)
        data_format = known_format(results["format"])
        segments = data_format.read(results["label_source"])
        numbers, labels, ids = number_segments(segments, data_format.classes)
        results.update(gt_seg_map=numbers, segment_labels=labels, segment_ids=ids)
        return results


@TRANSFORMS.register_module()
class SegmentMapToMasks(BaseTransform):
    """Turns a map of segment numbers into what networks learn from.

    Required keys: those that `LoadSegmentMap` adds. Changed and added keys, of N instances that still have pixels:
    `gt_seg_map` (H, W) uint8 network labels, `VOID` where ignored; `gt_masks` BitmapMasks (N, H, W) of {0, 1};
    `gt_bboxes_labels` (N,) int64 in [0, things); `gt_instances_ids` (N,) int64 above 0, equal for the same object in
    all frames of a video. Pixels of crowd keep their thing label in `gt_seg_map` and belong to no mask.
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        numbers, labels, ids = (results.pop(key) for key in ("gt_seg_map", "segment_labels", "segment_ids"))
        instances = np.flatnonzero(find_present(numbers, len(ids)) & (ids > 0))
        masks = numbers == instances.astype(numbers.dtype)[:, None, None]  # (N, H, W)
        results.update(
            gt_seg_map=look_up(labels, numbers),
            gt_masks=BitmapMasks(masks.view(np.uint8), *numbers.shape),
            gt_bboxes_labels=labels[instances].astype(np.int64),
            gt_instances_ids=ids[instances],
        )
        return results


@TRANSFORMS.register_module()
class RequireSharedInstance(BaseTransform):
    """Refuses a clip unless its key frame shares an object with a reference frame, as the released loader does.

    Works on lists of frames, after `SegmentMapToMasks`. A refused clip is replaced by the dataset with another one.
    """

    def transform(self, results: dict) -> dict | None:
        """Returns `results` unchanged, or None when no object is shared."""
        *references, key = results["gt_instances_ids"]
        return results if any(np.isin(key, ids).any() for ids in references) else None
