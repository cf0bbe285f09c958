"""Cityscapes-VPS: two neighbouring labelled frames, five apart in time, with the released augmentation.

Validation runs over all 30 frames of a video; the metric reads the labelled six. data_root is the folder that holds
`train`, `val` and the json files; the environment variable CITYSCAPES_VPS_ROOT overrides it.
"""

_base_ = "../loaders/clips.py"

dataset = dict(format="cityscapes_vps", data_root="{{$CITYSCAPES_VPS_ROOT:data/cityscapes_vps}}")
image_scales = [(1024, 512), (4096, 2048)]  # width, height: half to double size

load_and_resize = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=image_scales, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
]
crop = [dict(type="RandomCrop", crop_size=(1024, 1024)), dict(type="SegmentMapToMasks")]  # the paper's is (2048, 1024)
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=load_and_resize),
    dict(type="TransformBroadcaster", share_random_params=True, transforms=crop),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-1, 1))

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(**dataset, split="val"))
test_dataloader = val_dataloader

val_evaluator = dict(type="CityscapesVpsMetric")
test_evaluator = val_evaluator
