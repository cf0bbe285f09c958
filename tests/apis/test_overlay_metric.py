"""While testing, the metric writes the same videos as rendering the predictions from disk does."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

import video_knet.apis.overlay_metric  # noqa: F401
from video_knet.apis.render import render_prediction_folder
from video_knet.apis.video_io import read_frames
from video_knet.formats import get_format
from video_knet.formats.base import SegmentMap
from video_knet.formats.coding.id_maps import to_id_map
from video_knet.formats.disk.png import read_png
from video_knet.synthetic import World, write_world

KITTI_STEP = get_format("kitti-step")
SIZE = (96, 192)
META = {"format": "kitti-step"}


def segments(step: int, track: int) -> SegmentMap:
    semantic, ids = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.int32)
    semantic[30:60, 10 + step : 60 + step], ids[30:60, 10 + step : 60 + step] = 13, track
    return SegmentMap(semantic, ids)


@pytest.fixture
def dataset(tmp_path):
    for name in ("0002", "0006"):
        images = [np.full((*SIZE, 3), 60 + step, np.uint8) for step in range(3)]
        KITTI_STEP.write_video(tmp_path, "val", name, images, [segments(step, 1) for step in range(3)])
        for step in range(3):
            KITTI_STEP.write(KITTI_STEP.prediction_path(tmp_path / "pred", name, f"{step:06d}"), segments(step, 3))
            KITTI_STEP.write(KITTI_STEP.prediction_path(tmp_path / "base", name, f"{step:06d}"), segments(step, 4))
    return tmp_path


def sample_of(video: str, frame, step: int, maps: SegmentMap):
    """A frame with its prediction."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import BaseDataElement

    meta = dict(img_path=str(frame.image), video_name=video, frame_name=frame.name, frame_id=step)
    sample = DetDataSample(metainfo=meta)
    sample.pred_panoptic = BaseDataElement(semantic=torch.from_numpy(maps.semantic), track=torch.from_numpy(maps.track))
    return sample


def samples(root, labelled: bool = True):
    """Predictions as the test loop hands them to its evaluator: clips of one frame."""
    from mmdet.structures import TrackDataSample
    from mmengine.structures import InstanceData

    for video in KITTI_STEP.videos(root, "val"):
        for step, frame in enumerate(video.frames):
            sample = sample_of(video.name, frame, step, segments(step, 3))
            sample.set_metainfo({"label_source": str(frame.label) if labelled else None})
            sample.pred_track_instances = InstanceData(
                instances_id=torch.tensor([3]), kernel_indices=torch.tensor([40])
            )
            clip = TrackDataSample()
            clip.video_data_samples = [sample]
            yield clip, sample


def run(root, unpack: bool = False, labelled: bool = True, **options) -> dict:
    evaluator = Evaluator(dict(type="mmdet.OverlayVideo", out_dir=str(root / "out"), **options))
    evaluator.dataset_meta = META
    for clip, sample in samples(root, labelled):
        evaluator.process(data_samples=[sample if unpack else clip], data_batch=None)
    return evaluator.evaluate(6)


@pytest.mark.parametrize("unpack", [False, True])
def test_streamed_videos_equal_those_from_disk(dataset, unpack):
    assert run(dataset, unpack, compare_dir=str(dataset / "base")) == {}
    videos = KITTI_STEP.videos(dataset, "val")
    render_prediction_folder(videos, KITTI_STEP, dataset / "pred", dataset / "disk", dataset / "base")
    names = sorted(p.name for p in (dataset / "out").iterdir())
    assert names == ["0002.mp4", "0006.mp4"]
    for name in names:
        assert (dataset / "out" / name).read_bytes() == (dataset / "disk" / name).read_bytes()


def test_without_truth_there_is_one_panel(dataset):
    def size():
        return next(iter(read_frames(dataset / "out" / "0002.mp4")))[1].shape

    run(dataset)
    both = size()
    run(dataset, labelled=False)
    alone = size()
    run(dataset, show_truth=False)
    assert np.prod(both) > 1.9 * np.prod(alone)
    assert size() == alone


@pytest.mark.parametrize("name", ["cityscapes-vps", "vipseg"])
def test_labels_of_any_kind_and_frames_without(tmp_path, name):
    """Of Cityscapes-VPS the fifth of six frames has truth and a kept prediction; panels are those of the disk."""
    style = get_format(name)
    write_world(tmp_path / "data", style, World(style.classes, (48, 64), frames=6, seed=2), {"val": 1, "test": 1})
    (video,), base = style.videos(tmp_path / "data", "val"), tmp_path / "base"
    labelled = [frame for frame in video.frames if frame.label is not None]
    places = [(base, frame.name) if name == "cityscapes-vps" else (base, video.name, frame.name) for frame in labelled]
    entries = [
        style.write_frame(*place, to_id_map(style.read(frame.label), style.classes))
        for place, frame in zip(places, labelled, strict=True)
    ]
    style.write_list(base, entries if name == "cityscapes-vps" else {video.name: entries})

    def draw(split: str, **options):
        evaluator = Evaluator(dict(type="mmdet.OverlayVideo", out_dir=str(tmp_path / "out"), **options))
        evaluator.dataset_meta = {"format": name}
        (video,), maps = style.videos(tmp_path / "data", split), SegmentMap(*np.zeros((2, 48, 64), np.int32))
        for step, frame in enumerate(video.frames):
            sample = sample_of(video.name, frame, step, maps)
            sample.set_metainfo({"label_source": frame.label})
            evaluator.process(data_samples=[sample], data_batch=None)
        evaluator.evaluate(len(video.frames))
        shapes = {picture.shape for _, picture in read_frames(tmp_path / "out" / f"{video.name}.mp4")}
        assert len(shapes) == 1
        return np.prod(shapes.pop())

    one = draw("test")
    assert 1.9 < draw("val") / one < 2.1
    assert 1.9 < draw("val", compare_dir=str(base), show_truth=False) / one < 2.1
    assert 2.9 < draw("val", compare_dir=str(base)) / one < 4.1


def test_colours_by_kernel_differ_from_those_by_track(dataset):
    def first_frame():
        return next(iter(read_frames(dataset / "out" / "0002.mp4")))[1].astype(int)

    run(dataset, show_truth=False)
    by_track = first_frame()
    run(dataset, show_truth=False, color_by="kernel")
    assert np.abs(first_frame() - by_track).max() > 60


def test_metric_without_frames_is_no_error(dataset):
    evaluator = Evaluator(dict(type="mmdet.OverlayVideo", out_dir=str(dataset / "out")))
    assert evaluator.evaluate(0) == {}


def test_images_of_an_image_set_become_pictures(dataset):
    evaluator = Evaluator(dict(type="mmdet.OverlayVideo", out_dir=str(dataset / "out")))
    evaluator.dataset_meta = META
    for number, (_, sample) in enumerate(samples(dataset)):
        sample.set_metainfo({"video_name": f"image_{number}", "video_length": 1})
        evaluator.process(data_samples=[sample], data_batch=None)
    evaluator.evaluate(6)
    pictures = sorted((dataset / "out").iterdir())
    assert [path.name for path in pictures] == [f"image_{number}.png" for number in range(6)]
    assert len({read_png(path, "RGB").tobytes() for path in pictures}) == 6
