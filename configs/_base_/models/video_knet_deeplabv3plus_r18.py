"""Video K-Net on DeepLabv3+ with dilated ResNet-18."""

_base_ = ["./video_knet_deeplabv3plus_r101.py", "./segmentor_r18_parts.py"]


model = dict(
    kernel_head=dict(
        head=dict(in_channels=512, channels=_base_.r18_channels, c1_in_channels=64, c1_channels=12),
    ),
    **_base_.r18_model,
)
