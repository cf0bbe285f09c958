"""From the clips of a batch to one normalised, padded tensor.

B batch, T frames, H W size.
"""

from collections.abc import Sequence

import knet  # noqa: F401  must come before mmdet

# isort: split
import torch.nn.functional as F
from mmdet.models.data_preprocessors import TrackDataPreprocessor
from mmdet.registry import MODELS
from mmdet.structures import TrackDataSample
from mmengine.structures import PixelData
from torch import Tensor


@MODELS.register_module()
class ClipDataPreprocessor(TrackDataPreprocessor):
    """Normalises, pads and stacks clips to (B, T, 3, H, W), and pads masks and semantic maps with them.

    Images are padded after normalising, by zeros, that is with the mean colour. Masks and semantic maps are padded in
    training only; predictions are compared at the original size. The samples given in are not changed.

    Args:
        mean: Mean of the channels R, G, B, in [0, 255].
        std: Standard deviation of the channels.
        pad_size_divisor: H and W become multiples of it.
        bgr_to_rgb: Whether images come as BGR, as the host loads them.
        pad_mask: Whether to pad ground truth masks, by `mask_pad_value`.
        pad_seg: Whether to pad ground truth semantic maps, by `seg_pad_value`.
        kwargs: Further arguments of the host's `DetDataPreprocessor`.
    """

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        pad_size_divisor: int = 32,
        bgr_to_rgb: bool = True,
        pad_mask: bool = True,
        pad_seg: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(
            mean=mean,
            std=std,
            pad_size_divisor=pad_size_divisor,
            bgr_to_rgb=bgr_to_rgb,
            pad_mask=pad_mask,
            pad_seg=pad_seg,
            **kwargs,
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepares a batch.

        Args:
            data: `inputs`, a list of B uint8 tensors (T, 3, h, w) of one T and any h and w; `data_samples`, a list of
                B `TrackDataSample`s, or None.
            training: Whether ground truth is padded too.

        Returns:
            `inputs`, (B, T, 3, H, W) float32; `data_samples`, whose frames know their `batch_input_shape` (H, W).
        """
        clip_lengths = {len(clip) for clip in data["inputs"]}
        if len(clip_lengths) > 1:
            raise ValueError(f"clips of one batch must have one length, got {sorted(clip_lengths)}; set batch_size=1")
        data = super().forward(data, training)
        if training and self.pad_seg and data["data_samples"] is not None:
            self.pad_track_gt_sem_seg(data["data_samples"])
        return data

    def pad_track_gt_masks(self, data_samples: Sequence[TrackDataSample]) -> None:
        """Pads the masks of each frame that has any annotation; the host looks at the first frame only."""
        for frame in (frame for sample in data_samples for frame in sample.video_data_samples):
            if "masks" in frame.get("gt_instances", ()):
                masks = frame.gt_instances.masks
                if (masks.height, masks.width) != frame.batch_input_shape:  # the host pads mask by mask
                    frame.gt_instances.masks = masks.pad(frame.batch_input_shape, pad_val=self.mask_pad_value)

    def pad_track_gt_sem_seg(self, data_samples: Sequence[TrackDataSample]) -> None:
        """Pads the semantic map of each annotated frame to `batch_input_shape`."""
        for frame in (frame for sample in data_samples for frame in sample.video_data_samples):
            if "gt_sem_seg" in frame:
                labels = frame.gt_sem_seg.sem_seg  # (1, h, w)
                height, width = frame.batch_input_shape
                margins = (0, width - labels.shape[-1], 0, height - labels.shape[-2])
                frame.gt_sem_seg = PixelData(sem_seg=F.pad(labels, margins, value=self.seg_pad_value))  # (1, H, W)


def without_batch_padding(images: Tensor, size: tuple[int, int], divisor: int) -> Tensor:
    """(T, 3, H, W) frames of a clip, without what only larger clips of its batch have padded it to.

    Args:
        images: Padded frames.
        size: Height and width of the frames.
        divisor: `pad_size_divisor`.
    """
    height, width = (-(-pixels // divisor) * divisor for pixels in size)
    return images[..., :height, :width]
