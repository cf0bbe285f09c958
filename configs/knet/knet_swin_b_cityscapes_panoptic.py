"""K-Net, Swin-B, Cityscapes with eight things: where the Swin-B model of Cityscapes-VPS starts from.

Command:   tools/dist_train.sh configs/knet/knet_swin_b_cityscapes_panoptic.py 8
Start:     `knet_swin_b_mapillary.py`, `--cfg-options load_from=FILE` (the paper pre-trains its largest models there)
Hardware:  8 GPUs, one image each; 64 epochs in all
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_swin_b.py",
    "../_base_/datasets/cityscapes_panoptic.py",
    "../_base_/schedules/adamw_8e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="cityscapes_panoptic"))
train_dataloader = dict(batch_size=1, dataset=dict(repeats=8))
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
