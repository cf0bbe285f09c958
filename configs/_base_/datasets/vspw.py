"""VSPW at 480p: clips of one reference frame out of the nearest three and the key frame; K-Net's settings of ADE20K.

data_root is the folder that holds `data` and the split files; the environment variable VSPW_ROOT overrides it. The
copies of `tools/prepare_data.py vspw` spare most of the decoding; the full-size originals work, too.
"""

_base_ = "../loaders/clips.py"

dataset = dict(format="vspw", data_root="{{$VSPW_ROOT:data/VSPW_480p}}")
short_side = (100000, 480)

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=short_side, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=(480, 480)),
    dict(type="PhotoMetricDistortion"),
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-3, 3))
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=short_side, keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackClipInputs")]

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(**dataset, split="val", pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type="VspwMetric")
test_evaluator = val_evaluator
