"""Table 1, "K-Net" on Cityscapes-VPS: the tracker compares the kernels of the last stage as they are.

Command:   tools/dist_train.sh configs/ablations/knet_cityscapes_vps.py 8
Expected:  VPQ 54.3 (the paper's; not measured here at this size)
"""

_base_ = [
    "{{$ABLATION_BASE:../video_knet/cityscapes_vps/video_knet_r50_cityscapes_vps.py}}",
    "../_base_/ablations/knet.py",
]

model = _base_.knet
