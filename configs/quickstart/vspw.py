"""The whole path at toy size: video semantic segmentation of a synthetic world in flickering light, in VSPW's layout.

The baseline beside it, the network alone, is `baselines/vspw.py`.

Command:   make quickstart DATASET=vspw
Expected:  mVC_8 about 76 and mIoU about 62, the baseline 35 and 50
"""

_base_ = [
    "../_base_/models/video_knet_pspnet_tiny.py",
    "../_base_/datasets/vspw.py",
    "../_base_/default_runtime.py",
    "../_base_/schedules/adamw_toy_8e.py",
    "../_base_/worlds/toy.py",
]

dataset = dict(data_root="{{$VSPW_ROOT:work_dirs/quickstart/vspw/data}}")
# Many short videos: of few, a model remembers by heart which classes each has, frames without colour included.
world = dict(format="vspw", kind="flicker", videos=dict(train=192), frames=dict(train=3))
model = dict(labels=dict(type="FormatLabels", format="vspw"))

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
test_pipeline = [
    dict(type="TransformBroadcaster", transforms=[dict(type="LoadImageFromFile")]),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(batch_size=4, **_base_.in_process, dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(**_base_.in_process, dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = val_dataloader

save = dict(interval=4, max_keep_ckpts=1, save_best="mIoU", rule="greater")
default_hooks = dict(logger=dict(interval=20), checkpoint=save)
