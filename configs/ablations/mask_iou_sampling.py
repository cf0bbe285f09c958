"""Table 7c, "sampling in [41]": every kernel close to an object or far from all of them learns the embedding.

Command:   tools/dist_train.sh configs/ablations/mask_iou_sampling.py 8
Expected:  STQ 63.1, AQ 62.1, SQ 64.3 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(
    kernel_linking=None,
    kernel_fusion=None,
    track_head=dict(sampler=dict(type="MaskIoUSampler", positive_iou=0.7, negative_iou=0.3)),
)
