"""AdamW with a step schedule and warm-up over 12 epochs (released settings)."""

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.05),
    constructor="SharedSettingsConstructor",
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.25)}),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)
warmup = dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=1000)
param_scheduler = [
    warmup,
    dict(type="MultiStepLR", by_epoch=True, begin=0, end=12, milestones=[9, 11], gamma=0.1),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=12, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
auto_scale_lr = dict(enable=False, base_batch_size=8)
