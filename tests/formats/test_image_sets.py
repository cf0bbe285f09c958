"""Image sets on disk: Cityscapes, COCO panoptic, Mapillary Vistas. What all of them have to do."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from video_knet.formats import DatasetFormat, FormatError, SegmentMap, get_format
from video_knet.formats.disk.png import png_size
from video_knet.synthetic import World, write_world

NAMES = ("cityscapes-panoptic", "cityscapes-step", "coco-panoptic", "mapillary")
FRAMES, VIDEOS = 3, 2


def splits(style: DatasetFormat) -> tuple[str, str, str]:
    return tuple(style.published)


def draw(style: DatasetFormat) -> World:
    return World(style.classes, (32, 48), frames=FRAMES, seed=3)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[str, Path]:
    """A tiny set of each kind, read-only by agreement: 6 train, 6 val and 3 test images of 32x48."""
    roots = {}
    for name in NAMES:
        style = get_format(name)
        roots[name] = tmp_path_factory.mktemp("world") / name
        write_world(roots[name], style, draw(style), dict(zip(splits(style), (VIDEOS, VIDEOS, 1))))
    return roots


@pytest.fixture(params=NAMES)
def style(request) -> DatasetFormat:
    return get_format(request.param)


@pytest.fixture
def root(style, worlds, tmp_path) -> Path:
    """A copy that may be damaged."""
    return shutil.copytree(worlds[style.name], tmp_path / style.name)


def label_file(video) -> Path:
    label = video.frames[0].label
    return getattr(label, "path", label)


def faults_of(call) -> FormatError:
    with pytest.raises(FormatError) as caught:
        call()
    return caught.value


def refuse(call, *words) -> None:
    text = str(faults_of(call))
    for word in words:
        assert str(word) in text, (word, text)


def assert_same_objects(found: SegmentMap, drawn: SegmentMap) -> None:
    """Classes are equal, and a track stands for one track of its class."""
    np.testing.assert_array_equal(found.semantic, drawn.semantic)
    both = np.stack([drawn.semantic, drawn.track, found.track]).reshape(3, -1)
    triples = {tuple(column) for column in np.unique(both, axis=1).T}
    assert len({(c, t) for c, t, _ in triples}) == len({(c, t) for c, _, t in triples}) == len(triples)


def test_round_trip(style, worlds):
    for split in splits(style)[:2]:
        videos = style.videos(worlds[style.name], split)
        drawn = [frame for index in range(VIDEOS) for frame in draw(style).video(index, split)]
        style.check_image_sizes(videos)
        for video, (image, truth) in zip(videos, drawn, strict=True):
            (frame,) = video.frames
            assert frame.name == video.name
            found = style.read(frame.label)
            assert (found.semantic.dtype, found.track.dtype) == (np.uint8, np.int32)
            assert_same_objects(found, truth)
            if style.name != "mapillary":  # it has no crowds
                np.testing.assert_array_equal(found.track == 0, truth.track == 0)
            with Image.open(frame.image) as written:
                difference = np.abs(np.asarray(written).astype(int) - image).mean()
            assert difference < 8 if frame.image.suffix == ".jpg" else difference == 0


def test_the_world_has_crowds_and_void(style, worlds):
    """Or the round trip would show nothing."""
    truths = [truth for index in range(VIDEOS) for _, truth in draw(style).video(index, splits(style)[0])]
    assert any((truth.semantic == 255).any() for truth in truths)
    things = [np.isin(truth.semantic, style.classes.thing_ids) for truth in truths]
    assert any((truth.track[thing] == 0).any() for truth, thing in zip(truths, things))


def test_test_images_have_no_labels(style, worlds):
    videos = style.videos(worlds[style.name], splits(style)[2])
    assert len(videos) == FRAMES
    assert all(video.frames[0].label is None and video.frames[0].image.is_file() for video in videos)


def test_names_are_unique_over_splits(style, worlds):
    names = [video.name for split in splits(style) for video in style.videos(worlds[style.name], split)]
    assert len(set(names)) == len(names) == 15
    drawn = [style.sequence_names(split, 40) for split in splits(style)]
    assert len({name for names in drawn for name in names}) == 120
    assert drawn == [sorted(names) for names in drawn]


def test_writing_again_changes_nothing(style, root):
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    split = splits(style)[0]
    for index, name in enumerate(style.sequence_names(split, VIDEOS)):
        images, maps = zip(*draw(style).video(index, split))
        style.write_video(root, split, name, images, maps)
    after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert sorted(before) == sorted(after)
    assert all(before[path] == after[path] for path in before if path.suffix != ".json")
    assert len(style.videos(root, split)) == 6


def test_frames_may_start_at_any_number(style, tmp_path):
    image, truth = next(iter(draw(style).video(0)))
    split = splits(style)[1]
    style.write_video(tmp_path, split, style.sequence_names(split, 1)[0], [image], [truth], start=7)
    (video,) = style.videos(tmp_path, split)
    assert video.name.endswith("7")
    assert_same_objects(style.read(video.frames[0].label), truth)
    for words, call in (
        ("-1", lambda: style.write_video(tmp_path, split, style.sequence_names(split, 1)[0], [image], [truth], -1)),
        ("'a/b'", lambda: style.write_video(tmp_path, split, "a/b", [image], [truth])),
        ("nowhere", lambda: style.write_video(tmp_path, "nowhere", style.sequence_names(split, 1)[0], [], [])),
    ):
        refuse(call, words)


def test_tracks_that_the_coding_cannot_hold_are_numbered_anew(style, tmp_path):
    """Also where two classes share a track id."""
    classes = [style.classes.thing_ids[0], style.classes.thing_ids[-1]]
    semantic = np.repeat(np.array([classes[0], classes[1], classes[0], 255, classes[0]], np.uint8), 4)[None]
    track = np.repeat(np.array([5000, 5000, 1, 0, 5001], np.int32), 4)[None]
    image, truth = np.zeros((1, 20, 3), np.uint8), SegmentMap(semantic, track)
    split = splits(style)[0]
    style.write_video(tmp_path, split, style.sequence_names(split, 1)[0], [image], [truth])
    (video,) = style.videos(tmp_path, split)
    assert_same_objects(style.read(video.frames[0].label), truth)
    for wrong in (SegmentMap(np.full_like(semantic, 200), track), SegmentMap(semantic, track[:, 1:])):
        with pytest.raises(FormatError):
            style.write_video(tmp_path, split, style.sequence_names(split, 1)[0], [image], [wrong])
    assert_same_objects(style.read(video.frames[0].label), truth)  # what was there stays


def test_labels_can_be_pickled(style, worlds):
    video = style.videos(worlds[style.name], splits(style)[0])[0]
    again = pickle.loads(pickle.dumps(video))
    np.testing.assert_array_equal(style.read(again.frames[0].label).track, style.read(video.frames[0].label).track)
    assert style.label_size(again.frames[0].label) == (32, 48)


def test_all_faults_of_a_split_come_in_one_error(style, root):
    split = splits(style)[1]
    videos = style.videos(root, split)
    label_file(videos[0]).unlink()
    videos[2].frames[0].image.unlink()
    error = faults_of(lambda: style.videos(root, split))
    assert len(error.faults) == 2
    for path in (label_file(videos[0]), videos[2].frames[0].image):
        assert any(f"{path}: no such file" in fault for fault in error.faults)
    assert [video.name for video in error.partial] == [videos[i].name for i in (1, 3, 4, 5)]


def test_folders_that_are_not_there(style, root, tmp_path):
    split = splits(style)[0]
    refuse(lambda: style.videos(tmp_path / "nowhere", split), tmp_path / "nowhere", "no such folder", "data_root")
    refuse(lambda: style.videos(root, "minival"), "'minival'", *splits(style))
    for video in style.videos(root, split):
        label_file(video).unlink()
    refuse(lambda: style.videos(root, split), "holds no", ".png")
    shutil.rmtree(label_file(video).parent)
    refuse(lambda: style.videos(root, split), "holds no" if "city" in style.name else "no such folder")


def test_hidden_files_do_not_count(style, root):
    split = splits(style)[0]
    wanted = style.videos(root, split)
    for path in (label_file(wanted[0]), wanted[0].frames[0].image):
        shutil.copy(path, path.with_name(f"._{path.name}"))
    assert style.videos(root, split) == wanted


def test_a_link_that_leads_round_in_a_circle(style, root):
    split = splits(style)[0]
    folder = style.videos(root, split)[0].frames[0].image.parent
    shutil.rmtree(folder)
    os.symlink(folder.name, folder)
    with pytest.raises(FormatError):
        style.videos(root, split)


def test_damaged_labels(style, root):
    video = style.videos(root, splits(style)[0])[0]
    path, label = label_file(video), video.frames[0].label
    whole = path.read_bytes()
    for damaged in (b"", whole[:60], b"<html>" + whole):
        path.write_bytes(damaged)
        refuse(lambda: style.read(label), path, "again")
    for mode in ("L", "P", "RGBA", "I;16" if style.name.startswith("coco") else "RGB"):
        Image.new(mode, (48, 32)).save(path)
        refuse(lambda: style.read(label), path, "pixel layout is", "expected")
    path.unlink()
    refuse(lambda: style.read(label), path, "no such file")


def test_another_size_is_found_by_the_headers(style, root):
    videos = style.videos(root, splits(style)[0])
    path = label_file(videos[1])
    with Image.open(path) as image:
        image.crop((0, 0, 48, 31)).save(path)
    assert png_size(path) == (31, 48)
    refuse(lambda: style.check_image_sizes(videos), path, "48x31", "48x32")


def test_published_counts(style):
    counts = {"city": (2975, 500, 1525), "coco": (118287, 5000, 40670), "mapi": (18000, 2000, 5000)}[style.name[:4]]
    assert tuple(published.videos for published in style.published.values()) == counts
    assert all(published.frames == published.videos for published in list(style.published.values())[:2])
    assert style.layout
