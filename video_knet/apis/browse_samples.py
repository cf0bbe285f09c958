"""What a dataset feeds to a network, taken apart: each frame's image, labels and draws, and what there is to count.

Legend: H W size of the frame as the network gets it, N objects in it.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.structures import TrackDataSample

from video_knet.datasets.object_transforms import LoadObjectMap, ObjectMapToMasks
from video_knet.datasets.transforms import LoadSegmentMap, SegmentMapToMasks
from video_knet.formats import get_format
from video_knet.formats.base import VOID, ClassTable

TRACK_BITS = 32  # an identity is a class (from 1) and, in the low bits, the track id of the files


@dataclass(frozen=True)
class SampleFrame:
    """One frame of a sample.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        semantic: (H, W) uint8 dataset class ids, `VOID` where ignored; None where the frame has no labels.
        objects: (H, W) int64 identity of the object of each pixel, the smallest where several lie above each other; 0
            where there is none.
        identities: (N,) int64, one for each object, hidden ones too.
        classes: (N,) int64 dataset class ids.
        tracked: Whether identities hold beyond this frame.
        is_key: Whether it is the key frame.
        meta: Meta information of the packed sample.
    """

    image: np.ndarray
    semantic: np.ndarray | None
    objects: np.ndarray
    identities: np.ndarray
    classes: np.ndarray
    tracked: bool
    is_key: bool
    meta: Mapping[str, Any]

    @property
    def void(self) -> np.ndarray:
        """(H, W) bool, pixels that nothing is learned from."""
        if self.semantic is None:
            return np.zeros(self.objects.shape, bool)
        return (self.semantic == VOID) & (self.objects == 0)

    @property
    def labelled(self) -> bool:
        """Whether there is anything to learn from; an image without objects in a dataset of objects counts."""
        return self.semantic is not None or len(self.identities) > 0

    @property
    def name(self) -> str:
        """Video and frame; a single image has one name."""
        video, frame = self.meta.get("video_name"), self.meta.get("frame_name")
        if video is None:
            return Path(str(self.meta.get("img_path", "image"))).stem
        return video if video == frame else f"{video}/{frame}"

    def draws(self) -> dict[str, Any]:
        """What augmentation did: scale of width and height, flip, sizes before and after as (width, height)."""
        original = tuple(self.meta.get("ori_shape", self.objects.shape))[:2]
        return {
            "scale": [round(float(value), 3) for value in self.meta.get("scale_factor") or (1.0, 1.0)][:2],
            "flip": self.meta.get("flip_direction") if self.meta.get("flip") else None,
            "size": list(self.objects.shape[::-1]),
            "original_size": list(original[::-1]),
        }


def split_sample(sample: Mapping[str, Any], meta: Mapping[str, Any], classes: ClassTable) -> list[SampleFrame]:
    """The frames of a packed sample, the key frame first, then the reference frames in temporal order.

    Where the pipeline reads no labels, as for validation, the truth is read and brought to the size of the frame.

    Args:
        sample: What a dataset gives: `inputs` and `data_samples`.
        meta: Meta information of the dataset.
        classes: Its classes.

    Raises:
        ValueError: The pipeline does not end in a packer.
    """
    if not isinstance(sample, Mapping) or not {"inputs", "data_samples"} <= set(sample):
        raise ValueError("the pipeline does not pack its samples: let it end in PackClipInputs or PackImageInputs")
    packed, inputs = sample["data_samples"], sample["inputs"]
    if isinstance(packed, TrackDataSample):
        parts = list(zip(inputs, packed.video_data_samples))
        keys = set(packed.metainfo.get("key_frames_inds", [len(parts) - 1]))
    else:
        parts, keys = [(inputs, packed)], {0}
    frames = [_frame(image, part, index in keys, meta, classes) for index, (image, part) in enumerate(parts)]
    return sorted(frames, key=lambda frame: not frame.is_key)


def _frame(image: Any, sample: Any, is_key: bool, meta: Mapping[str, Any], classes: ClassTable) -> SampleFrame:
    values = np.asarray(image)[::-1].transpose(1, 2, 0)  # (H, W, 3), the host loads BGR
    rgb = np.ascontiguousarray(values.clip(0, 255).astype(np.uint8))
    masks, labels, numbers, label_map = _labels(sample) or _truth(sample.metainfo, meta, rgb.shape[:2])
    ids = np.array([*classes.label_ids, *[VOID] * (256 - len(classes.label_ids))], np.uint8)  # by network label
    tracked = numbers is not None
    if numbers is None:  # single images number no objects
        numbers = (labels + 1) << TRACK_BITS | np.arange(1, len(labels) + 1)
    objects = np.zeros(rgb.shape[:2], np.int64)
    for index in np.argsort([-int(mask.sum()) for mask in masks], kind="stable"):
        objects[masks[index]] = numbers[index]
    semantic = None if label_map is None else ids[label_map]
    return SampleFrame(rgb, semantic, objects, numbers, ids[labels].astype(np.int64), tracked, is_key, sample.metainfo)


Labels = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]  # masks, labels, identities, label map


def _labels(sample: Any) -> Labels | None:
    """Labels that the pipeline packed."""
    instances, semantic = sample.get("gt_instances"), sample.get("gt_sem_seg")
    label_map = None if semantic is None else np.asarray(semantic.sem_seg).reshape(np.shape(semantic.sem_seg)[-2:])
    if instances is None or "masks" not in instances:
        if label_map is None:
            return None
        return np.zeros((0, *label_map.shape), bool), np.zeros(0, np.int64), None, label_map
    numbers = np.asarray(instances.instances_ids) if "instances_ids" in instances else None
    return instances.masks.to_ndarray().astype(bool), np.asarray(instances.labels), numbers, label_map


def _truth(frame: Mapping[str, Any], meta: Mapping[str, Any], size: tuple[int, int]) -> Labels:
    """Labels that the metric will read, as the network would see them."""
    source, style = frame.get("label_source"), meta.get("format")
    height, width = tuple(frame.get("ori_shape", size))[:2]
    like = abs(height * size[1] - width * size[0]) <= max(height, width, *size)  # resized as a whole
    if source is None or style is None or not like:
        return np.zeros((0, *size), bool), np.zeros(0, np.int64), None, None
    load, unfold = LoadSegmentMap(), SegmentMapToMasks()
    if get_format(style).overlapping:
        load, unfold = LoadObjectMap(), ObjectMapToMasks()
    results = load.transform({"label_source": source, "format": style, "img_path": frame.get("img_path")})
    resized = cv2.resize(results["gt_seg_map"], size[::-1], interpolation=cv2.INTER_NEAREST)
    flips = {"horizontal": np.s_[:, ::-1], "vertical": np.s_[::-1], "diagonal": np.s_[::-1, ::-1]}
    results["gt_seg_map"] = resized[flips[frame["flip_direction"]]] if frame.get("flip") else resized
    results = unfold.transform(results)
    masks = results["gt_masks"].masks.astype(bool)
    return masks, results["gt_bboxes_labels"], results["gt_instances_ids"], results["gt_seg_map"]


def describe_frame(frame: SampleFrame, key: SampleFrame, classes: ClassTable) -> dict[str, Any]:
    """What is worth knowing of a frame, as plain values for a json.

    Args:
        frame: The frame.
        key: The key frame of its sample.
        classes: Of the dataset.
    """
    found = Counter(classes.names[index] for index in frame.classes.tolist())
    shares = classes.thing_ids and frame.tracked and not frame.is_key
    present = np.unique(frame.semantic) if frame.semantic is not None else np.zeros(0, np.uint8)
    return {
        "frame": frame.name,
        "key": frame.is_key,
        "offset": frame.meta.get("frame_id", 0) - key.meta.get("frame_id", 0),
        "image": str(frame.meta.get("img_path", "")),
        **frame.draws(),
        "labelled": frame.labelled,
        "objects": len(frame.identities) if classes.thing_ids else None,
        "objects_of_class": dict(sorted(found.items())),
        "stuff": [classes.names[index] for index in present.tolist() if index in classes.stuff_ids],
        "void": round(float(frame.void.mean()), 4) if has_void(frame, classes) else None,
        "shared_with_key": len(shared_identities(frame, key)) if shares else None,
    }


def has_void(frame: SampleFrame, classes: ClassTable) -> bool:
    """Whether a frame tells void from background: not where a dataset has objects only, or there are no labels."""
    return frame.semantic is not None and bool(classes.stuff_ids)


def shared_identities(frame: SampleFrame, other: SampleFrame) -> np.ndarray:
    """(n,) identities of the objects that two frames share."""
    return np.intersect1d(frame.identities, other.identities)


def mean(values: list[float | None]) -> float | None:
    """Mean of the values that are there; None where none is."""
    there = [value for value in values if value is not None]
    return round(math.fsum(there) / len(there), 4) if there else None
