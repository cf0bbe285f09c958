"""One's own videos: clips of one reference frame and the key frame. docs/add_a_dataset.md has the rest of a config.

The child config says where they are: `dataset = dict(format=ROOT, data_root=ROOT)` for each loader, and
`data_root=ROOT` for each evaluator. Frames without label are left out of training.
"""

_base_ = "../loaders/clips.py"

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=(100000, 480), ratio_range=(0.75, 1.5), keep_ratio=True),  # short side
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=(640, 480)),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-2, 2))

train_dataloader = dict(dataset=dict(split="train_labelled", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(split="val"))
test_dataloader = val_dataloader

val_evaluator = dict(type="OwnVideosMetric")
test_evaluator = val_evaluator
