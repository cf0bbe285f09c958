"""YouTube-VIS as training data: both layouts, labels per frame, and every fault with its file and remedy."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.formats.common import change
from video_knet.evaluation.benchmarks import get_benchmark
from video_knet.evaluation.run import Options, evaluate
from video_knet.formats import VOID, FormatError, SegmentMap, get_format
from video_knet.formats.coding.tracks import PredictedTrack, TrackTruth, VideoEntry, true_track
from video_knet.formats.youtube_vis import YouTubeVIS
from video_knet.formats.youtube_vis.tree import find_json
from video_knet.synthetic import World, write_world

STYLE = YouTubeVIS()
JSON = {2019: "{}.json", 2021: "{}/instances.json"}
SIZE = (32, 64)


def drawn(year: int = 2019) -> World:
    return World(YouTubeVIS(year).classes, SIZE, frames=4, seed=3)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[int, Path]:
    """A tiny data set of each edition, read-only by agreement: 2 train, 1 val, 1 test video of 4 frames."""
    roots = {}
    for year in JSON:
        roots[year] = tmp_path_factory.mktemp("world") / f"youtube_vis_{year}"
        write_world(roots[year], YouTubeVIS(year), drawn(year), {"train": 2, "val": 1, "test": 1})
    return roots


@pytest.fixture
def root(worlds, tmp_path) -> Path:
    """A copy of the world of 2019 that may be damaged."""
    return shutil.copytree(worlds[2019], tmp_path / "copy")


def refused(root: Path, split: str = "train", style: YouTubeVIS = STYLE) -> FormatError:
    with pytest.raises(FormatError) as error:
        style.videos(root, split)
    return error.value


def things_of(truth: SegmentMap, classes) -> SegmentMap:
    thing = np.isin(truth.semantic, classes.thing_ids)
    return SegmentMap(np.where(thing, truth.semantic, VOID), truth.track)


@pytest.mark.parametrize("year", JSON)
def test_the_world_is_read_back(worlds, year):
    style = get_format(f"youtube_vis_{year}")
    assert style.name == "youtube-vis"
    crowd = 0
    for split, count in (("train", 2), ("valid", 1)):
        assert (worlds[year] / JSON[year].format(split)).is_file()
        videos = style.videos(worlds[year], split)
        style.check_image_sizes(videos)
        for index, video in enumerate(videos):
            for frame, (_, truth) in zip(video.frames, drawn(year).video(index, split.replace("valid", "val"))):
                assert frame.image == worlds[year] / split / "JPEGImages" / video.name / f"{frame.name}.jpg"
                assert style.label_size(frame.label) == SIZE
                found, wanted = style.read(frame.label), things_of(truth, style.classes)
                assert (found.semantic == wanted.semantic).all()
                assert (found.track == wanted.track).all()
                crowd += ((wanted.semantic != VOID) & (wanted.track == 0)).sum()
        assert len(videos) == count
    assert crowd
    names = style.sequence_names("val", 1)
    assert [v.name for v in style.videos(worlds[year], "val")] == names  # an alias
    test = style.videos(worlds[year], "test")
    assert [frame.label for video in test for frame in video.frames] == [None] * 4


def test_the_written_truth_scores_1(worlds, tmp_path):
    gt = worlds[2019] / "valid.json"
    truth = STYLE.read_truth(gt)
    assert any(track.crowd for track in truth.tracks)
    STYLE.write_predictions(
        tmp_path / "results.json",
        (PredictedTrack(t.video_id, t.category_id, 1.0, t.segmentations) for t in truth.tracks if not t.crowd),
    )
    scores = evaluate(get_benchmark("youtube-vis"), gt, tmp_path / "results.json", options=Options(progress=False))
    assert (scores["AP"], scores["AR100"]) == (1.0, 1.0)


def test_facts():
    assert STYLE.published == {"train": (2238, None), "valid": (302, None), "test": (343, None)}
    assert set(STYLE.layout) == {"SPLIT.json", "SPLIT/JPEGImages/VIDEO/FRAME.jpg"}
    assert "SPLIT/instances.json" in YouTubeVIS(2021).layout
    assert get_format("youtube_vis").classes == STYLE.classes != get_format("youtube-vis-2021").classes


def test_writing_a_video_again_changes_nothing(worlds, root):
    before = (root / "train.json").read_bytes()
    for index, name in enumerate(STYLE.sequence_names("train", 2)):
        images, maps = zip(*drawn().video(index, "train"))
        STYLE.write_video(root, "train", name, images, maps)
        assert (root / "train.json").read_bytes() == before
    STYLE.write_video(root, "train", STYLE.sequence_names("train", 1)[0], images, maps)
    assert len(STYLE.videos(root, "train")) == 2
    ids = [entry["id"] for entry in json.loads((root / "train.json").read_text())["annotations"]]
    assert ids == list(range(1, len(ids) + 1))


def test_failed_writing_leaves_the_json(root):
    images, maps = zip(*drawn().video(0))
    before = (root / "train.json").read_bytes()
    for wrong in (
        dict(maps=(*maps[:3], None)),
        dict(images=(*images[:3], images[3][1:])),
        dict(split="minival"),
        dict(name="a/b"),
        dict(start=-1),
        dict(images=(), maps=()),
    ):
        with pytest.raises(FormatError):
            STYLE.write_video(**{**dict(root=root, split="train", name="new", images=images, maps=maps), **wrong})
        assert (root / "train.json").read_bytes() == before
    change(root / "train.json", lambda d: d["categories"].pop())
    with pytest.raises(FormatError, match=r"train\.json: has other categories"):
        STYLE.write_video(root, "train", "new", images, maps)


@pytest.mark.parametrize(
    ("json_place", "image_place"),
    [
        ("train.json", "train/JPEGImages"),
        ("train.json", "train"),
        ("annotations/instances_train.json", "train/JPEGImages"),
        ("train/instances.json", "train/JPEGImages"),
        ("annotations/youtube_vis_2019_train.json", "train/JPEGImages"),
    ],
)
def test_layouts(worlds, tmp_path, json_place, image_place):
    (tmp_path / json_place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(worlds[2019] / "train" / "JPEGImages", tmp_path / image_place, dirs_exist_ok=True)
    shutil.copy(worlds[2019] / "train.json", tmp_path / json_place)
    videos = STYLE.videos(tmp_path, "train")
    assert len(videos) == 2
    STYLE.check_image_sizes(videos)
    assert find_json(tmp_path / "train.json") == tmp_path / json_place  # for metrics, one name in all layouts
    assert find_json(tmp_path / "valid.json") == tmp_path / "valid.json"


@pytest.mark.parametrize("name", ["train_minival.json", "minival.json", "sub/val.json", "absolute"])
def test_a_json_as_split_finds_its_images(root, tmp_path, name):
    """Also where its name speaks of another folder than the one that holds them."""
    path = tmp_path / "elsewhere.json" if name == "absolute" else root / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(root / "train.json", path)
    (video, _) = STYLE.videos(root, str(path) if name == "absolute" else name)
    assert video.frames[0].image.parent == root / "train" / "JPEGImages" / video.name


def test_objects_overlap_and_are_read_exactly(tmp_path):
    rng = np.random.default_rng(0)
    masks = rng.random((3, 2, *SIZE)) < 0.4
    masks[1, 0] = False
    video = VideoEntry(0, "v", SIZE[1], SIZE[0], 2, ("v/0.jpg", "v/5.jpg"))  # the evaluation takes ids from 0
    tracks = [true_track(video, i, m, crowd=i == 2, number=7 + i) for i, m in enumerate(masks)]
    STYLE.write_truth(tmp_path / "train.json", TrackTruth({0: video}, {0: "cat", 1: "dog", 2: "person"}, tuple(tracks)))
    for name in video.file_names:
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / name).touch()
    (found,) = STYLE.videos(tmp_path, "train")
    assert [frame.name for frame in found.frames] == ["0", "5"]
    labels = [pickle.loads(pickle.dumps(frame.label)) for frame in found.frames]
    assert len(pickle.dumps(labels[1])) < 10_000
    for t, label in enumerate(labels):
        objects = STYLE.read_objects(label)
        names = [STYLE.classes.names[i] for i in objects.semantic]
        assert list(zip(names, objects.track)) == [("person", 0), ("cat", 1), ("dog", 2)][: 3 if t else 2]
        for n, mask in enumerate(masks[[2, 0, 1][: 3 if t else 2], t]):
            assert (objects.members[objects.regions, n] == mask).all()
        assert (STYLE.read(label).track == np.select([masks[1, t], masks[0, t]], [2, 1], 0)).all()


def test_what_the_evaluation_does_without_may_be_absent(root):
    def strip(data: dict) -> None:
        data["videos"][0]["id"] = 0
        for entry in data["annotations"]:
            entry["video_id"] = 0
            for key in ("areas", "bboxes", "height", "width", "length"):
                del entry[key]
            if not entry["iscrowd"]:
                del entry["iscrowd"]

    whole = STYLE.read_truth(root / "valid.json")
    change(root / "valid.json", strip)
    truth = STYLE.read_truth(root / "valid.json")
    assert [(t.areas, t.crowd) for t in truth.tracks] == [(t.areas, t.crowd) for t in whole.tracks]
    assert list(truth.videos) == [0]
    assert len(STYLE.videos(root, "valid")) == 1


def test_frames_of_a_video_without_objects_are_labelled(root):
    change(root / "train.json", lambda d: d.update(annotations=[a for a in d["annotations"] if a["video_id"] == 1]))
    empty = STYLE.videos(root, "train")[1]
    for frame in empty.frames:
        assert (STYLE.read(frame.label).semantic == VOID).all()
    change(root / "train.json", lambda d: d.update(annotations=[]))
    assert {frame.label for video in STYLE.videos(root, "train") for frame in video.frames} == {None}


def test_categories_are_read_by_name(worlds, root):
    def permute(data: dict) -> None:
        used = {entry["category_id"] for entry in data["annotations"]}
        data["categories"] = [c for c in data["categories"][::-1] if c["id"] in used]
        new = {c["id"]: i for i, c in enumerate(data["categories"], 5)}
        for entry in data["categories"]:
            entry["id"] = new[entry["id"]]
            entry["name"] = entry["name"].replace("_", " ").title()
        for entry in data["annotations"]:
            entry["category_id"] = new[entry["category_id"]]

    change(root / "train.json", permute)
    for ours, theirs in zip(STYLE.videos(root, "train"), STYLE.videos(worlds[2019], "train")):
        for frame, same in zip(ours.frames, theirs.frames):
            assert (STYLE.read(frame.label).semantic == STYLE.read(same.label).semantic).all()


def test_categories_of_another_edition_are_refused(root):
    (fault,) = refused(root, style=YouTubeVIS(2021)).faults
    for word in ("train.json", "of YouTube-VIS 2021", "sedan", "youtube-vis-2019"):
        assert word in fault


JSON_FAULTS = {
    "no json": (lambda d: None, "is a NoneType"),
    "converted": (lambda d: {**d, "images": []}, "lists single images, as a converted file does"),
    "no videos": (lambda d: {"info": 1}, "has no list 'videos'"),
    "same id": (lambda d: d["annotations"][1].update(id=1), "annotation entry 1: id 1 is there twice"),
    "id 0": (lambda d: d["annotations"][0].update(id=0), "annotation entry 0: id is 0, not a whole number from 1"),
    "video": (
        lambda d: d["annotations"][0].update(video_id=9),
        "annotation entry 0: video_id 9 is not among the 2 ids",
    ),
    "category": (lambda d: d["annotations"][0].update(category_id=41), "entry 0: category_id 41 is not among the 40"),
    "size": (
        lambda d: [m.update(size=SIZE[::-1]) for m in d["annotations"][0]["segmentations"] if m],
        r"entry 0, frame \d: mask has size \[64, 32\] \(H, W\), its video \[32, 64\]",
    ),
    "counts": (
        lambda d: [m.update(counts=[1, 2]) for m in d["annotations"][0]["segmentations"] if m],
        r"entry 0, frame \d: cannot be decoded, counts are not lengths from 0 with the sum 2048",
    ),
    "frame": (
        lambda d: d["videos"][0]["file_names"].__setitem__(1, "x/00000.jpg"),
        r"x: cannot be listed .*the video 1",
    ),
    "twice": (
        lambda d: d["videos"][0].update(file_names=["x/0.jpg"] * 4),
        "video entry 0: file_names name a frame twice",
    ),
    "out": (lambda d: d["videos"][0]["file_names"].__setitem__(1, "../00000.jpg"), "video 1 has the file name '../000"),
    "root": (lambda d: d["videos"][0]["file_names"].__setitem__(1, "/00000.jpg"), "video 1 has the file name '/000"),
}


@pytest.mark.parametrize("name", JSON_FAULTS)
def test_fault_in_the_json(root, name):
    edit, message = JSON_FAULTS[name]
    data = json.loads((root / "train.json").read_text())
    other = edit(data)
    data = other if name in ("no json", "converted", "no videos") else data
    (root / "train.json").write_text(json.dumps(data))
    with pytest.raises(FormatError, match=message) as error:
        STYLE.videos(root, "train")
    assert str(root) in str(error.value)


@pytest.mark.parametrize("content", [b"", b'{"videos": [', b"\xff\xfe\x00", b"[]", b"[" * 100_000])
def test_damaged_json(root, content):
    (root / "train.json").write_bytes(content)
    assert str(root / "train.json") in str(refused(root))


def test_absent_files(root, tmp_path):
    assert "has no json of split 'minival'; looked for" in str(refused(root, "minival"))
    assert "has no json of split 'other.json'; looked for" in str(refused(root, "other.json"))
    assert "train.json" in str(refused(tmp_path / "nowhere"))
    first, second = STYLE.videos(root, "train")
    first.frames[1].image.unlink()
    shutil.rmtree(second.frames[0].image.parent)
    error = refused(root)
    assert len(error.faults) == 2
    assert f"{first.frames[1].image}: no such file" in error.faults[0]
    assert f"{second.frames[0].image.parent}: cannot be listed (No such file or directory)" in error.faults[1]
    shutil.rmtree(root / "train")
    assert len(refused(root).faults) == 2


def test_symlink_loop(root):
    folder = STYLE.videos(root, "train")[0].frames[0].image.parent
    shutil.rmtree(folder)
    folder.symlink_to(folder)
    assert f"{folder}: cannot be listed" in str(refused(root))


def test_all_faults_are_named_and_the_rest_is_given(root):
    change(root / "train.json", lambda d: d["annotations"][0].update(category_id=99, iscrowd=3))
    error = refused(root)
    assert len(error.faults) == 2
    assert [video.name for video in error.partial] == STYLE.sequence_names("train", 2)[1:]
    Path(error.partial[0].frames[0].image).unlink()
    error = refused(root)
    assert len(error.faults) == 3
    assert error.partial == []
