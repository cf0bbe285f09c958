"""Table 1, "K-Net + UniTrack" on Cityscapes-VPS: association by frozen image features and motion.

Command:   tools/dist_train.sh configs/ablations/knet_unitrack_cityscapes_vps.py 8
Expected:  VPQ 53.2 (the paper's; not measured here at this size)
"""

_base_ = [
    "{{$ABLATION_BASE:../video_knet/cityscapes_vps/video_knet_r50_cityscapes_vps.py}}",
    "../_base_/ablations/unitrack.py",
]

model = {**_base_.unitrack, "track_head": dict(**_base_.unitrack.track_head, backbone=_base_.model.backbone)}
