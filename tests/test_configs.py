"""Every shipped config loads, and takes a training step and a validation step with a small backbone on small images.

That each one builds at full size, and holds no unknown key, is tested in tests/apis/test_lint.py. Ablations have their
own tests, tests/test_ablations.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.utils import import_modules_from_strings

from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from video_knet.formats import get_format
from video_knet.preparation.minival import make_minival
from video_knet.synthetic import World, write_world

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.py") if not {"_base_", "ablations"} & {*path.parts})
SHRUNK = (96, 48)  # width, height of training images
SMALL_BACKBONES = {
    "ResNet": dict(base_channels=16, init_cfg=None),
    "SwinTransformer": dict(embed_dims=16, depths=(1, 1, 1, 1), num_heads=(1, 2, 4, 8), init_cfg=None),
    "mmseg.ResNetV1c": dict(depth=18, stem_channels=16, base_channels=16, init_cfg=None),
}
SMALL_LEVELS = {
    "ResNet": [64, 128, 256, 512],
    "SwinTransformer": [16, 32, 64, 128],
    "mmseg.ResNetV1c": [16, 32, 64, 128],
}
FEW_CHANNELS = dict(channels=64, group_channels=32, ffn_channels=64)
ROOT_VARIABLES = (  # data roots that configs read, and the format of what is there
    ("KITTI_STEP_ROOT", "kitti-step"),
    ("CITYSCAPES_VPS_ROOT", "cityscapes-vps"),
    ("VIPSEG_ROOT", "vipseg"),
    ("VSPW_ROOT", "vspw"),
    ("YOUTUBE_VIS_2019_ROOT", "youtube-vis-2019"),
    ("YOUTUBE_VIS_2021_ROOT", "youtube-vis-2021"),
    ("YOUTUBE_VIS_ROOT", "youtube-vis"),
    ("CITYSCAPES_ROOT", "cityscapes-panoptic"),
    ("COCO_ROOT", "coco-panoptic"),
    ("MAPILLARY_ROOT", "mapillary"),
)


@pytest.fixture(scope="session")
def world_of(tmp_path_factory, world):
    """Root of a tiny world in a format's layout; each is made once."""
    roots = {"kitti-step": world}

    def make(name: str) -> Path:
        if name not in roots:
            style, roots[name] = get_format(name), tmp_path_factory.mktemp("worlds") / name
            counts = {"train": 2, "val": 1}
            write_world(roots[name], style, World(style.classes, (48, 96), frames=5, seed=3), counts)
            if name == "youtube-vis-2019":
                make_minival(roots[name], every=2)
        return roots[name]

    return make


def shrink(cfg: Config) -> Config:
    """No download, a small backbone, small images; nothing else changes."""
    backbone = cfg.model.backbone
    if backbone.get("base_channels", 64) == 64:
        backbone.update(SMALL_BACKBONES[backbone.type])
        set_levels(cfg.model, SMALL_LEVELS[backbone.type])
    for transform in transforms_in(cfg.train_dataloader.dataset.pipeline + cfg.val_dataloader.dataset.pipeline):
        if transform.type == "Resize":
            transform.scale = SHRUNK
        if transform.type == "RandomResize":
            transform.scale = SHRUNK
            transform.ratio_range = (0.5, 2.0)
        if transform.type == "RandomChoiceResize":
            transform.scales = [SHRUNK]
        if transform.type == "RandomCrop" and isinstance(transform.crop_size[0], int):
            transform.crop_size = SHRUNK
    return cfg


def set_levels(model: ConfigDict, channels: list[int]) -> None:
    """Tell what reads a backbone's levels how many channels they have; heads of MMSegmentation get few of their own."""
    if "neck" in model:
        model.neck.in_channels = channels
        return
    for part in parts_in(model):
        part.update({name: value for name, value in FEW_CHANNELS.items() if name in part})
    for head in (model.kernel_head.head, model.auxiliary_head):
        head.in_channels = channels[head.in_index]
    if "c1_in_channels" in model.kernel_head.head:
        model.kernel_head.head.c1_in_channels = channels[0]


def parts_in(part: ConfigDict) -> Iterator[ConfigDict]:
    """A part and every part in it."""
    yield part
    for value in part.values():
        if isinstance(value, ConfigDict):
            yield from parts_in(value)


def transforms_in(pipeline: list) -> Iterator[ConfigDict]:
    """Every transform of a pipeline, those within others too."""
    for transform in pipeline:
        if isinstance(transform, list):
            yield from transforms_in(transform)
            continue
        yield transform
        yield from transforms_in(transform.get("transforms", []))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_config_trains_and_validates(path, world_of, monkeypatch):
    for variable, name in ROOT_VARIABLES:
        monkeypatch.setenv(variable, f"{name} is not this config's data")
    found = Config.fromfile(path).train_dataloader.dataset
    variable = next(v for v, name in ROOT_VARIABLES if name in found.data_root)
    monkeypatch.setenv(variable, str(world_of(found.format.replace("_", "-"))))

    cfg = shrink(Config.fromfile(path))
    import_modules_from_strings(**cfg.custom_imports)
    model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.train().data_preprocessor(pseudo_collate([dataset[0], dataset[len(dataset) - 1]]), training=True)
    before = [value.clone() for value in model.parameters()]

    loss, _ = model.parse_losses(model(**batch, mode="loss"))
    loss.backward()

    assert torch.isfinite(loss)
    idle = [name for name, value in model.named_parameters() if value.requires_grad and value.grad is None]
    assert not idle, "parameters without gradient should not exist"
    optimizer.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert_validates(cfg, model.eval())


def assert_validates(cfg: Config, model: torch.nn.Module) -> None:
    val = DATASETS.build(cfg.val_dataloader.dataset)
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = val.metainfo
    for index in range(len(val)):
        batch = pseudo_collate([val[index]])
        with torch.no_grad():
            metric.process(batch, [sample.to_dict() for sample in model.val_step(batch)])
    scores = metric.evaluate(len(val))
    best = cfg.default_hooks.checkpoint.get("save_best")
    assert best in scores if best else scores


def test_leaves_are_short_and_say_what_they_are():
    for path in CONFIGS:
        text = path.read_text()
        assert text.startswith('"""'), f"{path}: a leaf starts with what it is"
        assert "Command:" in text, f"{path}: the command is missing"
        assert "Expected:" in text, f"{path}: the expected score, and whether it was measured, is missing"
