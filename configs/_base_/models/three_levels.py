"""A pyramid without a level of stride 32, for toy models on images of about 96x192.

There such a level has 3x6 cells, and drowns what objects look like (docs/ablations.md).
"""

three_levels = dict(
    backbone=dict(num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(0, 1, 2)),
    neck=dict(in_channels=[16, 32, 64], num_outs=3),
    kernel_head=dict(semantic_fpn=dict(num_levels=3)),
)
