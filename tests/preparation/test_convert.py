"""Converters: what they write says what they read, and every fault names file and line."""

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools import convert_dataset
from video_knet.formats import VOID, FormatError, OwnVideos
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.disk.png import write_png
from video_knet.formats.youtube_vis import YouTubeVIS
from video_knet.preparation import convert_mots as mots
from video_knet.preparation import convert_scalabel as scalabel_converter
from video_knet.preparation import convert_semantic as semantic_converter
from video_knet.preparation.mots_files import map_of_ids
from video_knet.preparation.new_dataset import Job

SIZE = (4, 6)
CAMVID = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]


def convert(function, src: Path, out: Path, *args, link: str | None = None, force: bool = False, **options):
    return function(Job(src, out, link=link, force=force, progress=False), *args, **options)


convert_mots = partial(convert, mots.convert_mots, classes={1: "car", 2: "pedestrian"})
convert_scalabel = partial(convert, scalabel_converter.convert_scalabel, classes=convert_dataset.BDD100K)
convert_semantic = partial(convert, semantic_converter.convert_semantic)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def line(frame: int, object_id: int, mask: np.ndarray, category: int | None = None) -> str:
    (code,) = encode_masks(mask[None])
    category = object_id // 1000 if category is None else category
    return f"{frame} {object_id} {category} {SIZE[0]} {SIZE[1]} {code['counts']}"


def add_images(folder: Path, *names: str, size: tuple[int, int] = SIZE) -> None:
    for name in names:
        write_png(folder / name, np.full((*size, 3), 7, np.uint8))


def refuse(call, *words: object) -> None:
    with pytest.raises(FormatError) as caught:
        call()
    for word in words:
        assert str(word) in str(caught.value)


LINES = [line(0, 1000, box(0, 2, 0, 3)), line(0, 2003, box(2, 4, 0, 2)), line(0, 10000, box(0, 1, 5, 6), 10)]
LINES += [line(2, 2003, box(2, 4, 1, 3))]


@pytest.fixture
def kitti_mots(tmp_path) -> Path:
    root = tmp_path / "mots"
    add_images(root / "training/image_02/0002", "000000.png", "000001.png", "000002.png")
    (root / "instances_txt").mkdir()
    (root / "instances_txt/0002.txt").write_text("\n".join(LINES) + "\n")
    return root


def expected() -> tuple[np.ndarray, np.ndarray]:
    """Classes and tracks of the first frame."""
    semantic, track = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.int32)
    semantic[0:2, 0:3], track[0:2, 0:3] = 1, 1
    semantic[2:4, 0:2], track[2:4, 0:2] = 2, 4
    semantic[0, 5] = VOID
    return semantic, track


@pytest.mark.parametrize("kind", ["text", "png", "challenge"])
def test_mots(tmp_path, kitti_mots, kind):
    if kind == "png":
        (kitti_mots / "instances_txt/0002.txt").unlink()
        (kitti_mots / "instances_txt").rmdir()
        ids = np.zeros(SIZE, np.uint16)
        ids[0:2, 0:3], ids[2:4, 0:2], ids[0, 5] = 1000, 2003, 10000
        write_png(kitti_mots / "instances/0002/000000.png", ids)
        write_png(kitti_mots / "instances/0002/000002.png", np.where(box(2, 4, 1, 3), 2003, 0).astype(np.uint16))
    if kind == "challenge":
        challenge = tmp_path / "challenge/0002"
        (challenge / "gt").mkdir(parents=True)
        (kitti_mots / "instances_txt/0002.txt").rename(challenge / "gt/gt.txt")
        (kitti_mots / "training/image_02/0002").rename(challenge / "img1")
        kitti_mots = challenge.parent
    out = tmp_path / "out"
    counts = convert_mots(kitti_mots, out)
    assert counts == {"videos": 1, "frames": 3, "labels": 2 if kind == "png" else 3}
    style = OwnVideos(out)
    assert (style.classes.names, style.classes.thing_ids) == (("background", "car", "pedestrian"), (1, 2))
    (video,) = style.videos(out, "all")
    labels = [frame.label and style.read(frame.label) for frame in video.frames]
    semantic, track = expected()
    assert (labels[0].semantic == semantic).all()
    assert (labels[0].track == track).all()
    assert labels[1] is None if kind == "png" else not labels[1].semantic.any()
    assert (labels[2].track == np.where(box(2, 4, 1, 3), 4, 0)).all()  # the same object


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 1000 1 4", ["line 2", "not frame, object id, class id"]),
        ("0 1000 2 4 6 abc", ["line 2", "object id 1000 is not of class 2"]),
        ("0 1001 1 5 6 abc", ["line 2", "size is (5, 6)"]),
        ("0 1001 1 4 6 ~~", ["line 2", "not the text of an RLE"]),
        (line(0, 3001, box(3, 4, 3, 4)), ["line 2", "of class 3", "--classes"]),
        (line(0, 1001, box(0, 4, 0, 6)), ["line 2", "overlaps object 1000"]),
        (line(9, 1001, box(0, 4, 0, 6)), ["line 2", "frame 9 has no image"]),
        ("-1 1001 1 4 6 abc", ["line 2", "below 0"]),
    ],
)
def test_faults_of_mots_name_file_and_line(tmp_path, kitti_mots, text, words):
    path = kitti_mots / "instances_txt/0002.txt"
    path.write_text(f"{LINES[0]}\n{text}\n")
    refuse(lambda: convert_mots(kitti_mots, tmp_path / "out"), path, *words)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mots"]  # whole or nothing


def test_other_faults_of_mots(tmp_path, kitti_mots):
    out = tmp_path / "out"
    refuse(lambda: convert_mots(kitti_mots, out, val=["0003"]), "--val", "'0003' is no video")
    refuse(lambda: convert_mots(kitti_mots, out, val=["0002"]), "Leave one to train on")
    refuse(lambda: convert_mots(kitti_mots, out, classes={10: "x"}), "class id 10")
    refuse(lambda: convert_mots(tmp_path / "absent", out), "no folder of labels", "--labels")
    (kitti_mots / "instances_txt/0002.txt").write_bytes(b"\xff\xfe\x00")
    refuse(lambda: convert_mots(kitti_mots, out), "0002.txt", "cannot be read as text")
    add_images(kitti_mots / "training/image_02/0002", "last.png")
    refuse(lambda: convert_mots(kitti_mots, out), "last.png", "no frame number")
    refuse(lambda: map_of_ids(np.full((1, 1), 5), {1: 1}, lambda value: "0.png"), "0.png", "of class 0")


@pytest.fixture
def semantic(tmp_path) -> Path:
    """Two videos; frame10 of b has no label, labels of b have a palette."""
    root = tmp_path / "semantic"
    add_images(root / "images/a", "frame1.png")
    add_images(root / "images/b", "frame2.png", "frame10.png")
    write_png(root / "labels/a/frame1.png", np.where(box(0, 2, 0, 6), 0, 11).astype(np.uint8))
    label = Image.fromarray(np.where(box(0, 2, 0, 6), 2, 255).astype(np.uint8), "P")
    label.putpalette(list(range(256)) * 3)
    (root / "labels/b").mkdir()
    label.save(root / "labels/b/frame2.png")
    return root


@pytest.mark.parametrize("link", [None, "symlink", "hard"])
def test_semantic(tmp_path, semantic, link):
    out, names = tmp_path / "out", tmp_path / "names.txt"
    names.write_text("sky\nroad\ncar\n")
    counts = convert_semantic(semantic, out, [str(names)], void=11, things=["car"], val=["b"], link=link)
    assert counts == {"videos": 2, "frames": 3, "labels": 2}
    style = OwnVideos(out)
    assert (style.classes.names, style.classes.thing_ids) == (("sky", "road", "car"), (2,))
    (video,) = style.videos(out, "val")
    assert [frame.name for frame in video.frames] == ["frame2", "frame10"]
    assert video.frames[1].label is None
    assert (style.read(video.frames[0].label).semantic == np.where(box(0, 2, 0, 6), 2, VOID)).all()
    (first,) = style.videos(out, "train")
    assert set(np.unique(style.read(first.frames[0].label).semantic)) == {0, VOID}
    image, origin = first.frames[0].image, semantic / "images/a/frame1.png"
    assert image.is_symlink() == (link == "symlink")
    assert os.path.samefile(image, origin) == (link is not None)
    assert image.read_bytes() == origin.read_bytes()


def test_faults_of_semantic(tmp_path, semantic):
    out = tmp_path / "out"

    def convert(*classes: str, **options):
        return lambda: convert_semantic(semantic, out, classes or ("sky", "road", "car"), **options)

    refuse(convert(), "a/frame1.png", "value 11 (12 pixels) is outside 0..2", "--void")
    refuse(convert("sky", "sky"), "'sky'", "twice")
    refuse(convert(void=2), "void is 2, outside 3..255")
    refuse(convert(things=["cup"]), "'cup' is no class")
    write_png(semantic / "labels/a/frame3.png", np.zeros(SIZE, np.uint8))
    refuse(convert(), "labels/a/frame3.png: has no image a/frame3")
    (semantic / "labels/a/frame3.png").unlink()
    write_png(semantic / "labels/a/frame1.png", np.zeros((8, 8), np.uint8))
    refuse(convert(), "a/frame1.png", "8x8", "6x4")
    write_png(semantic / "labels/a/frame1.png", np.zeros((*SIZE, 3), np.uint8))
    refuse(convert(), "a/frame1.png", "pixel layout is RGB")
    add_images(semantic / "images", "stray.png")
    refuse(convert(), "stray.png", "lies beside the folder a")
    assert not out.exists()
    assert not list(tmp_path.glob(".*"))


def test_only_conversions_are_replaced(tmp_path, semantic):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("do not lose me")
    run = lambda **options: convert_semantic(  # noqa: E731
        semantic, out, ("sky", "road", "car"), void=11, **options
    )
    refuse(lambda: run(force=True), out, "not a converted dataset")
    (out / "thesis.txt").unlink()
    run()
    refuse(run, out, "--force")
    assert run(force=True)["videos"] == 2
    refuse(lambda: convert_semantic(semantic, out / "dataset.json/x", ("a",)), "is a file")


@pytest.fixture
def scalabel(tmp_path) -> Path:
    root = tmp_path / "bdd"
    add_images(root / "images/v", "v-1.png", "v-2.png")
    frames = []
    for t in (1, 0):  # frames may come in any order
        labels = [("7", "car", box(0, 2, t, 3)), ("8", "trailer", box(3, 4, 0, 1))]
        labels += [("9", "car" if t else "truck", box(1, 4, 2, 6))]
        frames.append({"name": f"v-{t + 1}.png", "videoName": "v", "frameIndex": t, "labels": []})
        for number, category, mask in labels:
            (code,) = encode_masks(mask[None])
            crowd = {"crowd": number == "9"}
            frames[-1]["labels"].append({"id": number, "category": category, "attributes": crowd, "rle": code})
    (root / "labels").mkdir()
    (root / "labels/v.json").write_text(json.dumps(frames))
    return root


def test_scalabel(tmp_path, scalabel):
    out = tmp_path / "out"
    counts = convert_scalabel(scalabel, out, split="val")
    assert counts == {"videos": 1, "frames": 2, "tracks": 2, "left_out": 2}
    style = OwnVideos(out)
    (video,) = style.videos(out, "val")
    objects = style.read_objects(video.frames[1].label)
    assert objects.track.tolist() == [0, 1]  # the crowd comes first
    assert [style.classes.names[i] for i in objects.semantic] == ["truck", "car"]  # the first of equally frequent ones
    assert (objects.members[objects.regions][..., 1] == box(0, 2, 1, 3)).all()
    truth = YouTubeVIS().read_truth(out / "instances_val.json")
    assert [track.areas for track in truth.tracks] == [(6, 4), (12, 12)]


def test_faults_of_scalabel(tmp_path, scalabel):
    path, out = scalabel / "labels/v.json", tmp_path / "out"
    content = json.loads(path.read_text())

    def convert(change):
        changed = json.loads(json.dumps(content))
        change(changed)
        path.write_text(json.dumps(changed))
        return lambda: convert_scalabel(scalabel, out)

    refuse(convert(lambda c: c[0].update(name="x.png")), path, "frame 0 (x.png)", "no image")
    refuse(convert(lambda c: c[0].update(frameIndex=0)), path, "frameIndex 0 is there twice")
    refuse(convert(lambda c: c[0]["labels"][0].pop("rle")), path, "frame 0 (v-2.png), label 0", "no rle")
    refuse(convert(lambda c: c[0]["labels"][0].pop("id")), path, "label 0", "id and category")
    refuse(convert(lambda c: c[0]["labels"][0].update(id="9")), path, "label 2", "id 9 is in this frame twice")
    refuse(convert(lambda c: c[0]["labels"][0]["rle"].update(size=[4, 7])), "label 0", "size is [4, 7]")
    refuse(convert(lambda c: c[0]["labels"][0]["rle"].update(size=4)), "label 0", "size 4")
    refuse(convert(lambda c: c.clear()), path, "no list of frames")
    path.write_bytes(b"\xff")
    refuse(lambda: convert_scalabel(scalabel, out), path, "cannot be read as json")
    assert not out.exists()


def test_the_command(tmp_path, semantic, kitti_mots, scalabel, capsys):
    run = lambda *words: convert_dataset.main(list(map(str, words)))  # noqa: E731
    classes = ["--classes", "sky", "road", "car"]
    assert run("semantic", semantic, tmp_path / "s", *classes, "--void", "11", "--link", "symlink") == 0
    assert run("mots", kitti_mots, tmp_path / "m", "--classes", "1=auto", "2=walker", "--name", "street") == 0
    assert run("bdd100k", scalabel, tmp_path / "b", "--split", "val") == 0
    assert "2 left out" in capsys.readouterr().out
    described = OwnVideos(tmp_path / "m").description
    assert (described.name, described.classes.names) == ("street", ("background", "auto", "walker"))
    assert run("semantic", semantic, tmp_path / "s", *classes) == 1
    assert "convert_dataset: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("mots", kitti_mots, tmp_path / "m", "--classes", "auto")


@pytest.fixture(scope="module")
def real_data() -> Path:
    root = Path(os.environ.get("VIDEO_KNET_DATA", "absent"))
    if not (root / "camvid_0016E5_mini").is_dir() or not (root / "bdd100k_segtrack_mini").is_dir():
        pytest.skip("VIDEO_KNET_DATA does not name a folder with camvid_0016E5_mini/ and bdd100k_segtrack_mini/")
    return root


def test_camvid(tmp_path, real_data):
    words = ["semantic", real_data / "camvid_0016E5_mini", tmp_path / "camvid", "--void", 11, "--link", "symlink"]
    assert convert_dataset.main([*map(str, words), "--classes", *CAMVID]) == 0
    style = OwnVideos(tmp_path / "camvid")
    (video,) = style.videos(tmp_path / "camvid", "train")
    assert len(video.frames) == 48
    style.check_image_sizes([video])
    seen = {value for frame in video.frames for value in np.unique(style.read(frame.label).semantic).tolist()}
    assert seen == {*range(11), VOID}


def test_bdd100k(tmp_path, real_data):
    counts = convert_scalabel(real_data / "bdd100k_segtrack_mini", tmp_path / "bdd", link="symlink")
    assert counts == {"videos": 2, "frames": 12, "tracks": 53, "left_out": 0}
    style = OwnVideos(tmp_path / "bdd")
    videos = style.videos(tmp_path / "bdd", "train")
    style.check_image_sizes(videos)
    assert max(len(style.read_objects(frame.label).track) for video in videos for frame in video.frames) == 28
