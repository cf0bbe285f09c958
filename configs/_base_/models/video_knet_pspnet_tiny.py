"""Video K-Net on PSPNet at toy size: a ResNet-18 of a quarter of the width without pretraining, 64 channels."""

_base_ = ["./video_knet_pspnet_r18.py"]

tiny_attention = dict(channels=64, num_heads=4, ffn_channels=128)
tiny_update = dict(group_channels=32)

model = dict(
    backbone=dict(stem_channels=16, base_channels=16, init_cfg=None),
    kernel_head=dict(head=dict(in_channels=128, channels=64)),
    auxiliary_head=dict(in_channels=64, channels=32),
    decoder=dict(stage=dict(update=tiny_update, **tiny_attention)),
    kernel_linking=tiny_attention,
    kernel_fusion=dict(update=tiny_update, **tiny_attention),
    supervision=dict(stride=4),
)
