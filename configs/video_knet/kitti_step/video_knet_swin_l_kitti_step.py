"""Video K-Net, Swin-L, KITTI-STEP: Table 2 (validation), all three parts.

Command:   tools/dist_train.sh configs/video_knet/kitti_step/video_knet_swin_l_kitti_step.py 8
Start:     `configs/knet/knet_swin_l_cityscapes_step.py`, `--cfg-options load_from=FILE`
Hardware:  8 GPUs, one clip each
Expected:  STQ 0.74, AQ 0.73, SQ 0.75, VPQ 0.56 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_swin_l.py",
    "../../_base_/datasets/kitti_step.py",
    "../../_base_/schedules/adamw_12e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="kitti_step"))
train_dataloader = dict(dataset=dict(repeats=2))
default_hooks = dict(checkpoint=dict(save_best="STQ", rule="greater"))
