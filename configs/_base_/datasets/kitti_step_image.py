"""KITTI-STEP as single images, for image pre-training: the data of `kitti_step.py` without reference frames."""

_base_ = "./kitti_step.py"

train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.frame_transforms),
    dict(type="PackImageInputs"),
]
test_pipeline = [
    dict(type="TransformBroadcaster", transforms=[dict(type="LoadImageFromFile")]),
    dict(type="PackImageInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=None))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
