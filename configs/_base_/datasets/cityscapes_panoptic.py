"""Cityscapes with its eight things, so that Cityscapes-VPS can start from it; data and crop of `cityscapes_step.py`.

Scales are the released ones, half to double size.
"""

_base_ = "./cityscapes_step.py"

dataset = dict(format="cityscapes_panoptic")

train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(dataset="cityscapes-panoptic")
test_evaluator = val_evaluator
