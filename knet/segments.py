"""Values that pass between the parts of K-Net.

B batch*frames, N kernels, C channels, K classes, (h, w) grid of the pixel features.
"""

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass
class Segments:
    """Kernels and what they predict, at one stage.

    Attributes:
        kernels: (B, N, C), thing kernels first, then one kernel per stuff class.
        mask_logits: (B, N, h, w).
        class_logits: (B, N, K); None before the first stage, which has not classified yet.
    """

    kernels: Tensor
    mask_logits: Tensor
    class_logits: Tensor | None = None

    def frames(self, index: slice) -> "Segments":
        """The same values for some frames of the batch."""
        logits = self.class_logits
        return Segments(self.kernels[index], self.mask_logits[index], logits if logits is None else logits[index])

    def detach(self) -> "Segments":
        """The same values outside of the gradient graph."""
        logits = self.class_logits
        return Segments(self.kernels.detach(), self.mask_logits.detach(), logits if logits is None else logits.detach())


@dataclass
class InitialSegments:
    """What the kernel head hands to the decoder.

    Attributes:
        segments: Initial kernels and masks, without classes.
        features: (B, C, h, w) pixel features that every stage reads.
        semantic_logits: (B, K, h, w) per-pixel class logits.
    """

    segments: Segments
    features: Tensor
    semantic_logits: Tensor

    def frames(self, index: slice) -> "InitialSegments":
        """The same values for some frames of the batch."""
        return InitialSegments(self.segments.frames(index), self.features[index], self.semantic_logits[index])

    def detach(self) -> "InitialSegments":
        """The same values outside of the gradient graph."""
        return replace(
            self,
            segments=self.segments.detach(),
            features=self.features.detach(),
            semantic_logits=self.semantic_logits.detach(),
        )
