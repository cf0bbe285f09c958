"""K-Net on DeepLabv3+, ResNet-18, VSPW: every frame by itself.

Command:   tools/dist_train.sh configs/video_knet/vspw/knet_deeplabv3plus_r18_vspw.py 8
Start:     ImageNet weights of the backbone, which MMSegmentation's servers keep
Hardware:  8 GPUs
Expected:  not measured, not in the paper
"""

_base_ = ["./video_knet_deeplabv3plus_r18_vspw.py"]

model = dict(kernel_linking=None, kernel_fusion=None)
