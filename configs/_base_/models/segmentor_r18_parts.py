"""Light parts of semantic segmentation networks: ResNet-18, as MMSegmentation has it, and 128 channels."""

r18_channels = 128
r18_attention = dict(channels=r18_channels, ffn_channels=512)
r18_update = dict(group_channels=r18_channels // 2)
r18_model = dict(
    backbone=dict(depth=18, init_cfg=dict(checkpoint="open-mmlab://resnet18_v1c")),
    auxiliary_head=dict(in_channels=256, channels=64),
    decoder=dict(stage=dict(update=r18_update, **r18_attention)),
    kernel_linking=r18_attention,
    kernel_fusion=dict(update=r18_update, **r18_attention),
)
