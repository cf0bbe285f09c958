"""The whole path at toy size on the synthetic world in the layout of Cityscapes-VPS: every fifth frame is labelled.

Command:   make quickstart DATASET=cityscapes_vps
Expected:  see docs/results.md
"""

_base_ = ["./kitti_step.py"]

dataset = dict(format="cityscapes_vps", data_root="{{$CITYSCAPES_VPS_ROOT:work_dirs/quickstart/cityscapes_vps/data}}")
world = dict(format="cityscapes_vps")
model = dict(labels=dict(format="cityscapes_vps"), kernel_fusion=None)

train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(type="CityscapesVpsMetric")
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best="VPQ"))
