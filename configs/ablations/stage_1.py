"""Table 7d, "1": kernels are linked and fused in the first of three stages.

Command:   tools/dist_train.sh configs/ablations/stage_1.py 8
Expected:  STQ 66.9, AQ 63.4, SQ 67.3 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(decoder=dict(link_stages=(0,)))
