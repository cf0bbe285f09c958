"""YouTube-VIS-2019: clips of a key frame and its four nearest frames, short side 288 to 512 as released.

data_root is the folder that holds `train`, `valid` and their json files; the environment variable
YOUTUBE_VIS_2019_ROOT overrides it. Public validation labels do not exist: scores come where the json has annotations.
"""

_base_ = "../loaders/clips.py"

data_root = "{{$YOUTUBE_VIS_2019_ROOT:data/youtube_vis_2019}}"
dataset = dict(format="youtube_vis_2019", data_root=data_root)
image_scales = [(100000, side) for side in (288, 320, 352, 392, 416, 448, 480, 512)]

frame_transforms = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadObjectMap"),
    dict(type="RandomChoiceResize", scales=image_scales, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="ObjectMapToMasks"),
]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=frame_transforms),
    dict(type="PackClipInputs"),
]
ref_sampler = dict(type="ReferenceSampler", window=(-2, 2), num_refs=4)
test_transforms = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=(640, 360), keep_ratio=True)]
test_pipeline = [dict(type="TransformBroadcaster", transforms=test_transforms), dict(type="PackClipInputs")]

train_dataloader = dict(dataset=dict(**dataset, split="train", pipeline=train_pipeline, ref_sampler=ref_sampler))
val_dataloader = dict(dataset=dict(**dataset, split="valid", pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type="YouTubeVisMetric", ann_file=f"{data_root}/valid.json")
test_evaluator = val_evaluator
