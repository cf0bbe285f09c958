"""Clip-level Video K-Net, ResNet-50, YouTube-VIS-2019, with AP measured here: a tenth of train is kept out of training.

Public validation labels do not exist. `tools/make_minival.py data/youtube_vis_2019` writes the two parts of train.

Command:   tools/dist_train.sh configs/video_knet/youtube_vis_2019/clip_knet_r50_youtube_vis_2019_minival.py 8
Start:     `configs/knet/knet_r50_coco_instance.py`, `--cfg-options load_from=FILE`; class rows go by name
Hardware:  8 GPUs, two clips of five frames each
Expected:  not measured, and not comparable with the test server's
"""

_base_ = ["./clip_knet_r50_youtube_vis_2019.py"]

train_dataloader = dict(dataset=dict(split="train_without_minival.json"))
val_dataloader = dict(dataset=dict(split="train_minival.json"))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file="{{$YOUTUBE_VIS_2019_ROOT:data/youtube_vis_2019}}/train_minival.json")
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best="AP", rule="greater"))
