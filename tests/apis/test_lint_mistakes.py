"""Each mistake that is planted in a config is found, with its key and the remedy."""

import pytest

from tests.lint_cases import MY_DATA, leaf, lint, no_data  # noqa: F401
from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from video_knet.apis.lint.finding import FAULT, WARNING

PLANTED = [
    ("train_dataloader = dict(batch_size=0)", "train_dataloader.batch_size", FAULT, "1 or more"),
    (
        "train_dataloader = dict(dataset=dict(split='trian'))",
        "train_dataloader.dataset.split",
        FAULT,
        "use one of: train",
    ),
    (
        "val_dataloader = dict(dataset=dict(format='vipseg', split='vall'))",
        "val_dataloader.dataset.split",
        WARNING,
        "Write 'val'",
    ),
    ("trian_cfg = dict(max_epochs=2)", "trian_cfg", FAULT, "Write 'train_cfg'"),
    ("my_note = 3", "my_note", FAULT, "no file refers to it"),
    ("image_scale = (640, 192)", "image_scale", FAULT, "only kitti_step.py reads, which runs on its own"),
    ("train_dataloader = dict(num_worker=2)", "train_dataloader.num_worker", FAULT, "Write 'num_workers'"),
    ("randomness = dict(sed=1)", "randomness.sed", FAULT, "Write 'seed'"),
    ("model = dict(decoder=dict(link_stage=(1,)))", "model.decoder.link_stage", FAULT, "Write 'link_stages'"),
    ("model = dict(kernel_linkin=None)", "model.kernel_linkin", FAULT, "Write 'kernel_linking'"),
    ("model = dict(tracker=dict(match_thresh=0.5))", "model.tracker.match_thresh", FAULT, "Write 'match_thr'"),
    ("model = dict(tracker=dict(type='QuasiDenseTraker'))", "model.tracker.type", FAULT, "Write 'QuasiDenseTracker'"),
    (
        "train_dataloader = dict(dataset=dict(ref_sampler=dict(windows=(-1, 1))))",
        "train_dataloader.dataset.ref_sampler.windows",
        FAULT,
        "unknown argument 'windows' of ReferenceSampler",
    ),
    (
        "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomFlop'), dict(type='PackClipInputs')]))",
        "train_dataloader.dataset.pipeline[0].type",
        FAULT,
        "'RandomFlip'",
    ),
    (
        "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop')",
        "train_cfg",
        FAULT,
        "argument max_epochs of EpochBasedTrainLoop missing",
    ),
    ("default_hooks = dict(checkpoints=dict(interval=1))", "default_hooks.checkpoints", FAULT, "Write 'checkpoint'"),
    ("optim_wrapper = dict(optimizer=dict(weight_deca=0.1))", "optim_wrapper.optimizer.weight_deca", FAULT, "_decay'"),
    ("load_from = 'nowhere.pth'", "load_from", FAULT, "nowhere.pth does not exist"),
    ("resume = 'nowhere.pth'", "resume", FAULT, "must be True or False"),
    (
        "model = dict(backbone=dict(init_cfg=dict(_delete_=True, type='Pretrained', checkpoint='nowhere.pth')))",
        "model.backbone.init_cfg.checkpoint",
        FAULT,
        "nowhere.pth does not exist",
    ),
    (
        "model = dict(backbone=dict(init_cfg=dict(_delete_=True, type='Kaiming', layer='Conv2d', "
        "override=dict(type='Kaimin', name='conv1'))))",
        "model.backbone.init_cfg.override.type",
        FAULT,
        "Write 'Kaiming'",
    ),
    ("model = dict(labels=dict(format='vipseg'))", "train_dataloader.dataset.format", FAULT, "has 2 things and 17"),
    (
        "model = dict(labels=dict(_delete_=True, type='LabelSpace', num_things=2, num_stuff=17))",
        "train_dataloader.dataset.format",
        FAULT,
        "in another order",
    ),
    ("train_dataloader = dict(dataset=dict(format='kitti'))", "train_dataloader.dataset.format", FAULT, "not known"),
    ("val_evaluator = dict(type='VipsegMetric')", "val_evaluator.type", FAULT, "measures 'vipseg'"),
    (
        "val_evaluator = dict(type='ImagePanopticMetric', dataset='coco-panoptic')",
        "val_evaluator.dataset",
        FAULT,
        "measures 'coco-panoptic'",
    ),
    (
        "param_scheduler = [dict(type='MultiStepLR', by_epoch=True, end=8, milestones=[6, 9])]",
        "param_scheduler[0].milestones",
        FAULT,
        "[9] are never reached",
    ),
    ("train_cfg = dict(max_epochs=12)", "param_scheduler[1].end", WARNING, "ends at epoch 8"),
    ("train_cfg = dict(val_interval=20)", "train_cfg.val_interval", WARNING, "only the last epoch"),
    ("train_cfg = dict(val_begin=20)", "train_cfg.val_begin", FAULT, "nothing is validated"),
    ("val_cfg = None", "val_cfg", FAULT, "is missing"),
    (
        "val_dataloader = dict(sampler=dict(type='DefaultSampler', shuffle=False))",
        "val_dataloader.sampler.type",
        FAULT,
        "WholeVideoSampler",
    ),
    ("val_dataloader = dict(batch_size=2)", "val_dataloader.batch_size", FAULT, "Set it to 1"),
    ("custom_hooks = [dict(type='EpochSeedHook')]", "custom_hooks", FAULT, "PlainCheckpointHook is missing"),
    (
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=2,"
        " dataset=_base_.train_dataloader.dataset))",
        "train_dataloader.dataset.type",
        FAULT,
        "Set `repeats`",
    ),
    (
        "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=100)",
        "train_cfg.type",
        FAULT,
        "needs epochs",
    ),
    (
        "model = dict(data_preprocessor=dict(type='DetDataPreprocessor'))",
        "train_dataloader.dataset.pipeline",
        FAULT,
        "packs clips",
    ),
]


@pytest.mark.parametrize(("text", "key", "severity", "words"), PLANTED, ids=[entry[1] for entry in PLANTED])
def test_planted_mistake_is_found(text, key, severity, words, tmp_path):
    found = [each for each in lint(leaf(tmp_path, text), build=False) if each.key == key]
    assert [each.severity for each in found] == [severity]
    assert words in str(found[0])


BUILT = [
    ("default_hooks = dict(checkpoint=dict(save_best='PQ'))", "default_hooks.checkpoint.save_best", FAULT, "VPQ"),
    ("model = dict(decoder=dict(stage=dict(num_heads=7)))", "model.decoder.stage", FAULT, "divisible"),
    ("model = dict(decoder=dict(link_stages=(9,)))", "model.decoder", FAULT, "9"),
    (
        "optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(bakbone=dict(lr_mult=0.1))))",
        "optim_wrapper.paramwise_cfg.custom_keys.bakbone",
        WARNING,
        "Write 'backbone'",
    ),
    (
        "train_dataloader = dict(dataset=dict(ref_sampler=dict(window=(0, 0))))",
        "train_dataloader.dataset.ref_sampler",
        FAULT,
        "nothing to draw",
    ),
    ("model = dict(neck=dict(_delete_=True, type='FPN', num_outs=4))", "model.neck", FAULT, "'in_channels'"),
    ("model = dict(neck=dict(num_outs=2))", "model.neck", FAULT, "`num_outs >= "),
    (
        "model = dict(neck=dict(in_channels=[256, 512, 1024]))",
        "model.neck",
        FAULT,
        "levels of 16, 32, 64 channels",
    ),
    ("model = dict(neck=dict(out_channels=96))", "model.kernel_head", FAULT, "levels of 96, 96, 96 channels"),
    ("optim_wrapper = dict(optimizer=dict(lr=-1))", "optim_wrapper.optimizer", FAULT, "Invalid learning rate"),
]


@pytest.mark.parametrize(("text", "key", "severity", "words"), BUILT, ids=[entry[1] for entry in BUILT])
def test_mistake_that_shows_when_building(text, key, severity, words, tmp_path):
    found = [each for each in lint(leaf(tmp_path, text)) if each.key == key]
    assert [each.severity for each in found] == [severity]
    assert words in str(found[0])


def test_names_that_a_format_may_know_need_no_finding(tmp_path):
    for split in ("val", "mine.txt", ["train", "val"]):
        text = f"val_dataloader = dict(dataset=dict(format='vipseg', split={split!r}))"
        assert not [found for found in lint(leaf(tmp_path, text), build=False) if found.key.endswith("split")]
