"""The clip-level stages: kernels of a clip, fused over its frames (Sec. 3.3, clip-level training for VIS).

B clips, T frames, N kernels, C channels, K classes, P = h*w pixels of a frame.
"""

from dataclasses import dataclass

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from knet.kernel_update import KernelUpdateStage
from knet.segments import Segments


@dataclass
class ClipSegments:
    """Kernels of clips and what they predict, at one stage. A kernel is one object in all frames.

    Attributes:
        kernels: (B, N, C), of the clip; of each frame, (B, T, N, C), after the last stage.
        mask_logits: (B, T, N, h, w).
        class_logits: (B, N, K) of the clip; None after the last stage, which does not classify.
    """

    kernels: Tensor
    mask_logits: Tensor
    class_logits: Tensor | None = None


@MODELS.register_module()
class ClipDecoder(BaseModule):
    """Stages on top of per-frame K-Net: some gather a clip's frames into one kernel per object, the last one segments
    each frame with a kernel of its own again.

    Args:
        stage: Config of one stage, as in `KernelDecoder`; the last one is built without a classifier.
        num_gathering: Stages that gather.
    """

    def __init__(self, stage: ConfigType, num_gathering: int = 2) -> None:
        super().__init__()
        if num_gathering < 1:
            raise ValueError(f"num_gathering is {num_gathering}: without a gathering stage nothing classifies a clip")
        stages = [stage] * num_gathering + [{**stage, "num_classes": 0}]
        self.stages = ModuleList(MODELS.build(stage) for stage in stages)

    def forward(self, frames: Segments, features: Tensor, num_frames: int) -> list[ClipSegments]:
        """Refine the kernels of clips.

        Args:
            frames: Result of per-frame K-Net for the B*T frames, clip after clip: kernels (B*T, N, C), mask logits
                (B*T, N, h, w).
            features: (B*T, C, h, w) pixel features of the frames.
            num_frames: T.

        Returns:
            The segments of every stage, the last one is the result.
        """
        grid, pixels = features.shape[2:], features.flatten(2)  # (B*T, C, P)
        kernels = mean_over_frames(frames.kernels, num_frames)  # (B, N, C)
        mask_logits = frames.mask_logits.flatten(2)  # (B*T, N, P)
        output = []
        for stage in self.stages[:-1]:
            kernels, mask_logits = self._gather(stage, kernels, mask_logits, pixels, num_frames)
            output.append(self._segments(kernels, mask_logits, grid, num_frames, stage.classify(kernels)))
        last = self.stages[-1]
        group_features = last.assemble(mask_logits, pixels)  # (B*T, N, C)
        kernels = last.refine(group_features, kernels.repeat_interleave(num_frames, dim=0))  # (B*T, N, C)
        kernels_of_clip = kernels.unflatten(0, (-1, num_frames))  # (B, T, N, C)
        output.append(self._segments(kernels_of_clip, last.segment(kernels, pixels), grid, num_frames))
        return output

    @staticmethod
    def _gather(
        stage: KernelUpdateStage, kernels: Tensor, mask_logits: Tensor, pixels: Tensor, num_frames: int
    ) -> tuple[Tensor, Tensor]:
        """Kernels (B, N, C) that have seen all frames, and the masks (B*T, N, P) of these kernels in each frame."""
        group_features = mean_over_frames(stage.assemble(mask_logits, pixels), num_frames)  # (B, N, C)
        kernels = stage.refine(group_features, kernels)
        return kernels, stage.segment(kernels.repeat_interleave(num_frames, dim=0), pixels)

    @staticmethod
    def _segments(
        kernels: Tensor, mask_logits: Tensor, grid: tuple[int, int], num_frames: int, class_logits: Tensor | None = None
    ) -> ClipSegments:
        return ClipSegments(kernels, mask_logits.unflatten(2, grid).unflatten(0, (-1, num_frames)), class_logits)


def mean_over_frames(values: Tensor, num_frames: int) -> Tensor:
    """(B*T, ...) to (B, ...)."""
    return values.unflatten(0, (-1, num_frames)).mean(dim=1)
