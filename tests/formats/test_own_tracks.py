"""Instances of one's own videos: two structures of json say the same, and their faults are named."""

import json
from pathlib import Path

import numpy as np
import pytest

from video_knet.formats import FormatError, OwnVideos, YouTubeVIS
from video_knet.formats.base import VOID, ClassTable
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.coding.tracks import TrackTruth, VideoEntry, true_track
from video_knet.formats.disk.png import write_png
from video_knet.formats.own_videos.description import INSTANCES, Description, write_description

SIZE = (4, 6)
TABLE = ClassTable(("cup", "plate"), (0, 1), ((1, 0, 0), (0, 1, 0)))
ENTRY = VideoEntry(1, "a", SIZE[1], SIZE[0], 2, ("a/frame2.png", "a/frame10.png"))


def masks() -> np.ndarray:
    """(3 objects, 2 frames, 4, 6): a cup on a plate, and a crowd of cups in the second frame."""
    found = np.zeros((3, 2, *SIZE), bool)
    found[0, :, 1:3, 1:4] = True
    found[1, 0, 2:4, 0:6] = True
    found[2, 1, 0, :] = True
    return found


@pytest.fixture
def root(tmp_path) -> Path:
    write_description(tmp_path, Description("table", TABLE, INSTANCES))
    for name in ENTRY.file_names:
        write_png(tmp_path / "frames" / name, np.zeros((*SIZE, 3), np.uint8))
    return tmp_path


def youtube_vis() -> TrackTruth:
    plate, cup, crowd = masks()[1], masks()[0], masks()[2]
    tracks = (true_track(ENTRY, 2, plate), true_track(ENTRY, 1, cup), true_track(ENTRY, 1, crowd, crowd=True))
    return TrackTruth({1: ENTRY}, {1: "cup", 2: "plate"}, tracks)


def coco_video() -> dict:
    images = [
        {"id": 10 + t, "video_id": 3, "frame_id": t, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for t, name in reversed(list(enumerate(ENTRY.file_names)))
    ]
    annotations = []
    for instance, (category, crowd, track) in enumerate(zip((80, 70, 70), (0, 0, 1), masks()[[1, 0, 2]])):
        for t, code in enumerate(encode_masks(track)):
            if code is not None:
                entry = {"image_id": 10 + t, "category_id": category, "instance_id": instance, "iscrowd": crowd}
                annotations.append({"id": len(annotations) + 1, **entry, "segmentation": code})
    annotations[0]["segmentation"] = [[0, 2, 6, 2, 6, 4, 0, 4]]
    categories = [{"id": 70, "name": "cup"}, {"id": 80, "name": "plate"}]
    return {"videos": [{"id": 3}], "images": images, "categories": categories, "annotations": annotations}


def write(root: Path, content: dict | TrackTruth) -> Path:
    path = root / "instances_val.json"
    if isinstance(content, TrackTruth):
        YouTubeVIS().write_truth(path, content)
    else:
        path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("content", [youtube_vis(), coco_video()], ids=["youtube-vis", "coco-video"])
def test_both_structures_say_the_same(root, content):
    write(root, content)
    style = OwnVideos(root)
    (video,) = style.videos(root, "val")
    assert (video.name, [frame.name for frame in video.frames]) == ("a", ["frame2", "frame10"])
    first, second = (frame.label for frame in video.frames)
    assert style.label_size(first) == SIZE
    objects = style.read_objects(first)
    assert (objects.semantic.tolist(), objects.track.tolist()) == ([1, 0], [1, 2])
    shown = objects.members[objects.regions]  # (H, W, 2)
    assert (shown[..., 0] == masks()[1, 0]).all()
    assert (shown[..., 1] == masks()[0, 0]).all()
    assert (shown.all(-1)).any()  # they overlap
    crowd = style.read_objects(second)
    assert (crowd.semantic.tolist(), crowd.track.tolist()) == ([0, 0], [0, 2])
    painted = style.read(first)
    assert (painted.track == np.where(masks()[0, 0], 2, masks()[1, 0])).all()
    assert (painted.semantic == np.where(masks()[0, 0], 0, np.where(masks()[1, 0], 1, VOID))).all()


def test_videos_without_annotations_have_no_labels(root):
    write(root, {**coco_video(), "annotations": []})
    style = OwnVideos(root)
    assert [frame.label for video in style.videos(root, "val") for frame in video.frames] == [None, None]
    assert [len(video.frames) for video in style.videos(root, "test")] == [2]  # has no json: all videos
    with pytest.raises(FormatError, match="no instances_train"):
        style.videos(root, "train")


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ("annotations", {"instance_id": 1}, "instance_id 1 is in image 10 twice"),
        ("annotations", {"category_id": 5}, "category_id 5 is not among"),
        ("annotations", {"image_id": 5}, "image_id 5 is not the id of an image"),
        ("annotations", {"segmentation": [[1, 2]]}, "segmentation has 2 numbers"),
        ("annotations", {"segmentation": 3}, "segmentation is '3'"),
        ("annotations", {"segmentation": {"size": [4, 6], "counts": "~"}}, "cannot be decoded"),
        ("annotations", {"segmentation": {"size": [5, 6], "counts": "`0"}}, "no polygons"),
        ("annotations", {"instance_id": "x"}, "instance_id is 'x'"),
        ("images", {"id": 10}, "id 10 is there twice"),
        ("images", {"frame_id": 0}, "frame_id 0 of video 3 is there twice"),
        ("images", {"video_id": 4}, "video_id 4"),
        ("images", {"width": 7}, "sizes"),
        ("images", {"file_name": "frame2.png"}, "VIDEO/FRAME.jpg"),
        ("images", {"file_name": "a/frame2.png"}, "has the frame a/frame2.png twice"),
        ("images", {"file_name": "a/absent.png"}, "absent.png: no such file"),
        ("categories", {"name": "fork"}, "'fork', which is no class of dataset.json (cup, plate)"),
        ("categories", {"id": 80}, "id 80 is there twice"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:30],
)
def test_faults_of_coco_video(root, where, change, words):
    content = coco_video()
    content[where][0].update(change)
    path = write(root, content)
    with pytest.raises(FormatError) as caught:
        OwnVideos(root).videos(root, "val")
    assert words in str(caught.value)
    assert str(path if "absent" not in words else root) in str(caught.value)


def test_a_track_has_one_category(root):
    content = coco_video()
    content["annotations"][-2]["category_id"] = 80
    write(root, content)
    with pytest.raises(FormatError, match="instance_id 1 is category 80 here, 70 before"):
        OwnVideos(root).videos(root, "val")


def test_all_is_every_file_of_tracks(root):
    path = write(root, youtube_vis())
    style = OwnVideos(root)
    assert style.known_splits(root) == ("val",)
    assert [video.name for video in style.videos(root, "all")] == ["a"]
    (root / "instances_train.json").write_bytes(path.read_bytes())
    with pytest.raises(FormatError, match="video a is in another split, too"):
        style.videos(root, "all")
