"""Swin-B, pre-trained on ImageNet-22k, and the channels of its levels; drop path as released."""

url = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_base_patch4_window7_224_22k.pth"
backbone = dict(
    _delete_=True,
    type="SwinTransformer",
    embed_dims=128,
    depths=(2, 2, 18, 2),
    num_heads=(4, 8, 16, 32),
    drop_path_rate=0.3,
    convert_weights=True,
    init_cfg=dict(type="Pretrained", checkpoint=url),
)
level_channels = [128, 256, 512, 1024]
