"""Tables 1, 7a, 7c and 7f, "K-Net": the tracker compares the kernels of the last stage as they are.

Command:   tools/dist_train.sh configs/ablations/knet.py 8
Expected:  STQ 67.5, AQ 65.5, SQ 68.9 (the paper's; not measured here at this size)
"""

_base_ = [
    "{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}",
    "../_base_/ablations/knet.py",
]

model = _base_.knet
