"""The configs and the commands of docs/add_a_dataset.md on videos of BDD100K and CamVid."""

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
SMALL = [  # a few seconds
    "train_dataloader.dataset.repeats=1",
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
]
CLIPS = [
    "train_dataloader.dataset.ref_sampler.num_refs=1",
    "model.window=4",
    "model.merging.mask_thr=0.01",  # a moment of training makes nothing likely
]
CROPS = ["train_dataloader.dataset.pipeline.0.transforms.4.crop_size=(64,64)"]
CAMVID = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]


@pytest.fixture
def page(tmp_path, monkeypatch) -> Path:
    """A folder with the configs that the page tells to save, which paths begin at."""
    shutil.copytree(ROOT / "configs/_base_", tmp_path / "configs/_base_")
    text = (ROOT / "docs/add_a_dataset.md").read_text(encoding="utf-8")
    for name in "my_bdd100k.py", "my_camvid.py":
        (config,) = re.findall(rf"^```python\n# {re.escape(name)}.*?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (tmp_path / "configs" / name).write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    return tmp_path


def describe(name: str, labels: str, classes: list[str], thing: bool) -> None:
    """Write what the config has to know of the dataset."""
    folder = Path("data", name)
    folder.mkdir(parents=True)
    classes = [dict(name=name, thing=thing, color=[i, 0, 0]) for i, name in enumerate(classes)]
    description = dict(name=name, labels=labels, classes=classes, splits=dict(train=["drive"]))
    (folder / "dataset.json").write_text(json.dumps(description))


@torch.no_grad()
def test_the_config_of_instances_builds(page):
    describe("bdd100k", "instances", convert_dataset.BDD100K, thing=True)
    model = MODELS.build(Config.fromfile("configs/my_bdd100k.py").model)
    (result,) = model.eval().predict(torch.randn(1, 2, 3, *SIZE), [clip(*video(2, video_length=2))])
    assert [len(frame.pred_track_instances) for frame in result.video_data_samples] == [10, 10]


@torch.no_grad()
def test_the_config_of_class_maps_builds(page):
    describe("camvid", "semantic", CAMVID, thing=False)
    model = MODELS.build(Config.fromfile("configs/my_camvid.py").model)
    (result,) = model.eval().predict(torch.randn(1, 2, 3, *SIZE), [clip(*video(2, video_length=2))])
    assert all(frame.pred_panoptic.semantic.max() < len(CAMVID) for frame in result.video_data_samples)


def real(name: str) -> Path:
    root = Path(os.environ.get("VIDEO_KNET_DATA", "absent")) / name
    if not root.is_dir():
        pytest.skip(f"VIDEO_KNET_DATA does not name a folder with {name}/ (real frames)")
    return root


def first_frames(source: Path, target: Path, number: int) -> Path:
    """A folder with links to the first images and labels."""
    for folder in (path for path in source.iterdir() if path.is_dir()):
        (target / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[:number]:
            (target / folder.name / path.name).symlink_to(path)
    return target


def test_semantic_frames_to_overlay_video(page):
    frames = first_frames(real("camvid_0016E5_mini"), Path("frames"), 12)
    words = ["semantic", str(frames), "data/camvid", "--void", "11", "--link", "symlink", "--classes", *CAMVID]
    assert convert_dataset.main(words) == 0
    words = ["configs/my_camvid.py", "--work-dir", "work", "--cfg-options", *SMALL, *CROPS]
    assert train.main(words) == 0
    words = ["--work-dir", "tested", "--show-dir", "overlay", "--json", "metrics.json", "--cfg-options", *SMALL]
    assert test.main(["configs/my_camvid.py", "work/epoch_1.pth", *words]) == 0
    found, again = (json.loads(Path(name).read_text()) for name in ("work/metrics.json", "metrics.json"))
    assert 0 < found["mIoU"] == again["mIoU"] < 1  # a few steps teach little
    assert [read_frames(path).length for path in Path("overlay").glob("*.mp4")] == [12]


def test_clips_to_overlay_videos_with_tracks(page):
    frames, config = real("bdd100k_segtrack_mini"), "configs/my_bdd100k.py"
    assert convert_dataset.main(["bdd100k", str(frames), "data/bdd100k", "--link", "symlink"]) == 0
    assert train.main([config, "--work-dir", "work", "--cfg-options", *SMALL, *CLIPS]) == 0
    assert 0 <= json.loads(Path("work/metrics.json").read_text())["AP"] <= 1  # of the validation loop
    words = ["--work-dir", "tested", "--out", "pred", "--show-dir", "overlay", "--json", "metrics.json"]
    assert test.main([config, "work/epoch_1.pth", *words, "--cfg-options", *SMALL, *CLIPS]) == 0

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
