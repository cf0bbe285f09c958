"""Table 1, "K-Net + UniTrack": association by frozen image features and motion.

The features are those of a second backbone like the first one, with the weights that it starts from.

Command:   tools/dist_train.sh configs/ablations/knet_unitrack.py 8
Expected:  STQ 65.1, AQ 64.3, SQ 68.9 (the paper's; not measured here at this size)
"""

_base_ = [
    "{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}",
    "../_base_/ablations/unitrack.py",
]

model = {**_base_.unitrack, "track_head": dict(**_base_.unitrack.track_head, backbone=_base_.model.backbone)}
