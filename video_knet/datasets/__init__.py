"""Datasets, transforms and samplers, registered with MMDetection on import."""

import knet  # noqa: F401  must come before mmdet
from video_knet.datasets.base import VideoDataset
from video_knet.datasets.object_transforms import LoadObjectMap, ObjectMapToMasks, RequireInstances
from video_knet.datasets.packing import PackClipInputs, PackImageInputs
from video_knet.datasets.reference_sampling import CompleteWindowSampler, ReferenceSampler, ReleasedReferenceSampler
from video_knet.datasets.samplers import WholeVideoSampler
from video_knet.datasets.transforms import LoadSegmentMap, RequireSharedInstance, SegmentMapToMasks

__all__ = [
    "CompleteWindowSampler",
    "LoadObjectMap",
    "LoadSegmentMap",
    "ObjectMapToMasks",
    "PackClipInputs",
    "PackImageInputs",
    "ReferenceSampler",
    "ReleasedReferenceSampler",
    "RequireInstances",
    "RequireSharedInstance",
    "SegmentMapToMasks",
    "VideoDataset",
    "WholeVideoSampler",
]
