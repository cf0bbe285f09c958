"""Table 7d, "2": kernels are linked and fused in the second of three stages.

Command:   tools/dist_train.sh configs/ablations/stage_2.py 8
Expected:  STQ 68.5, AQ 68.2, SQ 69.3 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(decoder=dict(link_stages=(1,)))
