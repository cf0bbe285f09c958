"""K-Net on the toy world in Cityscapes-VPS's layout: what `toy_cityscapes_vps.py` starts from."""

_base_ = ["./toy_cityscapes_vps.py", "./toy_pretraining.py"]

model = _base_.knet
param_scheduler = _base_.pretraining_scheduler
train_cfg = _base_.pretraining
