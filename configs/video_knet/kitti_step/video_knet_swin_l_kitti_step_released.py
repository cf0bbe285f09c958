"""The authors' Swin-L model of KITTI-STEP: fusion, linking, one embedding layer, their boxes and draws of frames.

It is the one of their two Swin-L configs that runs as they shipped it; `..._released_update.py` is the other. Their
checkpoint loads as it is. Their code writes class 0 where no segment is; `model.void_id=0` does that, too.

Command:   tools/dist_test.sh configs/video_knet/kitti_step/video_knet_swin_l_kitti_step_released.py CHECKPOINT 8
Expected:  STQ 0.74, AQ 0.73, SQ 0.75, VPQ 0.56 (the paper's; not measured here)
"""

_base_ = ["./video_knet_swin_l_kitti_step.py"]

model = dict(
    track_head=dict(embed=dict(num_fcs=1)),
    track_boxes=dict(type="ReleasedSemanticBoxes"),
)

train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.frame_transforms),
    dict(type="RequireSharedInstance"),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=dict(type="ReleasedReferenceSampler")))
