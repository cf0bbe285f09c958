"""K-Net, ResNet-50, Cityscapes-STEP: where the ResNet-50 models of KITTI-STEP start from.

Command:   tools/dist_train.sh configs/knet/knet_r50_cityscapes_step.py 8
Start:     ImageNet weights, downloaded
Hardware:  8 GPUs, two images each; 64 epochs in all
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_r50.py",
    "../_base_/datasets/cityscapes_step.py",
    "../_base_/schedules/adamw_8e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="cityscapes_step"))
train_dataloader = dict(dataset=dict(repeats=8))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
