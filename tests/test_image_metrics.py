"""PQ of image sets in the host's loop: the numbers of the command, on the files that it writes."""

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

from tests.video_data import mmdet_scope  # noqa: F401
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.image_benchmarks import IMAGE_BENCHMARKS
from video_knet.evaluation.run import Options, evaluate
from video_knet.formats import SegmentMap, get_format
from video_knet.image_metrics import ImagePanopticMetric
from video_knet.synthetic import World, write_world

DATASETS = sorted(IMAGE_BENCHMARKS)
PIPELINE = [
    {"type": "TransformBroadcaster", "transforms": [{"type": "LoadImageFromFile"}]},
    {"type": "PackImageInputs"},
]


class Shifted(BaseModel):
    """Stands for an image detector that is a pixel off, and predicts nothing in a corner."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.benchmark = get_benchmark(name)

    def forward(self, inputs, data_samples=None, mode="predict"):
        for sample in data_samples:
            source = sample.label_source
            if source is None:
                truth = SegmentMap(np.zeros((32, 48), np.uint8), np.zeros((32, 48), np.int32))
            else:
                truth = self.benchmark.read_truth(source)
            semantic, track = np.roll(truth.semantic, 1, 1), np.roll(truth.track, 1, 1)
            semantic[:3, :3], track[:3, :3] = 255, 0
            sample.pred_panoptic = BaseDataElement(semantic=torch.from_numpy(semantic), track=torch.from_numpy(track))
        return data_samples


def write(root: Path, name: str) -> Path:
    style = get_format(name)
    world = World(style.classes, (32, 48), frames=3)
    write_world(root, style, world, dict(zip(list(style.published)[1:], (2, 1))))
    return root


def loop_config(name: str, root: Path, work_dir: Path, split: int = 1) -> dict:
    return {
        "model": Shifted(name),
        "work_dir": str(work_dir),
        "val_dataloader": {
            "batch_size": 1,
            "num_workers": 0,
            "sampler": {"type": "WholeVideoSampler"},
            "dataset": {
                "type": "VideoDataset",
                "format": name,
                "data_root": str(root),
                "split": list(get_format(name).published)[split],
                "pipeline": PIPELINE,
                "test_mode": True,
            },
        },
        "val_cfg": {"type": "ValLoop"},
        "val_evaluator": {
            "type": "ImagePanopticMetric",
            "dataset": name.replace("-", "_"),
            "out_dir": str(work_dir / "pred"),
            "prefix": "val",
        },
        "default_scope": "mmdet",
        "experiment_name": f"loop_{work_dir.name}_{split}",
        "env_cfg": {"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
    }


@pytest.fixture(autouse=True)
def no_report_of_the_environment(monkeypatch):
    """The runner asks compilers and drivers for their versions, which takes seconds in each process."""
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)


@pytest.mark.parametrize("name", DATASETS)
def test_the_loop_equals_the_command(name, tmp_path):
    root = write(tmp_path / "root", name)
    runner = Runner(**loop_config(name, root, tmp_path))
    scores = runner.val()
    metric = runner.val_loop.evaluator.metrics[0]
    from_files = evaluate(get_benchmark(name), root, tmp_path / "pred", options=Options(progress=False))
    assert metric.report == from_files
    assert from_files["images"] == 6
    assert 0 < scores["val/PQ"] < 1
    assert {f"val/{key}" for key in ("PQ", "PQ_things", "PQ_stuff", "SQ", "RQ", "mIoU")} <= set(scores)
    assert all(scores[f"val/{key}"] == value for key, value in from_files.items() if isinstance(value, float))
    assert runner.val() == scores  # nothing is left of the first evaluation
    files = sorted(path.relative_to(tmp_path / "pred").as_posix() for path in (tmp_path / "pred").rglob("*.*"))
    names = list(get_benchmark(name).truth(root, None))
    listed = name in ("coco-panoptic", "mapillary")
    folder = "pan_pred" if listed else "synthetic"
    assert files == [f"{folder}/{image}.png" for image in names] + ["pred.json"] * listed


@pytest.mark.parametrize("name", DATASETS)
def test_images_without_labels_are_written_only(name, tmp_path):
    root = write(tmp_path / "root", name)
    assert Runner(**loop_config(name, root, tmp_path, split=2)).val() == {}
    assert len(list((tmp_path / "pred").rglob("*.png"))) == 3
    assert len(get_benchmark(name).prediction(tmp_path / "pred", {})) == 3


def validate_in_process(rank: int, ranks: int, name: str, root: Path, work_dir: Path, answers) -> None:
    try:
        torch.distributed.init_process_group("gloo", f"file://{work_dir}/store", rank=rank, world_size=ranks)
        answers.put((rank, Runner(**loop_config(name, root, work_dir)).val()))
    except Exception:
        answers.put((rank, traceback.format_exc()))


def test_processes_give_the_numbers_of_one(tmp_path):
    name = "coco-panoptic"
    root, one, two = write(tmp_path / "root", name), tmp_path / "one", tmp_path / "two"
    two.mkdir()
    wanted = Runner(**loop_config(name, root, one)).val()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(target=validate_in_process, args=(rank, 2, name, root, two, answers), daemon=True)
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=10)
        process.kill()
    for rank in range(2):
        assert found[rank] == wanted, found[rank]
    assert (two / "pred" / "pred.json").read_text() == (one / "pred" / "pred.json").read_text()


def test_an_image_twice_is_an_error():
    metric = ImagePanopticMetric("mapillary")
    zeros = torch.zeros(4, 6, dtype=torch.int32)
    frame = BaseDataElement(
        metainfo={"video_name": "a", "frame_id": 0, "frame_name": "a", "video_length": 1, "label_source": None}
    )
    frame.pred_panoptic = BaseDataElement(semantic=zeros, track=zeros)
    metric.process(None, [frame])
    with pytest.raises(ValueError, match="videos of different names"):
        metric.process(None, [frame])


def test_other_datasets_are_refused():
    with pytest.raises(ValueError, match="'vipseg' is no image set; use one of: cityscapes-panoptic"):
        ImagePanopticMetric("vipseg")
    evaluator = Evaluator(ImagePanopticMetric("cityscapes-step"))
    evaluator.dataset_meta = {"dataset": "cityscapes-panoptic"}
    with pytest.raises(ValueError, match="choose the metric of that dataset"):
        evaluator.process([])
