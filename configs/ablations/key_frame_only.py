"""Table 7e, "only train the key frame": the reference frame is given, not learned from.

Command:   tools/dist_train.sh configs/ablations/key_frame_only.py 8
Expected:  STQ 70.1, AQ 70.1, SQ 69.8 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(ref_loss=None)
