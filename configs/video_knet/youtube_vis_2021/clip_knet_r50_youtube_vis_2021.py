"""Clip-level Video K-Net, ResNet-50, YouTube-VIS-2021: the settings of 2019 on the later edition.

Command:   tools/dist_train.sh configs/video_knet/youtube_vis_2021/clip_knet_r50_youtube_vis_2021.py 8
Start:     `configs/knet/knet_r50_coco_instance.py`, `--cfg-options load_from=FILE`; class rows go by name
Hardware:  8 GPUs, two clips of five frames each
Expected:  not published and not measured
"""

_base_ = ["../youtube_vis_2019/clip_knet_r50_youtube_vis_2019.py"]

data_root = "{{$YOUTUBE_VIS_2021_ROOT:data/youtube_vis_2021}}"
dataset = dict(format="youtube_vis_2021", data_root=data_root)
model = dict(labels=dict(format="youtube_vis_2021"))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=f"{data_root}/valid.json")
test_evaluator = val_evaluator
