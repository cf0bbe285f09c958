"""K-Net with Swin-B: that of knet_r50.py but for the backbone."""

_base_ = ["./knet_r50.py", "../backbones/swin_b.py"]

model = dict(backbone=_base_.backbone, neck=dict(in_channels=_base_.level_channels))
