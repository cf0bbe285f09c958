"""Video K-Net on DeepLabv3+, ResNet-18, VSPW: a light sibling of Table 4; fusion and linking from one reference frame.

Command:   tools/dist_train.sh configs/video_knet/vspw/video_knet_deeplabv3plus_r18_vspw.py 8
Start:     ImageNet weights of the backbone, which MMSegmentation's servers keep
Hardware:  8 GPUs
Expected:  not measured, not in the paper
"""

_base_ = [
    "../../_base_/models/video_knet_deeplabv3plus_r18.py",
    "../../_base_/datasets/vspw.py",
    "../../_base_/schedules/adamw_7e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="vspw"))
train_dataloader = dict(batch_size=2)
default_hooks = dict(checkpoint=dict(save_best="mIoU", rule="greater"))
