"""Clip-level Video K-Net, Swin-B, YouTube-VIS-2019: Table 5, 8 epochs as released.

Command:   tools/dist_train.sh configs/video_knet/youtube_vis_2019/clip_knet_swin_b_youtube_vis_2019.py 8
Start:     `configs/knet/knet_swin_b_coco_instance.py`, `--cfg-options load_from=FILE`; class rows go by name
Hardware:  8 GPUs, one clip of five frames each
Expected:  AP 0.514 on the test server's validation videos (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/clip_knet_swin_b.py",
    "../../_base_/datasets/youtube_vis_2019.py",
    "../../_base_/schedules/adamw_8e.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="youtube_vis_2019"))
