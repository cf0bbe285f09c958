"""The schedule of `adamw_toy_8e.py` over 4 epochs, for twice as many frames."""

_base_ = "./adamw_toy_8e.py"

max_epochs = 4
param_scheduler = [
    _base_.warmup,
    dict(type="CosineAnnealingLR", by_epoch=True, begin=0, end=max_epochs, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
