"""Video K-Net, ResNet-50, Cityscapes-VPS: Table 3. Kernel fusion is not used on this dataset (paper, Sec. 4).

Command:   tools/dist_train.sh configs/video_knet/cityscapes_vps/video_knet_r50_cityscapes_vps.py 8
Start:     `configs/knet/knet_r50_cityscapes_panoptic.py`, `--cfg-options load_from=FILE`
Hardware:  8 GPUs, one clip each; 64 epochs in all, by the released data settings
Expected:  VPQ 0.656 / 0.577 / 0.542 / 0.523 over 1 to 4 labelled frames (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_r50.py",
    "../../_base_/datasets/cityscapes_vps.py",
    "../../_base_/schedules/adamw_8e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="cityscapes_vps"), kernel_fusion=None)
train_dataloader = dict(dataset=dict(repeats=8))
default_hooks = dict(checkpoint=dict(save_best="VPQ", rule="greater"))
