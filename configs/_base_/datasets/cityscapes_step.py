"""Cityscapes-STEP: Cityscapes with persons and cars as things, all else as stuff, so that KITTI-STEP can start from it.

Released augmentation. data_root is the folder that holds `leftImg8bit` and `gtFine`, or the `panoptic_maps` that
`tools/prepare_data.py cityscapes-step` writes; the environment variable CITYSCAPES_ROOT overrides it.
"""

_base_ = "../loaders/images.py"

dataset = dict(format="cityscapes_step", data_root="{{$CITYSCAPES_ROOT:data/cityscapes}}")
image_scale = (2048, 1024)  # width, height; also the crop

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=image_scale, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=image_scale),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [dict(type="TransformBroadcaster", transforms=frame_transforms), dict(type="PackImageInputs")]

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, split="val"))
test_dataloader = val_dataloader

val_evaluator = dict(type="ImagePanopticMetric", dataset="cityscapes-step")
test_evaluator = val_evaluator
