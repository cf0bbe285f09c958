"""Parts at toy size: a ResNet-18 of a quarter of the width without pretraining, 64 channels, 20 kernels.

Small enough to train on CPU in minutes.
"""

tiny_channels = 64
norm = dict(type="GN", num_groups=8)
# A short training from scratch cannot afford Xavier's masks, which start far from 1/2, nor embeddings that start near 0,
# where their products teach nothing. This is torch's default.
small_weights = dict(
    type="Kaiming", layer="Linear", a=5**0.5, mode="fan_in", nonlinearity="leaky_relu", distribution="uniform"
)
tiny_attention = dict(channels=tiny_channels, num_heads=4, ffn_channels=128)

backbone = dict(depth=18, base_channels=16, frozen_stages=-1, norm_eval=False, init_cfg=None)
neck = dict(in_channels=[16, 32, 64, 128], out_channels=tiny_channels)
kernel_head = dict(
    num_kernels=20,
    channels=tiny_channels,
    norm_cfg=norm,
    semantic_fpn=dict(in_channels=tiny_channels, norm_cfg=norm),
)
stage = dict(class_prior=0.3, init_cfg=small_weights, **tiny_attention)
