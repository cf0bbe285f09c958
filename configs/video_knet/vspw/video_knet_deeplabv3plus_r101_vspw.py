"""Video K-Net on DeepLabv3+, ResNet-101, VSPW: Table 4; fusion and linking from one reference frame.

Command:   tools/dist_train.sh configs/video_knet/vspw/video_knet_deeplabv3plus_r101_vspw.py 8
Start:     ImageNet weights of the backbone, which MMSegmentation's servers keep
Hardware:  8 GPUs
Expected:  mIoU 0.379, mVC8 0.870, mVC16 0.821 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_deeplabv3plus_r101.py",
    "../../_base_/datasets/vspw.py",
    "../../_base_/schedules/adamw_7e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="vspw"))
train_dataloader = dict(batch_size=2)
default_hooks = dict(checkpoint=dict(save_best="mIoU", rule="greater"))
