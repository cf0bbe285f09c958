"""Video K-Net at toy size; every part is the same as in `video_knet_r50.py`."""

_base_ = ["./video_knet_r50.py", "./tiny_parts.py"]

model = dict(
    backbone=_base_.backbone,
    neck=_base_.neck,
    kernel_head=_base_.kernel_head,
    decoder=dict(stage=_base_.stage),
    kernel_linking=_base_.tiny_attention,
    kernel_fusion=_base_.tiny_attention,
    track_head=dict(embed=dict(channels=_base_.tiny_channels, init_cfg=_base_.small_weights)),
)
