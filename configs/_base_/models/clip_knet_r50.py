"""Clip-level Video K-Net with ResNet-50 and FPN: image K-Net for instances, and three stages over the frames of a clip.

Needs `model.labels` from the dataset.
"""

_base_ = ["./knet_r50.py"]

model = dict(
    type="ClipKNet",
    data_preprocessor=dict(type="ClipDataPreprocessor"),
    clip_decoder=dict(type="ClipDecoder", num_gathering=2),
    window=None,  # the whole video; a number of frames bounds the memory
    stitcher=dict(type="WindowStitcher", overlap=2, match_thr=0.5),
    supervision=dict(
        assigner=dict(mask_floor=0.0, dice_floor=0.0),
        initial_loss=dict(loss_rank=None),
        stage_loss=dict(loss_rank=None),
    ),
    merging=dict(_delete_=True, type="InstanceMerging", max_per_image=10),
)
