"""The authors' Swin-B model of KITTI-STEP: fusion, linking of updated kernels, their boxes and draws of frames.

Linking first updates the previous kernels with what the current frame shows, as fusion does. Their released checkpoint
loads as it is. Their code writes class 0 where no segment is; `model.void_id=0` does that, too.

Command:   tools/dist_test.sh configs/video_knet/kitti_step/video_knet_swin_b_kitti_step_released.py CHECKPOINT 8
Expected:  STQ 0.73, AQ 0.72, SQ 0.73, VPQ 0.53 (the paper's; not measured here)
"""

_base_ = ["./video_knet_swin_b_kitti_step.py"]

model = dict(
    kernel_linking=dict(_delete_=True, type="KernelFusion"),
    track_boxes=dict(type="ReleasedSemanticBoxes"),
)

train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.frame_transforms),
    dict(type="RequireSharedInstance"),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=dict(type="ReleasedReferenceSampler")))
