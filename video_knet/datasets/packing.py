"""From the result dict of a pipeline to tensors and data samples.

T frames, H W size, N instances.
"""

from mmcv.transforms import to_tensor
from mmdet.datasets.transforms import PackDetInputs, PackTrackInputs
from mmdet.registry import TRANSFORMS
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
        packed = super().transform({**defaults, **results})
        for frame, labels in zip(packed["data_samples"].video_data_samples, results.get("gt_seg_map", ())):
            frame.gt_sem_seg = PixelData(sem_seg=to_tensor(labels[None].copy()))  # (1, H, W)
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
        frame = {key: value[0] for key, value in results.items() if key != "key_frame_flags"}
        return super().transform({**UNCHANGED, **frame})
