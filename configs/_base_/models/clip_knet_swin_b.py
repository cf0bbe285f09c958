"""Clip-level Video K-Net with Swin-B: that of clip_knet_r50.py but for the backbone."""

_base_ = ["./clip_knet_r50.py", "../backbones/swin_b.py"]

model = dict(backbone=_base_.backbone, neck=dict(in_channels=_base_.level_channels))
