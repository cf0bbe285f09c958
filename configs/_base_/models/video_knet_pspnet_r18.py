"""Video K-Net on PSPNet with dilated ResNet-18."""

_base_ = ["./video_knet_pspnet_r101.py", "./segmentor_r18_parts.py"]

model = dict(kernel_head=dict(head=dict(in_channels=512, channels=_base_.r18_channels)), **_base_.r18_model)
