"""The authors' released Swin-B model of VIPSeg: linking only, their boxes and draws of reference frames.

Their released checkpoint loads as it is. Their code writes class 0 (wall) where no segment is; `model.void_id=0` does
that, too. It pads images before it normalises them; here the padding is 0 behind the normalisation.

Command:   tools/dist_test.sh configs/video_knet/vipseg/video_knet_swin_b_vipseg_released.py CHECKPOINT 8
Expected:  STQ 0.463, VPQ 0.398 (the paper's; not measured here)
"""

_base_ = ["./video_knet_swin_b_vipseg.py"]

model = dict(kernel_fusion=None, track_boxes=dict(type="ReleasedSemanticBoxes"))

train_pipeline = [
    dict(type="TransformBroadcaster", share_random_params=True, transforms=_base_.frame_transforms),
    dict(type="RequireSharedInstance"),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, ref_sampler=dict(type="ReleasedReferenceSampler")))
