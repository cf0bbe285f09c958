"""The minival of YouTube-VIS: two parts of train that are splits of their own."""

import json

import pytest

from tools import make_minival
from video_knet.formats import FormatError, get_format
from video_knet.preparation.minival import make_minival as write
from video_knet.synthetic import World, write_world


@pytest.fixture
def root(tmp_path):
    style = get_format("youtube-vis-2019")
    write_world(tmp_path / "world", style, World(style.classes, (32, 48), frames=2, seed=1), {"train": 5, "val": 1})
    return tmp_path / "world"


def test_the_parts_make_up_train(root, capsys):
    assert make_minival.main([str(root), "--every", "2"]) == 0
    assert "train_minival.json: 2 videos" in capsys.readouterr().out
    style = get_format("youtube-vis-2019")
    whole, part, rest = (
        style.videos(root, split) for split in ("train", "train_minival.json", "train_without_minival.json")
    )
    assert [v.name for v in part] == [v.name for v in whole][1::2]
    assert sorted(v.name for v in part + rest) == sorted(v.name for v in whole)
    of = {video.name: video for video in whole}
    for video in part + rest:
        assert [frame.image for frame in video.frames] == [frame.image for frame in of[video.name].frames]
        for frame, other in zip(video.frames, of[video.name].frames, strict=True):
            assert (style.read(frame.label).semantic == style.read(other.label).semantic).all()
    written = (root / "train_minival.json").read_bytes()
    write(root, every=2)
    assert (root / "train_minival.json").read_bytes() == written


def test_faults_are_named(root, tmp_path, capsys):
    with pytest.raises(FormatError, match="every 10th is none"):
        write(root)
    with pytest.raises(FormatError, match="at least 2"):
        write(root, every=1)
    assert make_minival.main([str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not (root / "train_minival.json").exists()
    content = json.loads((root / "train.json").read_text())
    content["videos"][0]["id"] = "one"
    (root / "train.json").write_text(json.dumps(content))
    with pytest.raises(FormatError, match=r"train\.json"):
        write(root, every=2)


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        (["text"], r"train\.json: annotation entry 0: is 'text', not an object"),
        ([{"id": 1}], r"train\.json: annotation entry 0: has no video_id"),
        ({"a": 1}, r"train\.json: annotations are a dict, not a list"),
    ],
)
def test_faulty_annotations_are_named(root, annotations, words):
    content = json.loads((root / "train.json").read_text())
    (root / "train.json").write_text(json.dumps({**content, "annotations": annotations}))
    with pytest.raises(FormatError, match=words):
        write(root, every=2)
    assert not (root / "train_minival.json").exists()


def test_a_json_without_annotations_is_split(root):
    content = json.loads((root / "train.json").read_text())
    del content["annotations"]
    (root / "train.json").write_text(json.dumps(content))
    assert write(root, every=2) == {"train_minival.json": 2, "train_without_minival.json": 3}
