"""AdamW with a cosine over 8 epochs, for small models that start from nothing."""

max_epochs = 8
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)
warmup = dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=50)
param_scheduler = [
    warmup,
    dict(type="CosineAnnealingLR", by_epoch=True, begin=0, end=max_epochs, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
auto_scale_lr = dict(enable=False, base_batch_size=4)  # that of the quickstart, on one process
