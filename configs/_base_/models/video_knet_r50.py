"""Video K-Net with ResNet-50 and FPN: all three parts of the paper, linking and fusion in the last stage.

Needs `model.labels` from the dataset.
"""

_base_ = ["./knet_r50.py"]

channels = 256
attention = dict(channels=channels, num_heads=8, ffn_channels=2048)

model = dict(
    type="VideoKNet",
    data_preprocessor=dict(type="ClipDataPreprocessor"),
    kernel_head=dict(semantic_prior=None),
    decoder=dict(link_stages=(2,)),
    kernel_linking=dict(type="KernelLinking", **attention),
    kernel_fusion=dict(type="KernelFusion", update=dict(type="AdaptiveKernelUpdate"), **attention),
    track_head=dict(
        type="TrackHead",
        embed=dict(type="KernelEmbedding", channels=channels, num_fcs=2),
        sampler=dict(type="MatchedKernelSampler"),
        loss_contrast=dict(type="MultiPosCrossEntropyLoss", loss_weight=0.25),
        loss_aux=dict(type="AssociationL2Loss", loss_weight=1.0),
    ),
    tracker=dict(
        type="QuasiDenseTracker",
        similarity="bidirectional_softmax",
        match_thr=0.5,
        object_thr=0.3,
        new_thr=0.35,
        duplicate_iou=0.7,
        low_score=0.3,
        backdrop_iou=0.3,
        memory_frames=5,
        backdrop_frames=1,
        momentum=0.8,
    ),
    ref_loss=dict(type="ReferenceLoss", loss_weight=1.0),
    supervision=dict(
        stride=2,
        semantic_loss=dict(_delete_=True, type="SemanticCrossEntropyLoss", loss_weight=1.0),
        stage_loss=dict(loss_rank=None),
    ),
    merging=dict(score_thr=0.25),
)
