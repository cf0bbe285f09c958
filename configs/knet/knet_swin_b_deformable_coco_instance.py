"""K-Net, Swin-B with a deformable neck, COCO instances, 36 epochs.

The Swin-B model of YouTube-VIS with a deformable neck starts from it.

Command:   tools/dist_train.sh configs/knet/knet_swin_b_deformable_coco_instance.py 8
Start:     ImageNet-22k weights, downloaded
Hardware:  8 GPUs, two images each
Expected:  not measured
"""

_base_ = ["./knet_swin_b_coco_instance.py", "../_base_/necks/deformable.py"]

model = dict(neck=_base_.neck)
