"""The whole path at toy size: clip-level Video K-Net on the synthetic world in the layout of YouTube-VIS.

Command:   make quickstart DATASET=youtube_vis
Expected:  AP >= 0.50 on held-out videos; see docs/results.md for what was measured

Frames of a training clip lie anywhere in its video: over a whole video a kernel must know its object by its looks, not
by its place.
"""

_base_ = [
    "../_base_/models/clip_knet_tiny.py",
    "../_base_/models/three_levels.py",
    "../_base_/datasets/youtube_vis_2019.py",
    "../_base_/default_runtime.py",
    "../_base_/schedules/adamw_toy_4e.py",
    "../_base_/worlds/toy.py",
]

data_root = "{{$YOUTUBE_VIS_ROOT:work_dirs/quickstart/youtube_vis/data}}"
world = dict(format="youtube_vis_2019", videos=dict(train=84, val=12), frames=dict(val=12))
model = dict(**_base_.three_levels, labels=dict(type="FormatLabels", format="youtube_vis_2019"))

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadObjectMap"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="ObjectMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
test_pipeline = [
    dict(type="TransformBroadcaster", transforms=[dict(type="LoadImageFromFile")]),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(
    batch_size=4,
    **_base_.in_process,
    dataset=dict(data_root=data_root, pipeline=train_pipeline, ref_sampler=dict(window=(-11, 11), num_refs=2)),
)
val_dataloader = dict(**_base_.in_process, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(ann_file=f"{data_root}/valid.json")
test_evaluator = val_evaluator
save = dict(interval=4, max_keep_ckpts=1, save_best="AP", rule="greater")
default_hooks = dict(logger=dict(interval=20), checkpoint=save)
