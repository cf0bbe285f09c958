"""The authors' released ResNet-50 model of KITTI-STEP: linking only, and their way to draw reference frames.

It is the "+KL" row of Table 7a rather than the last one; unassigned pixels become class 0 as in their code.

Command:   tools/dist_test.sh configs/video_knet/kitti_step/video_knet_r50_kitti_step_released.py CHECKPOINT 8
Expected:  STQ 0.702, AQ 0.712, SQ 0.697 (the paper's; not measured here)
"""

_base_ = ["./video_knet_r50_kitti_step.py"]

model = dict(kernel_fusion=None, void_id=0)
train_dataloader = dict(
    dataset=dict(
        ref_sampler=dict(type="ReleasedReferenceSampler"),
    )
)
