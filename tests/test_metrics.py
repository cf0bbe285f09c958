"""The metric in the host's loop: the numbers of the cores, on any number of processes."""

import math
import multiprocessing
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from tests.video_data import IMAGES_ONLY, STYLE, build, mmdet_scope, world_root  # noqa: F401
from video_knet.evaluation import PanopticEvaluator
from video_knet.evaluation.benchmarks import KittiStepBenchmark
from video_knet.evaluation.run import Options, evaluate
from video_knet.formats import SegmentMap
from video_knet.metrics import KittiStepMetric


def predict(frame) -> SegmentMap:
    """A prediction with errors: the truth shifted, and the tracks of every fifth frame renumbered."""
    truth = STYLE.read(frame.label_source.replace("/test/", "/val/"))
    track = np.where((truth.track > 0) & (frame.frame_id % 5 == 4), truth.track + 50, truth.track)
    return SegmentMap(np.roll(truth.semantic, 3, 1), np.roll(track, 3, 1))


def add_prediction(sample, segments=None) -> None:
    for frame in sample.video_data_samples:
        found = predict(frame) if segments is None else segments
        frame.pred_panoptic = BaseDataElement(
            semantic=torch.from_numpy(found.semantic), track=torch.from_numpy(found.track)
        )


class Oracle(BaseModel):
    """Stands for a detector in the loops."""

    def forward(self, inputs, data_samples=None, mode="predict"):
        for sample in data_samples:
            add_prediction(sample)
        return data_samples


def samples_of(dataset, indices=None) -> list:
    found = [dataset[index]["data_samples"] for index in (range(len(dataset)) if indices is None else indices)]
    for sample in found:
        add_prediction(sample)
    return found


def expected(root: Path) -> dict:
    """What the cores say about the same predictions, without metric and loop."""
    evaluator = PanopticEvaluator(STYLE.classes)
    for sample in samples_of(build(root, "val", IMAGES_ONLY, test_mode=True)):
        frame = sample[0]
        evaluator.update(frame.video_name, STYLE.read(frame.label_source), predict(frame))
    return {k: math.nan if v is None else v for k, v in evaluator.result().items() if v is None or isinstance(v, float)}


def loop_config(root: Path, work_dir: Path) -> dict:
    dataset = {
        "type": "VideoDataset",
        "format": "kitti_step",
        "data_root": str(root),
        "split": "val",
        "pipeline": IMAGES_ONLY,
        "test_mode": True,
    }
    return {
        "model": Oracle(),
        "work_dir": str(work_dir),
        "val_dataloader": {
            "batch_size": 1,
            "num_workers": 0,
            "sampler": {"type": "WholeVideoSampler"},
            "dataset": dataset,
        },
        "val_cfg": {"type": "ValLoop"},
        "val_evaluator": {"type": "KittiStepMetric", "out_dir": str(work_dir / "pred")},
        "default_scope": "mmdet",
        "experiment_name": f"loop_{work_dir.name}",
        "env_cfg": {"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
    }


def validate_in_process(rank: int, ranks: int, root: Path, work_dir: Path, answers) -> None:
    try:
        torch.distributed.init_process_group("gloo", f"file://{work_dir}/store", rank=rank, world_size=ranks)
        answers.put((rank, Runner(**loop_config(root, work_dir)).val()))
    except Exception:
        answers.put((rank, traceback.format_exc()))


@pytest.fixture(autouse=True)
def no_report_of_the_environment(monkeypatch):
    """The runner asks compilers and drivers for their versions, which takes seconds in each process."""
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)


@pytest.mark.parametrize("ranks", [2, 4], ids=["two", "more_than_videos"])
def test_processes_give_the_numbers_of_one(world_root, tmp_path, ranks):  # noqa: F811
    """The host cannot: it needs a video per rank, and truncates results to the number of videos."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(target=validate_in_process, args=(rank, ranks, world_root, tmp_path, answers), daemon=True)
        for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=10)
        process.kill()
    for rank in range(ranks):
        assert isinstance(found[rank], dict), found[rank]
        np.testing.assert_equal(found[rank], expected(world_root))
    assert len(list((tmp_path / "pred").glob("*/*.png"))) == 18


def test_the_loop_on_one_process(world_root, tmp_path):  # noqa: F811
    runner = Runner(**loop_config(world_root, tmp_path))
    first = runner.val()
    np.testing.assert_equal(first, expected(world_root))
    assert 0 < first["STQ"] < 1
    assert {"STQ", "AQ", "SQ", "VPQ", "VPQ_1", "VPQ_4", "VPQ_1_things", "VPQ_1_stuff"} <= set(first)
    np.testing.assert_equal(runner.val(), first)  # nothing is left of the first evaluation
    metric = runner.val_loop.evaluator.metrics[0]
    assert metric.report["per_video"]["0002"]["frames"] == 6
    names = sorted(path.relative_to(tmp_path / "pred").as_posix() for path in (tmp_path / "pred").glob("*/*.png"))
    assert names == [f"{video}/{frame:06d}.png" for video in ("0002", "0006", "0007") for frame in range(78, 84)]
    from_files = evaluate(
        KittiStepBenchmark(), world_root / "panoptic_maps/val", tmp_path / "pred", options=Options(progress=False)
    )
    assert from_files == metric.report
    written = STYLE.read(tmp_path / "pred/0002/000078.png")
    truth = STYLE.read(world_root / "panoptic_maps/val/0002/000078.png")
    np.testing.assert_array_equal(written.semantic, np.roll(truth.semantic, 3, 1))


def evaluator_for(dataset, **kwargs) -> Evaluator:
    evaluator = Evaluator(KittiStepMetric(**kwargs))
    evaluator.dataset_meta = dataset.metainfo
    return evaluator


def test_the_truth_scores_one(world_root):  # noqa: F811
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    evaluator = evaluator_for(dataset)
    for index in range(len(dataset)):
        sample = dataset[index]["data_samples"]
        add_prediction(sample, STYLE.read(sample[0].label_source))
        evaluator.process([sample])
    scores = evaluator.evaluate(len(dataset))
    assert [scores[name] for name in ("STQ", "AQ", "SQ", "VPQ")] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([*range(5), *range(6, 18)], "video 0002: 5 of 6 frames"),
        (range(12), "12 frames were evaluated, but the dataset has 18"),
    ],
    ids=["frame", "video"],
)
def test_missing_frames_are_an_error(world_root, indices, message):  # noqa: F811
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    evaluator = evaluator_for(dataset)
    evaluator.process(samples_of(dataset, indices))
    with pytest.raises(ValueError, match=message):
        evaluator.evaluate(len(dataset))


@pytest.mark.parametrize("indices", [[1], [0, 2], [0, 0]])
def test_frames_out_of_order_are_an_error(world_root, indices):  # noqa: F811
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    with pytest.raises(ValueError, match=r"came where . was due"):
        evaluator_for(dataset).process(samples_of(dataset, indices))


def test_the_test_split_is_only_written(world_root, tmp_path):  # noqa: F811
    dataset = build(world_root, "test", IMAGES_ONLY, test_mode=True)
    metric = evaluator_for(dataset, out_dir=tmp_path)
    zeros = SegmentMap(np.zeros((48, 96), np.uint8), np.zeros((48, 96), np.int32))
    for index in range(len(dataset)):
        sample = dataset[index]["data_samples"]
        add_prediction(sample, zeros)
        metric.process([sample])
    assert metric.evaluate(len(dataset)) == {}
    assert sorted(path.name for path in tmp_path.glob("0000/*.png")) == [f"{n:06d}.png" for n in range(78, 84)]


def test_frames_of_image_detectors_count_too(world_root):  # noqa: F811
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    evaluator = evaluator_for(dataset)
    for sample in samples_of(dataset):
        evaluator.process([sample[0]])
    np.testing.assert_equal(evaluator.evaluate(18), expected(world_root))


def test_values_that_no_file_can_hold_are_refused(world_root):  # noqa: F811
    sample = build(world_root, "val", IMAGES_ONLY, test_mode=True)[0]["data_samples"]
    semantic = torch.full((48, 96), 256)
    sample[0].pred_panoptic = BaseDataElement(semantic=semantic, track=torch.zeros(48, 96))
    with pytest.raises(ValueError, match=r"pred_panoptic.semantic holds 256 to 256, outside 0\.\.255"):
        KittiStepMetric().process(None, [sample])


def test_another_format_is_refused():
    metric = KittiStepMetric()
    metric.dataset_meta = {"dataset": "vipseg"}
    with pytest.raises(ValueError, match="choose the metric of that dataset"):
        metric.process(None, [])
