"""Every shipped config loads, builds at full size, and takes a training step and a validation step on small images."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper

import video_knet.datasets
import video_knet.metrics
import video_knet.models  # noqa: F401
from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.parts)
SHRUNK = (192, 64)  # width, height of training images


def shrink(cfg: Config) -> Config:
    """No download, small training images; nothing else changes."""
    cfg.model.backbone.init_cfg = None
    for transform in cfg.train_dataloader.dataset.pipeline[0].transforms:
        if transform.type == "RandomResize":
            transform.scale = SHRUNK
        if transform.type == "RandomCrop":
            transform.crop_size = SHRUNK
    return cfg


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_config_trains_and_validates(path, world, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(world))
    cfg = shrink(Config.fromfile(path))
    assert cfg.custom_imports.imports
    model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.train().data_preprocessor(pseudo_collate([dataset[0], dataset[5]]), training=True)
    before = [value.clone() for value in model.parameters()]

    loss, _ = model.parse_losses(model(**batch, mode="loss"))
    loss.backward()

    assert torch.isfinite(loss)
    idle = [name for name, value in model.named_parameters() if value.requires_grad and value.grad is None]
    assert not idle, "parameters without gradient should not exist"
    optimizer.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))

    val = DATASETS.build(cfg.val_dataloader.dataset)
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = val.metainfo
    model.eval()
    for index in range(len(val)):
        batch = pseudo_collate([val[index]])
        with torch.no_grad():
            metric.process(batch, [sample.to_dict() for sample in model.val_step(batch)])
    scores = metric.evaluate(len(val))
    assert cfg.default_hooks.checkpoint.save_best in scores


def test_leaves_are_short_and_say_what_they_are():
    for path in CONFIGS:
        text = path.read_text()
        assert text.startswith('"""'), f"{path}: a leaf starts with what it is"
        assert "Command:" in text, f"{path}: the command is missing"
        assert "Expected:" in text, f"{path}: the expected score, and whether it was measured, is missing"
