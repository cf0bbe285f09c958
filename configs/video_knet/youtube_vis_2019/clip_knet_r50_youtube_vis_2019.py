"""Clip-level Video K-Net, ResNet-50, YouTube-VIS-2019: Table 5.

Command:   tools/dist_train.sh configs/video_knet/youtube_vis_2019/clip_knet_r50_youtube_vis_2019.py 8
Start:     `configs/knet/knet_r50_coco_instance.py`, `--cfg-options load_from=FILE`; class rows go by name
Hardware:  8 GPUs, two clips of five frames each
Expected:  AP 0.405 on the test server's validation videos (the paper's; not measured here)
"""

_base_ = [
    "../../_base_/models/clip_knet_r50.py",
    "../../_base_/datasets/youtube_vis_2019.py",
    "../../_base_/schedules/adamw_12e_clips.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="youtube_vis_2019"))
train_dataloader = dict(batch_size=2)
