"""The authors' other Swin-L model of KITTI-STEP: linking of updated kernels, as with Swin-B, and two embedding layers.

Command:   tools/dist_test.sh configs/video_knet/kitti_step/video_knet_swin_l_kitti_step_released_update.py CHECKPOINT 8
Expected:  STQ 0.74, AQ 0.73, SQ 0.75, VPQ 0.56 (the paper's, which does not say for which of the two; not measured here)
"""

_base_ = ["./video_knet_swin_l_kitti_step_released.py"]

model = dict(
    kernel_linking=dict(_delete_=True, type="KernelFusion"),
    track_head=dict(embed=dict(num_fcs=2)),
)
