"""What the toy bases start from: K-Net, without anything that sees another frame, with a longer schedule."""

_base_ = ["./knet.py"]

pretraining_epochs = 3
pretraining_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", begin=0, end=pretraining_epochs, eta_min=1e-5, convert_to_iter_based=True),
]
pretraining = dict(max_epochs=pretraining_epochs, val_interval=pretraining_epochs)
