"""Transforms of frames whose objects may overlap: they travel as one map of regions, and become masks at the end.

N objects, R regions, H W size.
"""

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.mask import BitmapMasks

from video_knet.datasets.transforms import check_annotated, find_present, known_format, look_up
from video_knet.formats.base import VOID
from video_knet.formats.coding.object_map import top_objects


@TRANSFORMS.register_module()
class LoadObjectMap(BaseTransform):
    """Reads the objects of one frame through its format, where they may overlap.

    Required keys: `label_source`, `format`. Added keys: `gt_seg_map` (H, W) uint16 region numbers, which the host's
    transforms resize, flip, crop and pad like any map; `object_members` (R, N) bool, which objects cover a region,
    later ones on top; `object_labels` (N,) uint8 network labels; `object_tracks` (N,) int32, 0 for a crowd.
    `ObjectMapToMasks` turns them into masks once the geometry is final.

    Raises:
        FormatError: From the format, when an annotation is damaged.
        ValueError: The frame has no annotation, or the format has no overlapping objects.
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        check_annotated(results, type(self).__name__)
        data_format = known_format(results["format"])
        if not data_format.overlapping:
            raise ValueError(f"objects of {data_format.name} do not overlap: use LoadSegmentMap and SegmentMapToMasks")
        objects = data_format.read_objects(results["label_source"])
        labels = data_format.classes.id_to_label()[objects.semantic]
        results.update(
            gt_seg_map=objects.regions,
            object_members=objects.members,
            object_labels=labels,
            object_tracks=objects.track,
        )
        return results


@TRANSFORMS.register_module()
class ObjectMapToMasks(BaseTransform):
    """Turns a map of regions into what networks learn from.

    Required keys: those that `LoadObjectMap` adds. Changed and added keys, of N objects that still have pixels and are
    no crowd: `gt_masks` BitmapMasks (N, H, W) of {0, 1}, which may overlap; `gt_bboxes_labels` (N,) int64 in
    [0, things); `gt_instances_ids` (N,) int64 above 0, equal for the same object in all frames of a video;
    `gt_seg_map` (H, W) uint8 network label of the topmost object of a pixel, crowds included, `VOID` where there is
    none.
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        members, labels, tracks = (results.pop(f"object_{key}") for key in ("members", "labels", "tracks"))
        regions = results["gt_seg_map"]
        lacking = max(0, VOID + 1 - len(members))
        members = np.pad(members, ((0, lacking), (0, 0)))  # a transform may have padded the map with VOID
        members &= find_present(regions, len(members))[:, None]  # padding has made a copy
        kept = np.flatnonzero(members.any(0) & (tracks > 0))
        classes = labels[kept].astype(np.int64)
        results.update(
            gt_seg_map=look_up(np.append(labels, np.uint8(VOID))[top_objects(members)], regions),  # -1: the appended
            gt_masks=BitmapMasks(cover(regions, members[:, kept]).view(np.uint8), *regions.shape),
            gt_bboxes_labels=classes,
            gt_instances_ids=(classes + 1) << 32 | tracks[kept],
        )
        return results


def cover(regions: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(N, H, W) bool masks of objects from (H, W) uint16 regions and (R, N) bool `members`."""
    masks = np.empty((members.shape[1], *regions.shape), bool)
    for mask, chosen in zip(masks, members.T):
        if chosen.sum() == 1:  # most objects overlap no other one, and comparing is the cheapest
            np.equal(regions, chosen.argmax().astype(regions.dtype), out=mask)
        else:
            mask[:] = look_up(chosen, regions)
    return masks


@TRANSFORMS.register_module()
class RequireInstances(BaseTransform):
    """Refuses a sample whose key frame shows no object, as most trainings on image sets do.

    Works on lists of frames, after `ObjectMapToMasks` or `SegmentMapToMasks`. A refused sample is replaced by the
    dataset with another one.
    """

    def transform(self, results: dict) -> dict | None:
        """Returns `results` unchanged, or None when there is no object."""
        return results if len(results["gt_instances_ids"][-1]) else None
