"""The schedule of `adamw_12e.py` over 240 epochs, for Mapillary; where the rate drops is not published, and ours."""

_base_ = "./adamw_12e.py"

param_scheduler = [
    _base_.warmup,
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=240, milestones=[180, 220], gamma=0.1),
]
train_cfg = dict(max_epochs=240, val_interval=10)
