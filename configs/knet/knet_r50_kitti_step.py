"""K-Net, ResNet-50, single images of KITTI-STEP: the image baseline, without anything that looks at other frames.

Segments are numbered anew in each frame, so VPQ_1 (panoptic quality) and SQ mean something, AQ does not.

Command:   tools/dist_train.sh configs/knet/knet_r50_kitti_step.py 8
Expected:  not measured
"""

_base_ = [
    "../_base_/models/knet_r50.py",
    "../_base_/datasets/kitti_step_image.py",
    "../_base_/schedules/adamw_12e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="kitti_step"))
train_dataloader = dict(dataset=dict(repeats=2))
default_hooks = dict(checkpoint=dict(save_best="VPQ_1", rule="greater"))
