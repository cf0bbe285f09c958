"""Loaders of video datasets: shuffled clips to train on, whole videos frame by frame to test on."""

test_pipeline = [
    dict(type="TransformBroadcaster", transforms=[dict(type="LoadImageFromFile")]),
    dict(type="PackClipInputs"),
]
train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="VideoDataset"),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="WholeVideoSampler"),
    dataset=dict(type="VideoDataset", pipeline=test_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
