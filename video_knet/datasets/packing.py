"""From the result dict of a pipeline to tensors and data samples.

T frames, H W size, N instances.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import to_tensor
from mmdet.datasets.transforms import PackDetInputs, PackTrackInputs
from mmdet.registry import TRANSFORMS
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

META_KEYS = (
    "img_id",
    "img_path",
    "label_source",
    "ori_shape",
    "img_shape",
    "scale_factor",
    "flip",
    "flip_direction",
    "video_id",
    "video_name",
    "video_length",
    "frame_id",
    "frame_name",
)
# What a frame's meta information says when no transform changed it.
UNCHANGED = {"scale_factor": (1.0, 1.0), "flip": False, "flip_direction": None}


def stack_images(images: Sequence[np.ndarray]) -> torch.Tensor:
    """(T, C, H, W) of T images (H, W, C); OpenCV takes channels apart several times as fast as torch and numpy.

    Raises:
        ValueError: They differ in size.
    """
    if len(sizes := {image.shape for image in images}) > 1:
        raise ValueError(f"images of a clip have the shapes {sorted(sizes)}: give all frames of a video one size")
    height, width, channels = images[0].shape
    planes = np.empty((len(images), channels, height, width), images[0].dtype)
    for image, channels_first in zip(images, planes):
        cv2.split(image, list(channels_first))
    return torch.from_numpy(planes)


def add_labels(frames: Sequence[DetDataSample], results: dict) -> None:
    """Gives each frame its class map as a tensor (1, H, W), without a copy."""
    for frame, labels in zip(frames, results.get("gt_seg_map", ())):
        frame.gt_sem_seg = PixelData(sem_seg=to_tensor(np.ascontiguousarray(labels[None])))


def without_pixels(results: dict) -> dict:
    """What is left to the host's packers, which take longer for images, and copy class maps or drop them."""
    return {key: value for key, value in results.items() if key not in ("img", "gt_seg_map")}


@TRANSFORMS.register_module()
class PackClipInputs(PackTrackInputs):
    """Packs the T frames of a clip, semantic maps included (the host's packer drops those of clips).

    Returns a dict of `inputs`, a (T, 3, H, W) uint8 tensor, and `data_samples`, a `TrackDataSample` with T
    `DetDataSample`s in the same order (reference frames, then the key frame). Where there are annotations, each has
    `gt_instances` with `masks` (BitmapMasks of N), `labels` (N,) int64 and `instances_ids` (N,) int64, and
    `gt_sem_seg.sem_seg`, (1, H, W) uint8 network labels. `key_frames_inds` and `ref_frames_inds` of the clip say which
    is which.

    Args:
        meta_keys: Names of the meta information that each frame keeps.
    """

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        super().__init__(default_meta_keys=tuple(meta_keys))

    def transform(self, results: dict) -> dict:
        """See the class."""
        num_frames = len(results["img"])
        defaults = {key: [value] * num_frames for key, value in UNCHANGED.items()}
        packed = super().transform({**defaults, **without_pixels(results)})
        packed["inputs"] = stack_images(results["img"])
        add_labels(packed["data_samples"].video_data_samples, results)
        return packed


@TRANSFORMS.register_module()
class PackImageInputs(PackDetInputs):
    """Packs a clip of one frame as a single image, for image detectors and the host's `DetDataPreprocessor`.

    Returns a dict of `inputs`, a (3, H, W) uint8 tensor, and `data_samples`, a `DetDataSample` like those of
    `PackClipInputs`, without `instances_ids`.

    Args:
        meta_keys: Names of the meta information that the image keeps.
    """

    def __init__(self, meta_keys: tuple[str, ...] = META_KEYS) -> None:
        super().__init__(meta_keys=tuple(meta_keys))

    def transform(self, results: dict) -> dict:
        """See the class."""
        num_frames = len(results["img"])
        if num_frames != 1:
            raise ValueError(
                f"PackImageInputs packs one frame, not {num_frames}: set ref_sampler=None or use PackClipInputs"
            )
        frame = {key: value[0] for key, value in without_pixels(results).items() if key != "key_frame_flags"}
        packed = super().transform({**UNCHANGED, **frame})
        packed["inputs"] = stack_images(results["img"])[0]
        add_labels([packed["data_samples"]], results)
        return packed
