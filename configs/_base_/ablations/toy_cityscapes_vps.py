"""Toy base of the ablations in Cityscapes-VPS's layout: longer held-out videos, of which every fifth frame is labelled.

All frames for training are labelled, in the layout as in the data, so they are as many as in KITTI-STEP's.
"""

_base_ = ["./toy_kitti_step.py"]

dataset = dict(format="cityscapes_vps", data_root="{{$CITYSCAPES_VPS_ROOT:work_dirs/ablations/cityscapes_vps}}")
world = dict(format="cityscapes_vps", frames=dict(val=30))
model = dict(labels=dict(format="cityscapes_vps"), kernel_fusion=None)
train_dataloader = dict(dataset=dict(**dataset, ref_sampler=dict(window=(-1, 1))))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
val_evaluator = dict(type="CityscapesVpsMetric")
test_evaluator = val_evaluator
