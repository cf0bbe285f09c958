"""Clip-level Video K-Net, ResNet-50 with a deformable neck, YouTube-VIS-2019.

Command:   tools/dist_train.sh configs/video_knet/youtube_vis_2019/clip_knet_r50_deformable_youtube_vis_2019.py 8
Start:     `configs/knet/knet_r50_deformable_coco_instance.py`, `--cfg-options load_from=FILE`
Hardware:  8 GPUs, one clip of five frames each
Expected:  not published, not measured
"""

_base_ = [
    "../../_base_/models/clip_knet_r50.py",
    "../../_base_/necks/deformable.py",
    "../../_base_/datasets/youtube_vis_2019.py",
    "../../_base_/schedules/adamw_12e_clips.py",
    "../../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="youtube_vis_2019"), neck=_base_.neck)
auto_scale_lr = dict(base_batch_size=8)
