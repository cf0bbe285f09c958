"""PSPNet, ResNet-101, VSPW: Table 4, the network alone, every frame by itself.

Command:   tools/dist_train.sh configs/video_knet/vspw/pspnet_r101_vspw.py 8
Start:     ImageNet weights of the backbone, which MMSegmentation's servers keep
Hardware:  8 GPUs
Expected:  mIoU 0.365, mVC8 0.844, mVC16 0.798 (the paper's; not measured here)
"""

_base_ = ["./knet_pspnet_r101_vspw.py"]

model = dict(decoder=None)
