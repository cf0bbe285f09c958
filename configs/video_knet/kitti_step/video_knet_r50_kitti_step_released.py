"""The authors' released ResNet-50 model of KITTI-STEP: linking only, their boxes and draws of reference frames.

It is the "+KL" row of Table 7a rather than the last one. Their released checkpoint loads as it is. Their code writes
class 0 where no segment is; `model.void_id=0` does that, too.

Command:   tools/dist_test.sh configs/video_knet/kitti_step/video_knet_r50_kitti_step_released.py CHECKPOINT 8
Expected:  STQ 0.702, AQ 0.712, SQ 0.697 (the paper's; not measured here)
"""

_base_ = ["./video_knet_r50_kitti_step.py"]

model = dict(kernel_fusion=None, track_boxes=dict(type="ReleasedSemanticBoxes"))

train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.frame_transforms),
    dict(type="RequireSharedInstance"),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=dict(type="ReleasedReferenceSampler")))
