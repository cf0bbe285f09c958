"""The clip-level model on videos of BDD100K, by the config and the commands of docs/add_a_dataset.md."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from tests.tiny import SIZE, clip
from tests.video_knet.videos import video
from tools import convert_dataset, evaluate, test, train
from video_knet.apis.video_io import read_frames

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n# my_bdd100k\.py.*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SMALL = [  # a few seconds
    "train_dataloader.dataset.repeats=1",
    "train_dataloader.dataset.ref_sampler.num_refs=1",
    "train_dataloader.dataset.pipeline.0.transforms.2.scale=(100000,64)",
    "train_dataloader.num_workers=0",
    "train_dataloader.persistent_workers=False",
    "val_dataloader.num_workers=0",
    "val_dataloader.persistent_workers=False",
    "test_dataloader.num_workers=0",
    "test_dataloader.persistent_workers=False",
    "val_dataloader.dataset.pipeline.0.transforms.1.scale=(100000,64)",
    "test_dataloader.dataset.pipeline.0.transforms.1.scale=(100000,64)",
    "train_cfg.max_epochs=1",
    "train_cfg.val_interval=1",
    "model.window=4",
    "model.merging.mask_thr=0.01",  # a moment of training makes nothing likely
]


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """The config as the page tells to save it, in the folder that paths begin at."""
    shutil.copytree(ROOT / "configs/_base_", tmp_path / "configs/_base_")
    (text,) = BLOCK.findall((ROOT / "docs/add_a_dataset.md").read_text(encoding="utf-8"))
    path = tmp_path / "configs/my_bdd100k.py"
    path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


@torch.no_grad()
def test_the_config_of_the_page_builds(config):
    classes = [dict(name=name, thing=True, color=[i, 0, 0]) for i, name in enumerate(convert_dataset.BDD100K)]
    folder = Path("data/bdd100k")
    folder.mkdir(parents=True)
    description = dict(name="bdd100k", labels="instances", classes=classes, splits=dict(train=["drive"]))
    (folder / "dataset.json").write_text(json.dumps(description))
    model = MODELS.build(Config.fromfile(config).model)
    (result,) = model.eval().predict(torch.randn(1, 2, 3, *SIZE), [clip(*video(2, video_length=2))])
    assert [len(frame.pred_track_instances) for frame in result.video_data_samples] == [10, 10]


@pytest.fixture
def frames() -> Path:
    root = Path(os.environ.get("VIDEO_KNET_DATA", "absent")) / "bdd100k_segtrack_mini"
    if not root.is_dir():
        pytest.skip("VIDEO_KNET_DATA does not name a folder with bdd100k_segtrack_mini/ (real BDD100K frames)")
    return root


def test_from_frames_to_overlay_videos(config, frames, monkeypatch):
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    assert convert_dataset.main(["bdd100k", str(frames), "data/bdd100k", "--link", "symlink"]) == 0
    assert train.main([str(config), "--work-dir", "work", "--cfg-options", *SMALL]) == 0
    assert 0 <= json.loads(Path("work/metrics.json").read_text())["AP"] <= 1  # of the validation loop
    words = ["--work-dir", "tested", "--out", "pred", "--show-dir", "overlay", "--json", "metrics.json"]
    assert test.main([str(config), "work/epoch_1.pth", *words, "--cfg-options", *SMALL]) == 0

    tracks = json.loads(Path("pred/results.json").read_text())
    assert {track["video_id"] for track in tracks} == {1, 2}
    assert all(len(track["segmentations"]) == 6 and 1 <= track["category_id"] <= 8 for track in tracks)
    assert all(0 <= track["score"] <= 1 for track in tracks)
    with zipfile.ZipFile("pred/results.zip") as archive:
        assert json.loads(archive.read("results.json")) == tracks
    words = ["--gt", "data/bdd100k", "--split", "train", "--pred", "pred/results.json", "--json", "again.json"]
    assert evaluate.main(["own-videos", *words]) == 0
    found, again = (json.loads(Path(name).read_text()) for name in ("metrics.json", "again.json"))
    assert found["AP"] == again["AP"]

    videos = [read_frames(path) for path in sorted(Path("overlay").glob("*.mp4"))]
    assert [source.length for source in videos] == [6, 6]
