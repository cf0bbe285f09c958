"""Video K-Net, Swin-B, VIPSeg: Table 6, all three parts, 8 epochs as released.

Command:   tools/dist_train.sh configs/video_knet/vipseg/video_knet_swin_b_vipseg.py 8
Start:     `configs/knet/knet_swin_b_coco_panoptic.py`, `--cfg-options load_from=FILE`; class rows go by name
Hardware:  8 GPUs, one clip each
Expected:  STQ 0.463, VPQ 0.398 (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/video_knet_swin_b.py",
    "../../_base_/datasets/vipseg.py",
    "../../_base_/schedules/adamw_8e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="vipseg"))
default_hooks = dict(checkpoint=dict(save_best="STQ", rule="greater"))
