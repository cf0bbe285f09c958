"""One's own videos with `"labels": "instances"`, for the clip-level model: clips of a key frame and four near ones.

The child config says where they are: `dataset = dict(format=ROOT, data_root=ROOT)` for each loader, and
`ann_file="ROOT/instances_val.json"` for each evaluator. docs/add_a_dataset.md has an example.
"""

_base_ = "./own_videos.py"

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadObjectMap"),
    dict(type="RandomResize", scale=(100000, 360), ratio_range=(0.8, 1.4), keep_ratio=True),  # short side
    dict(type="RandomFlip", prob=0.5),
    dict(type="ObjectMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=(100000, 360), keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackClipInputs")]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=dict(num_refs=4)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type="OwnTracksMetric")
test_evaluator = val_evaluator
