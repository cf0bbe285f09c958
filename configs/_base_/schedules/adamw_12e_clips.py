"""The schedule of `adamw_12e.py` with the milestones and the batch of clips (released settings)."""

_base_ = "./adamw_12e.py"

param_scheduler = [
    _base_.warmup,
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=12, milestones=[8, 11], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=16)
