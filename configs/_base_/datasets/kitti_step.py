"""KITTI-STEP: clips of one reference frame and the key frame, with the released augmentation.

data_root is the folder that holds `training`, `testing` and `panoptic_maps`; the environment variable KITTI_STEP_ROOT
overrides it.
"""

_base_ = "../loaders/clips.py"

dataset = dict(format="kitti_step", data_root="{{$KITTI_STEP_ROOT:data/kitti_step}}")
image_scale = (1248, 384)  # width, height; also the crop

# Applied to each frame of a clip with the same random parameters.
frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=image_scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=image_scale),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-2, 2))

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(**dataset, split="val"))
test_dataloader = val_dataloader

val_evaluator = dict(type="KittiStepMetric")
test_evaluator = val_evaluator
