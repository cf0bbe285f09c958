"""The whole path at toy size on the synthetic world in VIPSeg's layout, with its 124 classes.

Command:   make quickstart DATASET=vipseg
Expected:  see docs/results.md
"""

_base_ = ["./kitti_step.py"]

dataset = dict(format="vipseg", data_root="{{$VIPSEG_ROOT:work_dirs/quickstart/vipseg/data}}")
world = dict(format="vipseg")
model = dict(labels=dict(format="vipseg"))

train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(type="VipsegMetric")
test_evaluator = val_evaluator
