"""AP of instances and of tracks in the host's loop, on datasets of overlapping objects."""

import json
import multiprocessing
import traceback
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.video_data import IMAGES_ONLY, mmdet_scope  # noqa: F401
from video_knet.apis import overlay_metric  # noqa: F401  registers
from video_knet.apis.testing import full_report
from video_knet.datasets import WholeVideoSampler
from video_knet.formats import FormatError, get_format
from video_knet.instance_metric import CocoInstanceMetric
from video_knet.synthetic import World, write_world
from video_knet.track_metric import YouTubeVisMetric

ONE_IMAGE = [IMAGES_ONLY[0], {"type": "PackImageInputs"}]
COCO_JSON = Path("annotations/instances_val2017.json")


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """A tiny data set of each format, read-only by agreement: two val videos of 4 frames, one for test."""
    found = {}
    for name in ("youtube-vis-2019", "coco-instance"):
        found[name], style = tmp_path_factory.mktemp("world") / name, get_format(name)
        write_world(found[name], style, World(style.classes, (48, 96), frames=4, seed=1), {"val": 2, "test": 1})
    return found


def build(root: Path, name: str, split: str = "val", pipeline: list[dict] = ONE_IMAGE):
    config = dict(type="VideoDataset", format=name, data_root=str(root), split=split, test_mode=True)
    return DATASETS.build({**config, "pipeline": pipeline})


def truth_of(name: str, label, spoil: bool) -> InstanceData:
    """The objects of a frame as a perfect model finds them, or with errors; overlapping ones, too."""
    objects = get_format(name).read_objects(label)
    things = np.flatnonzero(objects.track > 0)
    masks = np.moveaxis(objects.members[objects.regions][..., things], -1, 0)  # (n, H, W)
    if spoil:
        masks = np.roll(masks, 2, -1)
    return InstanceData(
        masks=torch.from_numpy(np.ascontiguousarray(masks)),
        labels=torch.from_numpy(objects.semantic[things].astype(np.int64)),
        scores=torch.linspace(0.9, 0.5, len(things)),
        instances_id=torch.from_numpy(objects.track[things].astype(np.int64)),
    )


def samples(dataset, name: str, key: str, spoil: bool = False, labels=None) -> list:
    found = []
    for index in range(len(dataset)):
        sample = dataset[index]["data_samples"]
        frame = sample.video_data_samples[0] if "video_data_samples" in sample else sample
        frame.set_field(truth_of(name, labels[index] if labels else frame.label_source, spoil), key)
        found.append(sample)
    return found


def loop(metric, dataset, frames: list) -> dict[str, float]:
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dataset.metainfo
    for frame in frames:
        evaluator.process([frame])
    return evaluator.evaluate(len(dataset))


@pytest.mark.parametrize("pipeline", [ONE_IMAGE, IMAGES_ONLY], ids=["image", "clip"])
def test_perfect_instances_score_1(roots, tmp_path, pipeline):
    dataset = build(roots["coco-instance"], "coco-instance", pipeline=pipeline)
    frames = samples(dataset, "coco-instance", "pred_instances")
    scores = loop(CocoInstanceMetric(out_dir=str(tmp_path / "out")), dataset, frames)
    assert scores["coco/segm_mAP"] == scores["coco/segm_mAP_75"] == 1.0
    results = json.loads((tmp_path / "out" / "results.segm.json").read_text())
    assert set(results[0]) >= {"image_id", "category_id", "segmentation", "score"}


def test_scores_are_those_of_pycocotools_on_the_written_file(roots, tmp_path):
    """Also where the json numbers and orders its categories otherwise, and lacks those that are not used."""
    dataset = build(roots["coco-instance"], "coco-instance")
    frames = samples(dataset, "coco-instance", "pred_instances", spoil=True)
    frames[0].pred_instances.labels[0] = 79  # a toothbrush, which the second json does not know
    content = json.loads((roots["coco-instance"] / COCO_JSON).read_text())
    used = {entry["category_id"] for entry in content["annotations"]}
    for entry in [*content["annotations"], *content["categories"]]:
        key = "category_id" if "category_id" in entry else "id"
        entry[key] = 500 - entry[key]
    content["categories"] = [entry for entry in content["categories"][::-1] if 500 - entry["id"] in used]
    (tmp_path / "other.json").write_text(json.dumps(content))
    found = []
    for path in (roots["coco-instance"] / COCO_JSON, tmp_path / "other.json"):
        metric = CocoInstanceMetric(ann_file=str(path), out_dir=str(tmp_path / path.stem), prefix="val")
        found.append(loop(metric, dataset, frames))
        reference = COCOeval(
            coco := COCO(str(path)), coco.loadRes(str(tmp_path / path.stem / "results.segm.json")), "segm"
        )
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
        assert 0 < found[-1]["val/segm_mAP"] < 1
        assert found[-1]["val/segm_mAP"] == round(reference.stats[0], 3)
    assert found[0] == found[1]


def test_images_without_predictions(roots):
    dataset = build(roots["coco-instance"], "coco-instance")
    frames = samples(dataset, "coco-instance", "pred_instances")
    for frame in frames[1:]:
        frame.pred_instances = frame.pred_instances[:0]
    assert 0 < loop(CocoInstanceMetric(), dataset, frames)["coco/segm_mAP"] < 1
    frames[0].pred_instances.masks[:] = False
    assert loop(CocoInstanceMetric(), dataset, frames)["coco/segm_mAP"] == 0.0


def test_without_annotations_predictions_are_written(roots, tmp_path):
    labels = [video.frames[0].label for video in get_format("coco-instance").videos(roots["coco-instance"], "val")][:4]
    dataset = build(roots["coco-instance"], "coco-instance", "test")
    frames = samples(dataset, "coco-instance", "pred_instances", labels=labels)
    assert loop(CocoInstanceMetric(out_dir=str(tmp_path)), dataset, frames) == {}
    results = json.loads((tmp_path / "results.segm.json").read_text())
    assert {entry["image_id"] for entry in results} == {int(frame.frame_name) for frame in frames}


def test_faults_of_instances(roots, tmp_path):
    with pytest.raises(FormatError, match=r"absent\.json: no such file. Give the json of the split"):
        CocoInstanceMetric(ann_file=str(tmp_path / "absent.json"))
    dataset = build(roots["coco-instance"], "coco-instance")
    frames = samples(dataset, "coco-instance", "pred_instances")
    with pytest.raises(ValueError, match=r"1 of 8 images .* were not evaluated"):
        loop(CocoInstanceMetric(), dataset, frames[1:])
    with pytest.raises(ValueError, match="1 images were evaluated twice"):
        loop(CocoInstanceMetric(), dataset, [*frames[:-1], frames[0]])
    (tmp_path / "empty.json").write_text(
        '{"images": [], "categories": [{"id": 1, "name": "bridge"}], "annotations": []}'
    )
    with pytest.raises(ValueError, match="none of which is a class of the dataset"):
        loop(CocoInstanceMetric(ann_file=str(tmp_path / "empty.json")), dataset, frames)
    frames[0].pred_instances = InstanceData(
        masks=torch.ones(1, 4, 4, dtype=torch.bool), labels=torch.zeros(1, dtype=torch.int64), scores=torch.ones(1)
    )
    with pytest.raises(ValueError, match=r"masks are \(4, 4\), the image is \(48, 96\); predict at the original size"):
        loop(CocoInstanceMetric(), dataset, frames)


@pytest.mark.parametrize("annotated", [True, False])
def test_perfect_tracks_score_1(roots, tmp_path, annotated):
    """A model that only says `pred_track_instances` of each frame."""
    root, name = roots["youtube-vis-2019"], "youtube-vis-2019"
    dataset = build(root, name, pipeline=IMAGES_ONLY)
    frames = samples(dataset, name, "pred_track_instances")
    ann_file = root / "valid.json"
    if not annotated:
        content = json.loads(ann_file.read_text())
        del content["annotations"]
        ann_file = tmp_path / "valid.json"
        ann_file.write_text(json.dumps(content))
    scores = loop(YouTubeVisMetric(str(ann_file), out_dir=str(tmp_path / "out")), dataset, frames)
    assert scores.get("AP") == (1.0 if annotated else None)
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())) > 2


def test_categories_of_tracks_go_by_name(roots, tmp_path):
    root, name = roots["youtube-vis-2019"], "youtube-vis-2019"
    content = json.loads((root / "valid.json").read_text())
    used = {entry["category_id"] for entry in content["annotations"]}
    for entry in [*content["annotations"], *content["categories"]]:
        key = "category_id" if "category_id" in entry else "id"
        entry[key] = 100 - entry[key]
    content["categories"] = [entry for entry in content["categories"] if 100 - entry["id"] in used]
    (tmp_path / "valid.json").write_text(json.dumps(content))
    dataset = build(root, name)
    frames = samples(dataset, name, "pred_track_instances")
    unknown = next(i for i in range(40) if i + 1 not in used)
    for frame in frames:  # a false track of a category that the json does not have changes nothing
        found = frame.pred_track_instances
        wrong = InstanceData(**{k: v[:1].clone() for k, v in found.items()})
        wrong.labels[:], wrong.instances_id[:] = unknown, 99
        frame.pred_track_instances = InstanceData.cat([found, wrong])
    assert loop(YouTubeVisMetric(str(tmp_path / "valid.json")), dataset, frames)["AP"] == 1.0
    with pytest.raises(FormatError, match=r"absent\.json: cannot be read"):
        YouTubeVisMetric(str(tmp_path / "absent.json"))


@pytest.mark.parametrize("key", ["pred_instances", "pred_track_instances"])
def test_overlays_of_models_without_panoptic_result(roots, tmp_path, key):
    dataset = build(roots["youtube-vis-2019"], "youtube-vis-2019")
    frames = samples(dataset, "youtube-vis-2019", key)
    loop(dict(type="mmdet.OverlayVideo", out_dir=str(tmp_path)), dataset, frames)
    assert len(list(tmp_path.glob("*.mp4"))) == 2


def share(rank: int, ranks: int, root: Path, work_dir: Path) -> None:
    """One of several processes, each with its own images."""
    try:
        torch.distributed.init_process_group("gloo", f"file://{work_dir}/store", rank=rank, world_size=ranks)
        dataset = build(root, "coco-instance")
        frames = samples(dataset, "coco-instance", "pred_instances", spoil=True)
        own = [frames[index] for index in WholeVideoSampler(dataset)]
        scores = loop(CocoInstanceMetric(out_dir=str(work_dir / "out")), dataset, own)
        (work_dir / f"{rank}.json").write_text(json.dumps([len(own), scores]))
    except Exception:
        (work_dir / f"{rank}.json").write_text(traceback.format_exc())
        raise


def test_any_number_of_processes(roots, tmp_path):
    root = roots["coco-instance"]
    dataset = build(root, "coco-instance")
    frames = samples(dataset, "coco-instance", "pred_instances", spoil=True)
    alone = loop(CocoInstanceMetric(out_dir=str(tmp_path / "alone")), dataset, frames)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=share, args=(rank, 3, root, tmp_path)) for rank in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    shares = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(3)]
    assert sorted(count for count, _ in shares) == [2, 3, 3]
    assert [scores for _, scores in shares] == [alone] * 3

    def read(folder: str) -> list:
        entries = json.loads((tmp_path / folder / "results.segm.json").read_text())
        return sorted(entries, key=lambda entry: (entry["image_id"], -entry["score"]))

    assert read("out") == read("alone")


def test_scores_without_a_report_of_their_own_are_reported():
    metrics = [CocoInstanceMetric.__new__(CocoInstanceMetric)]
    runner = SimpleNamespace(test_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics)))
    assert full_report(runner, {"coco/segm_mAP": 0.5}) == {"coco/segm_mAP": 0.5}
    metrics.append(SimpleNamespace(report={"AP": 0.25, "videos": {}}))
    assert full_report(runner, {"AP": 0.25}) == {"AP": 0.25, "videos": {}}
