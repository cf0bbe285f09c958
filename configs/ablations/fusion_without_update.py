"""Table 7f, "w/o Update": previous kernels are fused as they are.

Command:   tools/dist_train.sh configs/ablations/fusion_without_update.py 8
Expected:  STQ 67.1, AQ 66.2, SQ 68.3 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(kernel_fusion=dict(update=None))
