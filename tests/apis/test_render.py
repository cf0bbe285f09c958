"""Overlay videos: one per video, panels as asked for, ready for videos that arrive frame by frame."""

import numpy as np
import pytest
from PIL import Image

from video_knet.apis.render import VideoRenderer, render_prediction_folder
from video_knet.apis.video_io import VideoError, read_frames
from video_knet.formats import FormatError, get_format
from video_knet.formats.base import SegmentMap
from video_knet.formats.coding.id_maps import to_id_map
from video_knet.synthetic import World, write_world

KITTI_STEP = get_format("kitti_step")
SIZE = (96, 192)


def segments(step: int, track: int = 1) -> SegmentMap:
    semantic, ids = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.int32)
    semantic[30:60, 10 + step : 60 + step], ids[30:60, 10 + step : 60 + step] = 13, track
    return SegmentMap(semantic, ids)


def image(step: int) -> np.ndarray:
    return np.full((*SIZE, 3), 60 + step, np.uint8)


@pytest.fixture
def dataset(tmp_path):
    for name, start in (("0002", 78), ("0006", 0)):
        steps = range(4)
        KITTI_STEP.write_video(tmp_path, "val", name, map(image, steps), map(segments, steps), start)
        for step in steps:
            for folder, track in (("pred", 3), ("base", 4)):
                path = KITTI_STEP.prediction_path(tmp_path / folder, name, f"{start + step:06d}")
                KITTI_STEP.write(path, segments(step, track))
    return tmp_path


def frames_of(path) -> list[np.ndarray]:
    return [frame for _, frame in read_frames(path)]


def test_folder_becomes_one_video_per_sequence_with_truth_and_comparison(dataset):
    videos, seen = KITTI_STEP.videos(dataset, "val"), []
    paths = render_prediction_folder(
        videos, KITTI_STEP, dataset / "pred", dataset / "out", dataset / "base", progress=lambda *x: seen.append(x)
    )
    assert [p.name for p in paths] == ["0002.mp4", "0006.mp4"]
    assert seen == [("0002", i, 8) for i in range(1, 5)] + [("0006", i, 8) for i in range(5, 9)]
    three = frames_of(paths[0])
    alone = frames_of(
        render_prediction_folder(videos, KITTI_STEP, dataset / "pred", dataset / "alone", show_truth=False)[0]
    )
    assert len(three) == len(alone) == 4
    assert np.prod(three[0].shape) > 2.9 * np.prod(alone[0].shape)


def test_missing_prediction_is_named_and_no_half_video_is_left(dataset):
    KITTI_STEP.prediction_path(dataset / "pred", "0006", "000002").unlink()
    with pytest.raises(FormatError, match=r"0006/000002\.png does not exist; predict"):
        render_prediction_folder(KITTI_STEP.videos(dataset, "val"), KITTI_STEP, dataset / "pred", dataset / "out")
    assert [p.name for p in (dataset / "out").iterdir()] == ["0002.mp4"]


def test_streamed_frames_equal_the_folder(dataset):
    videos = KITTI_STEP.videos(dataset, "val")
    whole = render_prediction_folder(videos, KITTI_STEP, dataset / "pred", dataset / "out")
    with VideoRenderer(dataset / "stream", KITTI_STEP.classes) as renderer:
        for video in videos:
            for step, frame in enumerate(video.frames):
                renderer.add(video.name, frame.name, image(step), segments(step, 3), segments(step))
    assert [p.name for p in whole] == [p.name for p in renderer.finished]
    # Compared as pictures: what the encoder makes of them may differ between runs, since it works on several threads.
    for one, other in zip(whole, renderer.finished, strict=True):
        pairs = list(zip(frames_of(one), frames_of(other), strict=True))
        assert pairs
        assert all(np.abs(a.astype(int) - b.astype(int)).mean() < 1 for a, b in pairs)


def test_panels_stay_when_some_frames_have_no_truth(tmp_path):
    with VideoRenderer(tmp_path, KITTI_STEP.classes, panels=("image", "prediction", "truth")) as renderer:
        for step in range(3):
            renderer.add("a/b", f"{step}", image(step), segments(step), segments(step) if step == 1 else None)
    assert len({frame.shape for frame in frames_of(tmp_path / "a_b.mp4")}) == 1


@pytest.mark.parametrize(("first", "panels"), [(4, 2), (None, 1), (6, 1)])
def test_truth_that_begins_late_has_its_panel_from_the_start(tmp_path, first, panels):
    """By the fifth frame; later it is too late. Frames without truth show the bare image in its place."""
    with VideoRenderer(tmp_path, KITTI_STEP.classes, lookahead=5) as renderer:
        for video in ("a", "b"):
            for step in range(8):
                renderer.add(video, f"{step}", image(step), segments(step), segments(step) if step == first else None)
    (alone,) = {f.shape for f in frames_of(render_one(tmp_path / "alone"))}
    for video in ("a", "b"):
        found = frames_of(tmp_path / f"{video}.mp4")
        assert len(found) == 8
        (shape,) = {frame.shape for frame in found}
        assert panels - 0.1 < np.prod(shape) / np.prod(alone) < panels + 0.1


def render_one(folder):
    with VideoRenderer(folder, KITTI_STEP.classes) as renderer:
        renderer.add("one", "0", image(0), segments(0))
    return folder / "one.mp4"


def test_short_videos_and_bare_ones_are_written(tmp_path):
    with VideoRenderer(tmp_path, KITTI_STEP.classes, lookahead=5) as renderer:
        renderer.add("short", "0", image(0), segments(0))
        renderer.add("bare", "0", image(0), None)
    assert [path.name for path in renderer.finished] == ["short.mp4", "bare.mp4"]
    assert [len(frames_of(path)) for path in renderer.finished] == [1, 1]


def test_objects_of_different_classes_are_told_apart(tmp_path, monkeypatch):
    """VIPSeg numbers the objects of each class; where truth is drawn, each has an id, and so a colour, of its own."""
    drawn = []
    monkeypatch.setattr("video_knet.apis.render.overlay", lambda image, found, *_: drawn.append(found) or image)
    both = segments(0, 1)
    both.semantic[:10], both.track[:10] = 11, 1
    with VideoRenderer(tmp_path, KITTI_STEP.classes, panels=("prediction", "truth")) as renderer:
        for step in range(2):
            renderer.add("a", f"{step}", image(0), both, both if step == 0 else segments(0, 1))
    shown = [sorted({*zip(found.semantic.flat, found.track.flat)}) for found in drawn]
    assert shown[:2] == [[(0, 0), (11, 1), (13, 1)], [(0, 0), (11, 1), (13, 2)]]
    assert shown[3] == [(0, 0), (13, 2)]


@pytest.mark.parametrize("name", ["cityscapes-vps", "vipseg", "vspw"])
def test_predictions_of_other_formats_are_compared(tmp_path, name):
    """What metrics write is drawn; of Cityscapes-VPS that is every fifth frame, and panels stay all the same."""
    style = get_format(name)
    write_world(tmp_path / "data", style, World(style.classes, (48, 64), frames=6, seed=2), {"val": 1})
    (video,) = videos = style.videos(tmp_path / "data", "val")
    entries = []
    for frame in video.frames:
        if frame.label is None:
            continue
        found = style.read(frame.label)
        if name == "vspw":
            found.semantic[found.semantic == 255] = 0
            style.write_prediction(style.prediction_path(tmp_path / "pred", video.name, frame.name), found)
        else:
            place = (tmp_path / "pred", frame.name) if name != "vipseg" else (tmp_path / "pred", video.name, frame.name)
            entries.append(style.write_frame(*place, to_id_map(found, style.classes)))
    if entries:
        style.write_list(tmp_path / "pred", {video.name: entries} if name == "vipseg" else entries)
    pred = tmp_path / "pred"
    (path,) = render_prediction_folder(videos, style, pred, tmp_path / "out", pred)
    (alone,) = render_prediction_folder(videos, style, pred, tmp_path / "alone", show_truth=False)
    found = frames_of(path)
    assert len(found) == 6
    assert len({frame.shape for frame in found}) == 1
    assert np.prod(found[0].shape) > 2.9 * np.prod(frames_of(alone)[0].shape)


def test_every_track_keeps_its_colour_through_the_video(tmp_path):
    with VideoRenderer(tmp_path, KITTI_STEP.classes) as renderer:
        for step in range(0, 60, 10):
            renderer.add("v", f"{step}", np.full((*SIZE, 3), 60, np.uint8), segments(step, 7))
    frames = frames_of(tmp_path / "v.mp4")
    bar, scale = frames[0].shape[0] - 4 * SIZE[0], 4
    inside = np.array([f[bar + 33 * scale, (14 + 10 * i) * scale] for i, f in enumerate(frames)]).astype(int)
    assert np.abs(inside - inside[0]).max() < 8


def test_renderer_wants_whole_videos_and_known_panels(tmp_path):
    renderer = VideoRenderer(tmp_path, KITTI_STEP.classes)
    renderer.add("a", "0", image(0), segments(0))
    renderer.add("b", "0", image(0), segments(0))
    with pytest.raises(VideoError, match="more frames of a arrive"):
        renderer.add("a", "1", image(1), segments(1))
    with pytest.raises(VideoError, match="video c, frame 0: image is"):
        renderer.add("c", "0", image(0)[:50], segments(0))
    renderer.discard()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    with pytest.raises(ValueError, match=r"panels are \('mask',\)"):
        VideoRenderer(tmp_path, KITTI_STEP.classes, panels=("mask",))


def test_image_of_a_frame_that_is_damaged_is_named(dataset):
    path = dataset / "training" / "image_02" / "0002" / "000079.png"
    Image.fromarray(image(0)).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(VideoError, match=r"000079\.png cannot be decoded"):
        render_prediction_folder(KITTI_STEP.videos(dataset, "val"), KITTI_STEP, dataset / "pred", dataset / "out")
