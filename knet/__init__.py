"""K-Net: image segmentation with learnable kernels, as modules of MMDetection. Knows nothing of video.

Importing it makes `mmdet` importable with or without mmcv's compiled operators, and registers the modules.
"""

from knet.compiled_ops import ensure_extension

ensure_extension()

from knet import assigner, kernel_decoder, kernel_head, kernel_update, segment_merging, semantic_fpn, supervision  # noqa: E402
from knet.knet import KNet  # noqa: E402
from knet.labels import LabelSpace  # noqa: E402

__all__ = [
    "KNet",
    "LabelSpace",
    "assigner",
    "kernel_decoder",
    "kernel_head",
    "kernel_update",
    "segment_merging",
    "semantic_fpn",
    "supervision",
]
