"""K-Net, ResNet-50, COCO instances, 36 epochs: where the ResNet-50 models of YouTube-VIS start from.

Command:   tools/dist_train.sh configs/knet/knet_r50_coco_instance.py 8
Start:     ImageNet weights, downloaded
Hardware:  8 GPUs, two images each
Expected:  not measured
"""

_base_ = [
    "../_base_/models/knet_r50.py",
    "../_base_/datasets/coco_instance.py",
    "../_base_/schedules/adamw_12e.py",
    "../_base_/default_runtime.py",
]

model = dict(
    labels=dict(type="FormatLabels", format="coco_instance"),
    supervision=dict(initial_loss=dict(loss_rank=None), stage_loss=dict(loss_rank=None)),
    merging=dict(_delete_=True, type="InstanceMerging", max_per_image=100),
)
train_dataloader = dict(dataset=dict(repeats=3))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best="coco/segm_mAP", rule="greater"))
