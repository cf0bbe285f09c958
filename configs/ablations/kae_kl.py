"""Table 7a, "KAE + KL": kernels are embedded and linked, not fused.

Command:   tools/dist_train.sh configs/ablations/kae_kl.py 8
Expected:  STQ 70.2, AQ 71.2, SQ 69.7 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(kernel_fusion=None)
