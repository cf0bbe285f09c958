"""K-Net: image segmentation with learnable kernels, as modules of MMDetection. Knows nothing of video."""

from knet.compiled_ops import ensure_extension

ensure_extension()
