"""Video K-Net, Swin-B, Cityscapes-VPS: Table 3, with the paper's smaller crop for this backbone.

Command:   tools/dist_train.sh configs/video_knet/cityscapes_vps/video_knet_swin_b_cityscapes_vps.py 8
Start:     `configs/knet/knet_swin_b_cityscapes_panoptic.py`, `--cfg-options load_from=FILE`
Hardware:  8 GPUs, one clip each; 64 epochs in all, by the released data settings
Expected:  VPQ 0.612 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_swin_b.py",
    "../../_base_/datasets/cityscapes_vps.py",
    "../../_base_/schedules/adamw_8e.py",
    "../../_base_/default_runtime.py",
]

crop = [dict(type="RandomCrop", crop_size=(1600, 800)), dict(type="SegmentMapToMasks")]
train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.load_and_resize),
    dict(type="TransformBroadcaster", share_random_params=True, transforms=crop),
    dict(type="PackClipInputs"),
]
model = dict(labels=dict(type="FormatLabels", format="cityscapes_vps"), kernel_fusion=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, repeats=8))
default_hooks = dict(checkpoint=dict(save_best="VPQ", rule="greater"))
