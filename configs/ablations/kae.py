"""Table 7a, "KAE", and Table 7c, "GT-based": kernels are embedded for association, neither linked nor fused.

Command:   tools/dist_train.sh configs/ablations/kae.py 8
Expected:  STQ 69.3, AQ 69.0, SQ 69.8 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(kernel_linking=None, kernel_fusion=None)
