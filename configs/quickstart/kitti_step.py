"""The whole path at toy size: the full method on the synthetic world in KITTI-STEP's layout, on CPU, in minutes.

Command:   make quickstart
Expected:  STQ >= 0.60 and AQ >= 0.60 on held-out sequences
"""

_base_ = [
    "../_base_/models/video_knet_tiny.py",
    "../_base_/models/three_levels.py",
    "../_base_/datasets/kitti_step.py",
    "../_base_/default_runtime.py",
    "../_base_/schedules/adamw_toy_8e.py",
    "../_base_/worlds/toy.py",
]

dataset = dict(data_root="{{$KITTI_STEP_ROOT:work_dirs/quickstart/kitti_step/data}}")
world = dict(format="kitti_step")
model = dict(**_base_.three_levels, labels=dict(type="FormatLabels", format="kitti_step"))

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
train_dataloader = dict(batch_size=4, **_base_.in_process, dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(**_base_.in_process, dataset=dataset)
test_dataloader = val_dataloader

save = dict(interval=4, max_keep_ckpts=1, save_best="STQ", rule="greater")
default_hooks = dict(logger=dict(interval=20), checkpoint=save)
