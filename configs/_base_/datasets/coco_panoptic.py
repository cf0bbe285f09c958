"""COCO panoptic (2017): half of the images cropped to a random rectangle before the short side becomes 480 to 800.

That is the paper's augmentation (appendix), which follows DETR. The rectangle's sides are fractions of the image's, so
it is cut out of the image as it is; the released code first resizes to a short side of 400, 500 or 600, which costs
more than decoding and shows the same. data_root is the folder that holds `train2017`, `val2017` and `annotations`; the
environment variable COCO_ROOT overrides it.
"""

_base_ = "../loaders/images.py"

dataset = dict(format="coco_panoptic", data_root="{{$COCO_ROOT:data/coco}}", check_labels=False)
short_sides = [(1333, side) for side in range(480, 801, 32)]
resize = dict(type="RandomChoiceResize", scales=short_sides, keep_ratio=True)
crop_and_resize = [
    dict(type="RandomCrop", crop_type="relative_range", crop_size=(0.7, 0.7)),
    resize,
]

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomChoice", transforms=[[resize], crop_and_resize]),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [dict(type="TransformBroadcaster", transforms=frame_transforms), dict(type="PackImageInputs")]
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=(1333, 800), keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackImageInputs")]

train_dataloader = dict(dataset=dict(**dataset, split="train2017", pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, split="val2017", pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type="ImagePanopticMetric", dataset="coco-panoptic")
test_evaluator = val_evaluator
