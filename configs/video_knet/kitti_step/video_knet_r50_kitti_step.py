"""Video K-Net, ResNet-50, KITTI-STEP: Table 2 (validation) and the last row of Table 7a, all three parts.

Command:   tools/dist_train.sh configs/video_knet/kitti_step/video_knet_r50_kitti_step.py 8
Start:     K-Net trained on Cityscapes-STEP, `--cfg-options load_from=FILE`
Hardware:  8 GPUs, one clip each
Expected:  STQ 0.709, AQ 0.708, SQ 0.712, VPQ 0.46 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_r50.py",
    "../../_base_/datasets/kitti_step.py",
    "../../_base_/schedules/adamw_12e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="kitti_step"))
train_dataloader = dict(dataset=dict(repeats=2))
default_hooks = dict(checkpoint=dict(save_best="STQ", rule="greater"))
