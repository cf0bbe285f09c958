"""One's own videos in the command and in the host's loop: the truth scores 1, and both say the same."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import TASK_UTILS
from mmengine.config import ConfigDict
from mmengine.structures import BaseDataElement

from knet.labels import LabelSpace
from tests.test_benchmark_metrics import assert_same, instances_of, loop, wrong
from tools import evaluate as command
from video_knet.apis.dataset_meta import classes_from_meta, with_known_labels
from video_knet.datasets import VideoDataset
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.run import Options, evaluate
from video_knet.evaluation.self_test import self_test
from video_knet.formats import FormatError, KittiStep, OwnVideos, YouTubeVIS
from video_knet.formats.base import ClassTable
from video_knet.formats.coding.tracks import TrackTruth, VideoEntry, true_track
from video_knet.formats.disk.png import write_png
from video_knet.formats.own_videos.description import Description, write_description
from video_knet.own_metric import OwnTracksMetric, OwnVideosMetric
from video_knet.synthetic import World, write_world

QUIET = Options(progress=False)
FRAMES = 10
HEADLINES = {"panoptic": ("STQ", "VPQ", "VPQ_4"), "semantic": ("mIoU", "mVC_8")}


@pytest.fixture(params=["panoptic", "semantic"])
def labels(request) -> str:
    return request.param


@pytest.fixture
def root(tmp_path, labels) -> Path:
    """Two videos of ten frames; every third frame of the second one has no label."""
    root, style = tmp_path / "own", OwnVideos(description=Description("street", KittiStep.classes, labels))
    write_world(root, style, World(style.classes, (32, 64), frames=FRAMES, seed=1), {"val": 2})
    for path in sorted((root / "labels/val_002").iterdir())[::3]:
        path.unlink()
    return root


def write_predictions(root: Path, out: Path, change=lambda segments, t: segments) -> None:
    """A prediction for every frame, also those without label."""
    style = OwnVideos(root)
    world = World(style.classes, (32, 64), frames=FRAMES, seed=1)
    for index, video in enumerate(style.videos(root, "val")):
        for t, (frame, (_, truth)) in enumerate(zip(video.frames, world.video(index, "val"))):
            style.write(style.prediction_path(out, video.name, frame.name), change(truth, t))


def test_the_truth_scores_one(tmp_path, root, labels):
    write_predictions(root, tmp_path / "pred")
    result = evaluate(get_benchmark("own-videos"), root, tmp_path / "pred", options=QUIET)
    assert [result[name] for name in HEADLINES[labels]] == [1.0] * len(HEADLINES[labels])
    frames = {name: scores["frames"] for name, scores in result["per_video"].items()}
    assert frames == {"val_001": 10, "val_002": 6}
    outcome = self_test(get_benchmark("own-videos"), root, Path("val"), QUIET)
    assert (outcome.faults, outcome.remarks) == ([], [])


def test_the_loop_says_the_same_as_the_command(tmp_path, root, labels):
    data = VideoDataset(str(root), str(root), "val", [], test_mode=True)
    metric = OwnVideosMetric(str(root), out_dir=str(tmp_path / "pred"))
    metric.dataset_meta = data.metainfo
    world, frames = World(KittiStep.classes, (32, 64), frames=FRAMES, seed=1), []
    for index in range(2):
        for t, (_, truth) in enumerate(world.video(index, "val")):
            found = wrong(truth, t)
            found.track[~np.isin(found.semantic, KittiStep.classes.thing_ids)] = 0
            info = data.get_data_info(index * FRAMES + t)
            frame = BaseDataElement(metainfo={key: value for key, value in info.items() if key != "sample_idx"})
            frame.pred_panoptic = BaseDataElement(
                semantic=torch.from_numpy(found.semantic), track=torch.from_numpy(found.track)
            )
            frames.append(frame)
    scores = loop(metric, frames, 2 * FRAMES)
    assert 0 < scores[HEADLINES[labels][0]] < 1
    assert len(list((tmp_path / "pred").rglob("*.png"))) == 2 * FRAMES
    assert_same(scores, metric, "own-videos", root, tmp_path / "pred")


def test_faults_of_predictions(tmp_path, root, labels):
    write_predictions(root, tmp_path / "pred")
    paths = sorted((tmp_path / "pred/val_002").iterdir())
    paths[1].unlink()
    paths[2].write_bytes(b"no png")
    argv = ["own-videos", "--gt", str(root), "--pred", str(tmp_path / "pred"), "--check-only", "--json"]
    assert command.main([*argv, str(tmp_path / "faults.json")]) == 1
    faults = json.loads((tmp_path / "faults.json").read_text())["faults"]
    assert len(faults) == 2
    assert "000001" in faults[0]
    assert "000002.png" in faults[1]
    with pytest.raises(SystemExit):
        command.main([*argv[:5], "--protocol", "released"])
    (root / "labels").rename(root / "elsewhere")
    with pytest.raises(FormatError, match="no frame has a label"):
        get_benchmark("own-videos").truth(root, None)
    with pytest.raises(ValueError, match="call truth"):
        _ = get_benchmark("own-videos").classes


@pytest.fixture
def instances(tmp_path) -> tuple[Path, dict]:
    """Two videos whose things are instances, and their maps."""
    table = ClassTable(("person", "car"), (0, 1), ((9, 0, 0), (0, 9, 0)))
    root, world = tmp_path / "own", World(table, (32, 64), frames=FRAMES, seed=1)
    write_description(root, Description("street", table, "instances"))
    videos, entries, tracks = {}, {}, []
    for number in (1, 2):
        images, videos[f"v{number}"] = zip(*world.video(number))
        files = tuple(f"v{number}/{t:05d}.png" for t in range(FRAMES))
        entries[number] = VideoEntry(number, f"v{number}", 64, 32, FRAMES, files)
        for name, image in zip(files, images):
            write_png(root / "frames" / name, image)
        stacked = np.stack([frame.track for frame in videos[f"v{number}"]])
        for i in np.unique(stacked[stacked > 0]):
            label = int(np.stack([frame.semantic for frame in videos[f"v{number}"]])[stacked == i][0])
            tracks.append(true_track(entries[number], label + 1, stacked == i, number=len(tracks) + 1))
    YouTubeVIS().write_truth(
        root / "instances_val.json", TrackTruth(entries, dict(enumerate(table.names, 1)), tuple(tracks))
    )
    return root, videos


def test_instances(tmp_path, instances):
    root, videos = instances
    outcome = self_test(get_benchmark("own-videos"), root, None, QUIET)
    assert (outcome.faults, outcome.results["as_is"]["AP"]) == ([], 1.0)
    with pytest.raises(ValueError, match="OwnTracksMetric"):
        OwnVideosMetric(str(root))
    metric = OwnTracksMetric(str(root / "instances_val.json"), out_dir=str(tmp_path / "pred"))
    metric.dataset_meta = VideoDataset(str(root), str(root), "val", [], test_mode=True).metainfo
    frames = []
    for video, maps in videos.items():
        for t, truth in enumerate(maps):
            meta = dict(video_name=video, frame_id=t, frame_name=f"{t:05d}", video_length=FRAMES)
            frame = BaseDataElement(metainfo=meta)
            frame.pred_track_instances = instances_of(truth, t)
            frames.append(frame)
    scores = loop(metric, frames, 2 * FRAMES)
    assert 0 < scores["AP"] < 1
    assert_same(scores, metric, "own-videos", root, tmp_path / "pred" / "results.zip")
    assert_same(scores, metric, "youtube-vis", root / "instances_val.json", tmp_path / "pred" / "results.zip")


def test_classes_outlive_their_folder(root):
    meta = VideoDataset(str(root), str(root), "val", [], test_mode=True).metainfo
    assert meta["dataset"] == "own-videos"
    assert classes_from_meta({"format": str(root)}) == KittiStep.classes
    (root / "dataset.json").unlink()
    assert classes_from_meta(meta) == KittiStep.classes
    assert classes_from_meta({**meta, "format": "vspw"}) != KittiStep.classes  # a known name comes first
    with pytest.raises(FormatError, match="is not known"):
        classes_from_meta({"format": str(root)})


def test_a_checkpoint_outlives_the_folder_of_its_dataset(tmp_path):
    model = ConfigDict(type="VideoKNet", labels=dict(type="FormatLabels", format=str(tmp_path / "gone")))
    meta = {"classes": ("a", "b", "c"), "thing_ids": (1,), "label_ids": (1, 0, 2), "palette": ((1, 2, 3),) * 3}
    torch.save({"state_dict": {"weight": torch.zeros(1)}, "meta": {"dataset_meta": meta}}, tmp_path / "checkpoint.pth")
    labels = with_known_labels(model, tmp_path / "checkpoint.pth").labels
    assert TASK_UTILS.build(labels) == LabelSpace(num_things=1, num_stuff=2, ids=(1, 0, 2))
    assert model.labels.type == "FormatLabels"
    assert classes_from_meta(meta).names == ("a", "b", "c")
