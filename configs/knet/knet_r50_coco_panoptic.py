"""K-Net, ResNet-50, COCO panoptic, 36 epochs: where the ResNet-50 model of VIPSeg starts from.

Command:   tools/dist_train.sh configs/knet/knet_r50_coco_panoptic.py 8
Start:     ImageNet weights, downloaded
Hardware:  8 GPUs, two images each
Expected:  PQ 47.1 (K-Net's own, same schedule; not measured here)
"""

_base_ = [
    "../_base_/models/knet_r50.py",
    "../_base_/datasets/coco_panoptic.py",
    "../_base_/schedules/adamw_12e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="coco_panoptic"))
train_dataloader = dict(dataset=dict(repeats=3))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
