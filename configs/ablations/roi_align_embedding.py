"""Table 7b, "RoI-Align": K-Net with an embedding of the box around each mask.

Command:   tools/dist_train.sh configs/ablations/roi_align_embedding.py 8
Expected:  AQ 68.8, STQ 69.1 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(
    kernel_linking=None,
    kernel_fusion=None,
    track_head=dict(embed=dict(type="RoIAlignEmbedding", num_fcs=1)),
)
