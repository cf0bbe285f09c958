"""Deformable attention in place of the FPN (released settings); channels stay those of the model."""

neck = dict(type="DeformableNeck", num_layers=6, num_heads=8, num_points=4, ffn_channels=1024)
