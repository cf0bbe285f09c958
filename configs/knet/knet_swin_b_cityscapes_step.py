"""K-Net, Swin-B, Cityscapes-STEP: where the Swin-B models of KITTI-STEP start from.

Command:   tools/dist_train.sh configs/knet/knet_swin_b_cityscapes_step.py 8
Start:     ImageNet-22k weights, downloaded
Hardware:  8 GPUs, one image each; 64 epochs in all
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_swin_b.py",
    "../_base_/datasets/cityscapes_step.py",
    "../_base_/schedules/adamw_8e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="cityscapes_step"))
train_dataloader = dict(batch_size=1, dataset=dict(repeats=8))
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
