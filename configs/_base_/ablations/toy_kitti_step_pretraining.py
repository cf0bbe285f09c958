"""K-Net on the toy world in KITTI-STEP's layout: what `toy_kitti_step.py` starts from."""

_base_ = ["./toy_kitti_step.py", "./toy_pretraining.py"]

model = _base_.knet
param_scheduler = _base_.pretraining_scheduler
train_cfg = _base_.pretraining
