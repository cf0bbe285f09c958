"""Video K-Net on DeepLabv3+ with dilated ResNet-101; all but the network's head is as on PSPNet."""

_base_ = ["./video_knet_pspnet_r101.py"]

head = dict(
    _delete_=True,
    type="mmseg.DepthwiseSeparableASPPHead",
    in_channels=2048,
    in_index=3,
    channels=_base_.channels,
    dilations=(1, 12, 24, 36),
    c1_in_channels=256,
    c1_channels=48,
    dropout_ratio=0.1,
    norm_cfg=_base_.norm,
)
model = dict(kernel_head=dict(head=head))
