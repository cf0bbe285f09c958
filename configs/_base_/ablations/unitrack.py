"""What the row "K-Net + UniTrack" of Table 1 changes in Video K-Net, on any dataset."""

unitrack = dict(
    kernel_linking=None,
    kernel_fusion=None,
    track_head=dict(_delete_=True, type="FrozenAppearance", level=1),
    tracker=dict(_delete_=True, type="AppearanceMotionTracker"),
)
