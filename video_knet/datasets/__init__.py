"""Datasets, transforms and samplers, registered with MMDetection on import."""

import knet  # noqa: F401  must come before mmdet
from video_knet.datasets.base import VideoDataset
from video_knet.datasets.packing import PackClipInputs, PackImageInputs
from video_knet.datasets.reference_sampling import ReferenceSampler, ReleasedReferenceSampler
from video_knet.datasets.samplers import WholeVideoSampler
from video_knet.datasets.transforms import LoadSegmentMap, RequireSharedInstance, SegmentMapToMasks

__all__ = [
    "LoadSegmentMap",
    "PackClipInputs",
    "PackImageInputs",
    "ReferenceSampler",
    "ReleasedReferenceSampler",
    "RequireSharedInstance",
    "SegmentMapToMasks",
    "VideoDataset",
    "WholeVideoSampler",
]
