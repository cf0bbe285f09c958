"""Cityscapes-VPS, VIPSeg and VSPW in the host's loop: the numbers of the command, on the files that it writes."""

import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import BaseDataElement, InstanceData

from tests.video_data import IMAGES_ONLY, build, mmdet_scope  # noqa: F401
from video_knet import metrics
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.run import Options, evaluate
from video_knet.formats import SegmentMap
from video_knet.formats.cityscapes_vps import CityscapesVps
from video_knet.formats.coding.id_maps import to_id_map
from video_knet.formats.coding.tracks import TrackTruth, VideoEntry, true_track
from video_knet.formats.vipseg import Vipseg
from video_knet.formats.vipseg.format import RawFrame
from video_knet.formats.vspw import Vspw
from video_knet.formats.youtube_vis import YouTubeVIS
from video_knet.synthetic import World, write_world
from video_knet.track_metric import YouTubeVisMetric

QUIET = Options(progress=False)


def world(style, videos: int = 2, frames: int = 10) -> dict[str, list[SegmentMap]]:
    drawn = World(style.classes, (32, 64), frames=frames, seed=1)
    return {f"{v + 1:04d}": [truth for _, truth in drawn.video(v)] for v in range(videos)}


def wrong(truth: SegmentMap, frame_id: int) -> SegmentMap:
    """A prediction with errors in space and in time."""
    track = np.where((truth.track > 0) & (frame_id % 4 == 3), truth.track + 50, truth.track)
    return SegmentMap(np.roll(truth.semantic, 2, 1), np.roll(track, 2, 1).astype(np.int32))


def samples(videos: dict[str, list[SegmentMap]], names: dict[str, list[str]], labels: dict | None = None):
    """What a detector leaves of each frame, in order."""
    for video, frames in videos.items():
        for t, truth in enumerate(frames):
            found = wrong(truth, t)
            frame = BaseDataElement(
                metainfo=dict(
                    video_name=video,
                    frame_id=t,
                    frame_name=names[video][t],
                    video_length=len(frames),
                    label_source=None if labels is None else labels[video][t],
                )
            )
            frame.pred_panoptic = BaseDataElement(
                semantic=torch.from_numpy(found.semantic), track=torch.from_numpy(found.track)
            )
            yield frame


def loop(metric, frames, size: int) -> dict[str, float]:
    evaluator = Evaluator(metric)
    for frame in frames:
        evaluator.process([frame])
    return evaluator.evaluate(size)


def assert_same(scores: dict, metric, dataset: str, gt, pred) -> None:
    assert scores
    from_files = evaluate(get_benchmark(dataset), gt, pred, options=QUIET)
    assert metric.report == from_files
    assert all(from_files[name] == value or np.isnan(value) for name, value in scores.items())


def test_cityscapes_vps_measures_the_labelled_frames(tmp_path):
    style = CityscapesVps()
    videos = world(style, frames=30)
    names = {v: [f"{v}_{t + 1:04d}_town_{t:06d}" for t in range(30)] for v in videos}
    gt = tmp_path / "panoptic_gt_val_city_vps.json"
    labelled = range(4, 30, 5)  # every fifth frame
    style.write_truth(
        gt, {v: {names[v][t]: to_id_map(f[t], style.classes) for t in labelled} for v, f in videos.items()}
    )
    metric = metrics.CityscapesVpsMetric(out_dir=str(tmp_path / "pred"), ann_file=str(gt))
    scores = loop(metric, samples(videos, names), 60)
    assert 0 < scores["VPQ"] < 1
    assert metric.report["per_video"]["0001"]["frames"] == 6
    assert len(list((tmp_path / "pred" / "pan_pred").glob("*.png"))) == 12
    assert_same(scores, metric, "cityscapes-vps", gt, tmp_path / "pred")


def drawn_dataset(root, style, frames: int):
    """A world on disk in the layout of a format, and the dataset that reads its val split as in testing."""
    write_world(root, style, World(style.classes, (32, 64), frames=frames, seed=1), {"val": 2, "test": 1})
    return {split: build(root, split, IMAGES_ONLY, format=style.name, test_mode=True) for split in ("val", "test")}


def predicted(dataset, change=lambda truth, frame_id: truth):
    """The samples of a dataset, with predictions made of the truth: the last one seen where a frame has none."""
    truth = None
    for index in range(len(dataset)):
        sample = dataset[index]["data_samples"]
        (frame,) = sample.video_data_samples
        if frame.label_source is not None:
            truth = dataset.format.read(frame.label_source)
        found = SegmentMap(*np.zeros((2, 32, 64), np.int32)) if truth is None else change(truth, frame.frame_id)
        frame.pred_panoptic = BaseDataElement(
            semantic=torch.from_numpy(found.semantic.astype(np.uint8)), track=torch.from_numpy(found.track)
        )
        yield sample


def run_loop(metric, dataset, **kwargs) -> dict[str, float]:
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dataset.metainfo
    for sample in predicted(dataset, **kwargs):
        evaluator.process([sample])
    return evaluator.evaluate(len(dataset))


@pytest.mark.parametrize(
    ("style", "metric_type", "truth", "headline"),
    [
        (CityscapesVps(), metrics.CityscapesVpsMetric, "panoptic_gt_val_city_vps.json", ("VPQ", "VPQ_4")),
        (Vipseg(), metrics.VipsegMetric, "", ("VPQ", "VPQ_6", "STQ", "AQ", "SQ")),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_datasets_bring_their_truth(tmp_path, style, metric_type, truth, headline):
    """Whatever frames are labelled: the loop gives what the command finds in its files, and the truth scores 1."""
    root = tmp_path / "data"
    datasets = drawn_dataset(root, style, frames=30 if style.name == "cityscapes-vps" else 8)
    for name, change in (("wrong", wrong), ("right", lambda truth, frame_id: truth)):
        metric = metric_type(out_dir=str(tmp_path / name))
        scores = run_loop(metric, datasets["val"], change=change)
        assert_same(scores, metric, style.name, root / truth, tmp_path / name)
        assert all((scores[key] == 1) == (name == "right") for key in headline)
    assert 0 < scores["VPQ_1_things"] <= 1
    assert {row["frames"] for row in metric.report["per_video"].values()} == {6 if truth else 8}
    metric = metric_type(out_dir=str(tmp_path / "test"))
    assert run_loop(metric, datasets["test"]) == {}
    images = sorted(path.stem for path in (tmp_path / "test").rglob("*.png"))
    names = [frame["frame_name"] for frame in map(datasets["test"].get_data_info, range(len(datasets["test"])))]
    assert images == (names[4::5] if truth else names)  # the fifth, tenth, ... of 30 frames
    entries = json.loads((tmp_path / "test" / "pred.json").read_text())["annotations"]
    assert len(entries) == (6 if truth else 1)


def test_cityscapes_vps_lists_only_what_has_truth(tmp_path):
    """Labels that begin later than they should: what was written before is not listed."""
    style = CityscapesVps()
    datasets = drawn_dataset(tmp_path / "data", style, frames=10)
    gt = tmp_path / "data" / "panoptic_gt_val_city_vps.json"
    content = json.loads(gt.read_text())
    for key in ("images", "annotations"):
        del content[key][0]
    gt.write_text(json.dumps(content))
    shutil.rmtree(tmp_path / "data" / "val" / "img")
    dataset = build(tmp_path / "data", "val", IMAGES_ONLY, format=style.name, test_mode=True)
    assert len(dataset) == len(datasets["val"]) == 20
    metric = metrics.CityscapesVpsMetric(out_dir=str(tmp_path / "pred"))
    scores = run_loop(metric, dataset)
    assert scores["VPQ_1"] == 1
    assert_same(scores, metric, "cityscapes-vps", gt, tmp_path / "pred")


def test_training_labels_of_cityscapes_vps_can_be_measured(tmp_path):
    style = CityscapesVps()
    write_world(tmp_path / "data", style, World(style.classes, (32, 64), frames=4, seed=1), {"train": 2})
    dataset = build(tmp_path / "data", "train", IMAGES_ONLY, format=style.name, test_mode=True)
    scores = run_loop(metrics.CityscapesVpsMetric(), dataset)
    assert [scores[f"VPQ_{k}"] for k in (1, 2, 3, 4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("listed", [True, False], ids=["json", "raw"])
def test_vipseg(tmp_path, listed):
    style = Vipseg()
    videos = world(style)
    names = {v: [f"{t:08d}" for t in range(10)] for v in videos}
    gt, labels = tmp_path / "VIPSeg", None
    if listed:
        gt = tmp_path / "panoptic_gt_VIPSeg_val.json"
        style.write_truth(
            gt, {v: {n: to_id_map(f, style.classes) for n, f in zip(names[v], frames)} for v, frames in videos.items()}
        )
    else:
        labels = {v: [RawFrame(gt / "panomasks" / v / f"{n}.png") for n in names[v]] for v in videos}
        for v, frames in videos.items():
            for label, frame in zip(labels[v], frames):
                style.write(label.path, frame)
    metric = metrics.VipsegMetric(out_dir=str(tmp_path / "pred"), ann_file=str(gt) if listed else None)
    scores = loop(metric, samples(videos, names, labels), 20)
    assert 0 < scores["STQ"] < 1
    assert 0 < scores["VPQ"] < 1
    assert_same(scores, metric, "vipseg", gt, tmp_path / "pred")


def test_vspw(tmp_path):
    style = Vspw()
    videos = world(style, frames=20)
    for frame in (frame for frames in videos.values() for frame in frames):
        frame.semantic[frame.semantic == 255] = 0  # the predictions are made of it, and have no void
    (tmp_path / "data").mkdir()
    names = {v: [f"{t:08d}" for t in range(20)] for v in videos}
    labels = {v: [str(style.label_path(tmp_path, v, n)) for n in names[v]] for v in videos}
    for v, frames in videos.items():
        for path, frame in zip(labels[v], frames):
            style.write(path, frame)
    metric = metrics.VspwMetric(out_dir=str(tmp_path / "pred"))
    scores = loop(metric, samples(videos, names, labels), 40)
    assert 0 < scores["mIoU"] < 1
    assert 0 < scores["mVC_16"] < 1
    assert_same(scores, metric, "vspw", tmp_path / "data", tmp_path / "pred")


def test_shares_of_two_processes_are_merged(tmp_path, monkeypatch):
    """Each process has one video; what they gather is what one process finds."""
    style = Vipseg()
    videos = world(style)
    names = {v: [f"{t:08d}" for t in range(10)] for v in videos}
    gt = tmp_path / "panoptic_gt_VIPSeg_val.json"
    style.write_truth(
        gt, {v: {n: to_id_map(f, style.classes) for n, f in zip(names[v], frames)} for v, frames in videos.items()}
    )
    alone = metrics.VipsegMetric(out_dir=str(tmp_path / "one"), ann_file=str(gt))
    expected = loop(alone, samples(videos, names), 20)
    shares, parts = [], [{v: frames} for v, frames in videos.items()]
    monkeypatch.setattr(metrics, "all_gather_object", lambda share: [*shares, share])
    other = metrics.VipsegMetric(out_dir=str(tmp_path / "two"), ann_file=str(gt))
    for frame in samples(parts[1], names):
        other.process(None, [frame])
    shares.append((other._evaluator, other._seen, other._lengths, other._labelled, other._entries))
    mine = metrics.VipsegMetric(out_dir=str(tmp_path / "two"), ann_file=str(gt))
    np.testing.assert_equal(loop(mine, samples(parts[0], names), 20), expected)
    assert mine.report == alone.report
    assert (tmp_path / "two" / "pred.json").read_text() == (tmp_path / "one" / "pred.json").read_text()


def instances_of(truth: SegmentMap, frame_id: int) -> InstanceData:
    """The objects of a frame as a detector leaves them; every fourth frame gives them other ids."""
    ids = np.unique(truth.track[truth.track > 0])
    masks = np.stack([truth.track == i for i in ids]) if len(ids) else np.zeros((0, *truth.track.shape), bool)
    numbers = ids + 50 if frame_id % 4 == 3 else ids
    return InstanceData(
        masks=torch.from_numpy(masks),
        labels=torch.tensor([int(truth.semantic[mask][0]) for mask in masks], dtype=torch.int64),
        scores=torch.tensor([0.5 + 0.01 * int(i) for i in ids]),
        instances_id=torch.from_numpy(numbers.astype(np.int64)),
    )


@pytest.mark.parametrize("annotated", [True, False])
def test_youtube_vis(tmp_path, annotated):
    style = YouTubeVIS()
    videos, tracks, entries = world(style), [], {}
    for number, (name, frames) in enumerate(videos.items(), 1):
        files = tuple(f"{name}/{t:05d}.jpg" for t in range(len(frames)))
        entries[number] = VideoEntry(number, name, 64, 32, len(frames), files)
        stacked = np.stack([frame.track for frame in frames])
        for i in np.unique(stacked[stacked > 0]):
            label = int(np.stack([frame.semantic for frame in frames])[stacked == i][0])
            tracks.append(true_track(entries[number], label + 1, stacked == i, number=len(tracks) + 1))
    gt = tmp_path / "instances.json"
    style.write_truth(gt, TrackTruth(entries, dict(enumerate(style.classes.names, 1)), tuple(tracks)))
    if not annotated:
        content = json.loads(gt.read_text())
        del content["annotations"]
        gt.write_text(json.dumps(content))
    names = {v: [f"{t:05d}" for t in range(10)] for v in videos}
    frames = list(samples(videos, names))
    for frame in frames:
        frame.pred_track_instances = instances_of(videos[frame.video_name][frame.frame_id], frame.frame_id)
    metric = YouTubeVisMetric(str(gt), out_dir=str(tmp_path / "pred"))
    scores = loop(metric, frames, 20)
    assert (tmp_path / "pred" / "results.zip").is_file()
    if annotated:
        assert 0 < scores["AP"] < 1
        assert_same(scores, metric, "youtube-vis", gt, tmp_path / "pred" / "results.zip")
    else:
        assert scores == {}
