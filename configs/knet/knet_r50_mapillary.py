"""K-Net, ResNet-50, Mapillary Vistas, 240 epochs: another start for Cityscapes; the paper pre-trains Swin-B only.

Command:   tools/dist_train.sh configs/knet/knet_r50_mapillary.py 8
Start:     ImageNet weights, downloaded
Hardware:  8 GPUs, one image each
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_r50.py",
    "../_base_/datasets/mapillary.py",
    "../_base_/schedules/adamw_240e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="mapillary"))
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
