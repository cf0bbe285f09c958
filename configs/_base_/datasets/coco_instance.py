"""COCO instances (2017), with the augmentation of `coco_panoptic.py`; images without an object are left out."""

_base_ = "./coco_panoptic.py"

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadObjectMap"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomChoice", transforms=[[_base_.resize], _base_.crop_and_resize]),
    dict(type="ObjectMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", transforms=frame_transforms),
    dict(type="RequireInstances"),
    dict(type="PackImageInputs"),
]
dataset = dict(format="coco_instance")

train_dataloader = dict(dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type="CocoInstanceMetric")
test_evaluator = val_evaluator
