"""Configs printed in the docs work as they stand: each is saved under the name in its first line, built, and run."""

import importlib
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, METRICS, MODELS, TASK_UTILS
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config

import video_knet.datasets
import video_knet.models
import video_knet.own_metric  # noqa: F401
from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from video_knet.formats import OwnVideos
from video_knet.synthetic import World

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n# (configs/\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
COMMAND = re.compile(r"^(?: {4})?((?:\w+=\S+ )?(?:\.venv/bin/python )?tools/[\w/]+\.(?:py|sh).*)$", re.MULTILINE)
SIZE = (64, 96)


def pages() -> list[Path]:
    others = ("README.md", "CONTRIBUTING.md", "data/README.md")
    return [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in others)]


def commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of each command line on the pages, without comments."""
    for page in pages():
        for line in COMMAND.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
            yield page.name, shlex.split(line, comments=True)


def blocks() -> Iterator[pytest.param]:
    """(where to save it, text) of each config in the docs."""
    for page in pages():
        for name, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            yield pytest.param(name, text, id=f"{page.name}:{Path(name).stem}")


@pytest.fixture(scope="module")
def copy_of_configs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "configs", root / "configs")
    return root


@pytest.fixture
def my_videos(copy_of_configs, monkeypatch) -> Path:
    """data/my_videos of the current folder, with the dataset.json that the docs show."""
    root = copy_of_configs / "data/my_videos"
    (example,) = EXAMPLE.findall((ROOT / "docs/add_a_dataset.md").read_text(encoding="utf-8"))
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(example, encoding="utf-8")
    monkeypatch.chdir(copy_of_configs)
    return root


def video(length: int) -> TrackDataSample:
    meta = dict(ori_shape=SIZE, img_shape=SIZE, batch_input_shape=SIZE, video_id=0)
    return TrackDataSample(video_data_samples=[DetDataSample(metainfo={**meta, "frame_id": i}) for i in range(length)])


@pytest.mark.parametrize(("name", "text"), blocks())
@torch.no_grad()
def test_config_in_the_docs(name, text, copy_of_configs, my_videos):
    path = copy_of_configs / name
    assert not (ROOT / name).exists(), "an example must not bear the name of a shipped config"
    path.write_text(text, encoding="utf-8")
    cfg = Config.fromfile(path)
    cfg.model.backbone.init_cfg = None  # no download
    TASK_UTILS.build(cfg.train_dataloader.dataset.ref_sampler)
    model = MODELS.build(cfg.model).eval()

    (clip,) = model.predict(torch.randn(1, 2, 3, *SIZE), [video(2)])  # the second frame sees the first one's kernels

    for frame in clip.video_data_samples:
        assert frame.pred_panoptic.semantic.shape == frame.pred_panoptic.track.shape == SIZE


def test_own_videos_in_the_docs_are_loaded(copy_of_configs, my_videos):
    """The config of docs/add_a_dataset.md on a folder as the page has it."""
    style = OwnVideos(my_videos)
    for split, names in style.description.splits.items():
        for index, name in enumerate(names):
            images, maps = zip(*World(style.classes, SIZE, frames=3).video(index, split))
            style.write_video(my_videos, split, name, images, maps)
    (text,) = (param.values[1] for param in blocks() if param.values[0] == "configs/my_videos.py")
    (copy_of_configs / "configs/my_videos.py").write_text(text, encoding="utf-8")
    cfg = Config.fromfile(copy_of_configs / "configs/my_videos.py")
    train, val = (DATASETS.build(cfg[f"{split}_dataloader"].dataset) for split in ("train", "val"))
    frames = train[0]["data_samples"].video_data_samples
    assert [len(frames), len(val)] == [2, 3]
    assert frames[1].gt_instances.labels.tolist() == [0] * len(frames[1].gt_instances)
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = val.metainfo
    assert metric.benchmark.name == val.metainfo["dataset"] == "own-videos"


def test_the_docs_print_configs():
    names = {param.values[0] for param in blocks()}
    assert {f"configs/my_{backbone}_kitti_step.py" for backbone in ("r18", "r101", "swin_t")} <= names


def test_commands_are_taken_by_their_tools(tmp_path, monkeypatch):
    """They start as they are written, and every argument is known; tests of the tools run them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/my_videos").mkdir(parents=True)
    found = list(commands())
    assert len(found) > 40
    for page, words in found:
        words = words[1:] if "=" in words[0] else words
        if words[0].endswith(".sh"):
            assert os.access(ROOT / words[0], os.X_OK), (page, words)
            continue
        assert words[0] == ".venv/bin/python", f"{page}: {' '.join(words)} is no program by itself"
        tool = importlib.import_module(words[1].removesuffix(".py").replace("/", "."))
        assert {"parse", "main"} <= set(vars(tool)), (page, words)
        words = ["3" if word in ("N", "K") else word for word in words[2:]]
        try:
            tool.parse(words)
        except SystemExit:
            pytest.fail(f"{page}: {' '.join(words)} is refused")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_and_named_files_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), f"{page}: {target}"
    named = re.findall(r"`((?:knet|video_knet|tools|tests|configs|docs)/[\w/.-]+\.\w+)`", text)
    missing = sorted({name for name in named if not (ROOT / name).exists()})
    assert not missing, f"{page} names files that do not exist: {missing}"
