"""K-Net with ResNet-50 and FPN: 100 thing kernels, one kernel per stuff class, 3 stages (released image settings).

Needs `model.labels` from the dataset.
"""

channels = 256
mask_losses = dict(
    loss_mask=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0),
    loss_dice=dict(type="DiceLoss", loss_weight=4.0),
    loss_rank=dict(type="CrossEntropyLoss", loss_weight=0.1),
)

model = dict(
    type="KNet",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
        pad_mask=True,
        pad_seg=True,
        seg_pad_value=255,
    ),
    backbone=dict(
        type="ResNet",
        depth=50,
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=True,
        zero_init_residual=False,
        init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50"),
    ),
    neck=dict(type="FPN", in_channels=[256, 512, 1024, 2048], out_channels=channels, num_outs=4),
    kernel_head=dict(
        type="KernelHead",
        num_kernels=100,
        channels=channels,
        semantic_fpn=dict(type="SemanticFPN", in_channels=channels),
        semantic_prior=0.01,
    ),
    decoder=dict(
        type="KernelDecoder",
        num_stages=3,
        stage=dict(type="KernelUpdateStage", channels=channels, num_heads=8, ffn_channels=2048),
    ),
    supervision=dict(
        type="DeepSupervision",
        stride=4,
        assigner=dict(type="MaskHungarianAssigner", class_weight=2.0, mask_weight=1.0, dice_weight=4.0),
        initial_loss=dict(type="SegmentLoss", **mask_losses),
        semantic_loss=dict(type="SemanticFocalLoss", loss_weight=1.0),
        stage_loss=dict(type="SegmentLoss", loss_cls=dict(type="FocalLoss", loss_weight=2.0), **mask_losses),
    ),
    merging=dict(type="JointMerging", score_thr=0.3, overlap_thr=0.6, max_per_image=100),
)
