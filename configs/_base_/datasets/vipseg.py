"""VIPSeg at 720p: clips of one reference frame and the key frame, with the released augmentation.

data_root is the folder that holds `images`, `panomasks` and the split files; the environment variable VIPSEG_ROOT
overrides it. The copies of `tools/prepare_data.py vipseg` spare most of the decoding; the full-size originals work, too.
"""

_base_ = "../loaders/clips.py"

dataset = dict(format="vipseg", data_root="{{$VIPSEG_ROOT:data/VIPSeg_720P}}")
short_side = (100000, 720)

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=short_side, ratio_range=(1.0, 2.0), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=(736, 736)),  # the paper's is (720, 720)
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-2, 2))
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=short_side, keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackClipInputs")]

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(**dataset, split="val", pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type="VipsegMetric")
test_evaluator = val_evaluator
