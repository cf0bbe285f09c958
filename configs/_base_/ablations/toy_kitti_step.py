"""Toy base of the ablations: the full method on look-alikes in KITTI-STEP's layout, on one core in two minutes.

It starts from `toy_kitti_step_pretraining.py` with the same seed (`load_from`), as the paper's models start from K-Net.
"""

_base_ = ["../../quickstart/kitti_step.py"]

world = dict(
    kind="appearance",
    difficulty=0.5,
    videos=dict(train=100, val=10, test=1),
    frames=dict(train=8, val=20, test=1),
)
train_dataloader = dict(batch_size=2)

epochs = 2
optim_wrapper = dict(optimizer=dict(lr=5e-4))
model = dict(supervision=dict(stride=4))
param_scheduler = [
    _base_.warmup,
    dict(type="CosineAnnealingLR", begin=0, end=epochs, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
default_hooks = dict(checkpoint=dict(interval=1, save_best=None))
