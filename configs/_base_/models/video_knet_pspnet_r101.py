"""Video K-Net on PSPNet with dilated ResNet-101: MMSegmentation's settings of K-Net on ADE20K, with fusion and linking.

Without linking and fusion it is K-Net on each frame, without the decoder PSPNet. Needs `model.labels` from the dataset.
"""

sync_bn = "torch"  # of several processes, the statistics of a batch are those of all
norm = dict(type="BN", requires_grad=True)
channels = 512
attention = dict(channels=channels, num_heads=8, ffn_channels=2048)
grouped = dict(type="GroupedKernelUpdate", group_channels=256)
own = dict(type="OwnKernelAttention")  # kernel i is class i in both frames
# MMSegmentation's containers do not hand the initialisation on: its stages keep torch's, which this is, but for the
# transformation of the features, a ConvModule of MMCV, which draws its own weights.
torch_weights = dict(
    type="Kaiming",
    layer="Linear",
    a=5**0.5,
    mode="fan_in",
    nonlinearity="leaky_relu",
    distribution="uniform",
    override=dict(type="Kaiming", name="pixel_layer", mode="fan_out", nonlinearity="relu", distribution="normal"),
)

model = dict(
    type="VideoSegmentor",
    # Not padded: what is pooled over the image would change.
    data_preprocessor=dict(type="ClipDataPreprocessor", pad_size_divisor=1),
    backbone=dict(
        type="mmseg.ResNetV1c",
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=norm,
        norm_eval=False,
        style="pytorch",
        contract_dilation=True,
        init_cfg=dict(type="Pretrained", checkpoint="open-mmlab://resnet101_v1c"),
    ),
    kernel_head=dict(
        type="ClassKernelHead",
        head=dict(
            type="mmseg.PSPHead",
            in_channels=2048,
            in_index=3,
            channels=channels,
            pool_scales=(1, 2, 3, 6),
            dropout_ratio=0.1,
            norm_cfg=norm,
        ),
    ),
    auxiliary_head=dict(
        type="mmseg.FCNHead",
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        norm_cfg=norm,
    ),
    decoder=dict(
        type="KernelDecoder",
        num_stages=3,
        link_stages=(2,),
        stage=dict(
            type="KernelUpdateStage",
            assembling=dict(type="SoftAssembling"),
            update=grouped,
            init_cfg=torch_weights,
            **attention,
        ),
    ),
    kernel_linking=dict(type="KernelLinking", attention=own, **attention),
    kernel_fusion=dict(type="KernelFusion", update=grouped, attention=own, **attention),
    ref_loss=dict(type="ReferenceLoss", loss_weight=1.0),
    supervision=dict(
        type="ClassSupervision",
        loss=dict(type="SemanticCrossEntropyLoss", loss_weight=1.0),
        auxiliary_loss=dict(type="SemanticCrossEntropyLoss", loss_weight=0.4),
    ),
    windows=dict(type="WholeImage"),
)
