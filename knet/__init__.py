"""K-Net: image segmentation with learnable kernels, as modules of MMDetection. Knows nothing of video.

Importing it makes `mmdet` importable with or without mmcv's compiled operators, and registers the modules.
"""

import warnings
from contextlib import redirect_stdout
from io import StringIO

from knet.compiled_ops import avoid_compiled_paths, ensure_extension

compiled = ensure_extension()
# On import mmdet prints and warns about optional packages, which every run would begin with.
with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
    import mmdet.datasets
    import mmdet.evaluation  # noqa: F401

if not compiled:
    avoid_compiled_paths()

from knet import (  # noqa: E402
    assigner,
    class_kernel_head,
    class_supervision,
    deformable_neck,
    kernel_decoder,
    kernel_head,
    kernel_update,
    optimizer,
    segment_merging,
    semantic_fpn,
    supervision,
)
from knet.knet import KNet  # noqa: E402
from knet.labels import LabelSpace  # noqa: E402

__all__ = [
    "KNet",
    "LabelSpace",
    "assigner",
    "class_kernel_head",
    "class_supervision",
    "deformable_neck",
    "kernel_decoder",
    "kernel_head",
    "kernel_update",
    "optimizer",
    "segment_merging",
    "semantic_fpn",
    "supervision",
]
