"""Loaders of image sets: those of clips, but every sample is a single image."""

_base_ = "./clips.py"

test_pipeline = [
    dict(type="TransformBroadcaster", transforms=[dict(type="LoadImageFromFile")]),
    dict(type="PackImageInputs"),
]
train_dataloader = dict(batch_size=2)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
