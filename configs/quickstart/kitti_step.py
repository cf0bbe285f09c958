"""The whole path at toy size: the full method on the synthetic world in KITTI-STEP's layout, on CPU, in minutes.

Command:   make quickstart
Expected:  STQ >= 0.60 and AQ >= 0.60 on held-out sequences
"""

_base_ = [
    "../_base_/models/video_knet_tiny.py",
    "../_base_/datasets/kitti_step.py",
    "../_base_/default_runtime.py",
]

data_root = "{{$KITTI_STEP_ROOT:work_dirs/quickstart/kitti_step/data}}"
world = dict(
    format="kitti_step",
    size=(96, 192),
    seed=0,
    difficulty=0.1,
    videos=dict(train=48, val=6, test=1),
    frames=dict(train=12, val=20, test=20),
)
max_epochs = 8
model = dict(labels=dict(type="FormatLabels", format="kitti_step"))

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
train_dataloader = dict(batch_size=4, num_workers=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root))
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root))

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=0, end=max_epochs, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(interval=4, max_keep_ckpts=1, save_best="STQ", rule="greater"),
)
