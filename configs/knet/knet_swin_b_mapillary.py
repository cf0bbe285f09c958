"""K-Net, Swin-B, Mapillary Vistas, 240 epochs: the pre-training of the paper's largest models.

Command:   tools/dist_train.sh configs/knet/knet_swin_b_mapillary.py 8
Start:     ImageNet-22k weights, downloaded
Hardware:  8 GPUs, one image each
Expected:  not published, not measured
"""

_base_ = [
    "../_base_/models/knet_swin_b.py",
    "../_base_/datasets/mapillary.py",
    "../_base_/schedules/adamw_240e.py",
    "../_base_/default_runtime.py",
]

model = dict(labels=dict(type="FormatLabels", format="mapillary"))
default_hooks = dict(checkpoint=dict(save_best="PQ", rule="greater"))
