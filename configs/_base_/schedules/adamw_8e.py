"""The schedule of `adamw_12e.py` over 8 epochs (released settings)."""

_base_ = "./adamw_12e.py"

param_scheduler = [
    _base_.warmup,
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=8, milestones=[7], gamma=0.1),
]
train_cfg = dict(max_epochs=8)
