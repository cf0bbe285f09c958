"""K-Net, ResNet-50 with a deformable neck, COCO instances, 36 epochs.

The ResNet-50 model of YouTube-VIS with a deformable neck starts from it.

Command:   tools/dist_train.sh configs/knet/knet_r50_deformable_coco_instance.py 8
Start:     ImageNet weights, downloaded
Hardware:  8 GPUs, two images each
Expected:  not measured
"""

_base_ = ["./knet_r50_coco_instance.py", "../_base_/necks/deformable.py"]

model = dict(neck=_base_.neck)
