"""Video K-Net, Swin-B, KITTI-STEP: Table 2 (validation), all three parts.

Command:   tools/dist_train.sh configs/video_knet/kitti_step/video_knet_swin_b_kitti_step.py 16
Start:     `configs/knet/knet_swin_b_cityscapes_step.py`, `--cfg-options load_from=FILE`
Hardware:  16 GPUs, one clip each
Expected:  STQ 0.73, AQ 0.72, SQ 0.73, VPQ 0.53 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_swin_b.py",
    "../../_base_/datasets/kitti_step.py",
    "../../_base_/schedules/adamw_12e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="kitti_step"))
train_dataloader = dict(dataset=dict(repeats=2))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best="STQ", rule="greater"))
