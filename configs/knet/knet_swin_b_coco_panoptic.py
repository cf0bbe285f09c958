"""K-Net, Swin-B, COCO panoptic, 36 epochs: where the Swin-B model of VIPSeg starts from.

Command:   tools/dist_train.sh configs/knet/knet_swin_b_coco_panoptic.py 8
Start:     ImageNet-22k weights, downloaded
Hardware:  8 GPUs, two images each
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_swin_b.py",
    "../_base_/datasets/coco_panoptic.py",
    "../_base_/schedules/adamw_12e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="coco_panoptic"))
train_dataloader = dict(dataset=dict(repeats=3))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
