"""Mapillary Vistas v1.2: short side 1024 to 2048, crops of 1024 x 1024 as released.

data_root is the folder that holds `training`, `validation` and `config.json`; the environment variable MAPILLARY_ROOT
overrides it.
"""

_base_ = "../loaders/images.py"

dataset = dict(format="mapillary", data_root="{{$MAPILLARY_ROOT:data/mapillary}}", check_labels=False)

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadSegmentMap"),
    dict(type="RandomResize", scale=[(4096, 1024), (4096, 2048)], keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=(1024, 1024)),  # the paper's is (2048, 1024)
    dict(type="SegmentMapToMasks"),
]
train_pipeline = [dict(type="TransformBroadcaster", transforms=frame_transforms), dict(type="PackImageInputs")]
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=(4096, 2048), keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackImageInputs")]

train_dataloader = dict(batch_size=1, dataset=dict(**dataset, split="training", pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, split="validation", pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type="ImagePanopticMetric", dataset="mapillary")
test_evaluator = val_evaluator
