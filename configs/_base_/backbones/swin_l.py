"""Swin-L, pre-trained on ImageNet-22k, and the channels of its levels; drop path as released."""

url = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_large_patch4_window7_224_22k.pth"
backbone = dict(
    _delete_=True,
    type="SwinTransformer",
    embed_dims=192,
    depths=(2, 2, 18, 2),
    num_heads=(6, 12, 24, 48),
    drop_path_rate=0.2,
    convert_weights=True,
    init_cfg=dict(type="Pretrained", checkpoint=url),
)
level_channels = [192, 384, 768, 1536]
