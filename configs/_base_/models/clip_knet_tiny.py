"""Clip-level Video K-Net at toy size; every part is the same as in `clip_knet_r50.py`."""

_base_ = ["./clip_knet_r50.py", "./tiny_parts.py"]

model = dict(
    backbone=_base_.backbone,
    neck=_base_.neck,
    kernel_head=_base_.kernel_head,
    decoder=dict(stage=_base_.stage),
)
