"""Video K-Net at toy size on KITTI-STEP at half resolution: real frames through the whole path on a CPU.

Too small to compare with anything; what it reaches on a few sequences is in docs/results.md.

Command:   KITTI_STEP_ROOT=DIR .venv/bin/python tools/train.py configs/video_knet/kitti_step/video_knet_tiny_kitti_step.py
Expected:  see docs/results.md
"""

_base_ = [
    "../../_base_/models/video_knet_tiny.py",
    "../../_base_/datasets/kitti_step.py",
    "../../_base_/default_runtime.py",
    "../../_base_/schedules/adamw_toy_8e.py",
]

image_scale = (624, 192)  # width, height; also the crop
model = dict(labels=dict(type="FormatLabels", format="kitti_step"))

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=image_scale, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=image_scale),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
test_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=image_scale, keep_ratio=True),
]
test_pipeline = [
    dict(type="TransformBroadcaster", transforms=test_transforms),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(batch_size=2, num_workers=1, dataset=dict(pipeline=train_pipeline, repeats=12))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))

save = dict(interval=4, max_keep_ckpts=1, save_best="STQ", rule="greater")
default_hooks = dict(logger=dict(interval=20), checkpoint=save)
