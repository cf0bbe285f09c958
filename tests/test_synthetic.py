"""The synthetic world: the same world for the same seed, its truth, and the tool that writes it."""

import json

import numpy as np
import pytest
from PIL import Image

from tools.make_world import main
from video_knet.formats import VOID, ClassTable, KittiStep
from video_knet.synthetic import World

STYLE = KittiStep()
CLASSES = STYLE.classes


def draw(world: World, index: int = 0, split: str = "train") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images, maps = zip(*world.video(index, split))
    return np.stack(images), np.stack([m.semantic for m in maps]), np.stack([m.track for m in maps])


def same(a: tuple, b: tuple) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b))


def test_same_seed_is_the_same_world():
    assert same(draw(World(CLASSES, frames=3), 4), draw(World(CLASSES, frames=3), 4))


def test_longer_video_begins_like_a_shorter_one():
    short, long = draw(World(CLASSES, frames=4)), draw(World(CLASSES, frames=12))
    assert same(short, tuple(a[:4] for a in long))


@pytest.mark.parametrize("other", [(1, "train", 0), (0, "val", 0), (0, "train", 1)])
def test_other_index_split_or_seed_is_another_video(other):
    index, split, seed = other
    assert not same(draw(World(CLASSES, frames=1)), draw(World(CLASSES, frames=1, seed=seed), index, split))


def test_types_and_values():
    images, semantic, track = draw(World(CLASSES, frames=2))
    assert (images.shape, images.dtype) == ((2, 96, 192, 3), np.uint8)
    assert (semantic.shape, semantic.dtype) == ((2, 96, 192), np.uint8)
    assert (track.shape, track.dtype) == ((2, 96, 192), np.int32)
    assert set(np.unique(semantic)) <= {*range(19), VOID}
    assert (np.isin(semantic, CLASSES.thing_ids) | (track == 0)).all()


def test_what_a_world_must_hold():
    """Things and stuff, void, crowd, entry, exit and occlusion, and one class for each track."""
    kinds, entered, left, hidden = set(), 0, 0, 0
    for index in range(4):
        _, semantic, track = draw(World(CLASSES, frames=20), index)
        kinds |= set(np.unique(semantic))
        crowd = np.isin(semantic, CLASSES.thing_ids) & (track == 0)
        assert crowd.any() == (index % 2 == 0)
        seen = [set(np.unique(frame)) - {0} for frame in track]
        assert 3 <= min(map(len, seen)) <= max(map(len, seen)) <= 9
        entered += len(seen[-1] - seen[0])
        left += len(seen[0] - seen[-1])
        for object_id in set.union(*seen):
            assert len(np.unique(semantic[track == object_id])) == 1
            areas = (track == object_id).sum((1, 2))
            hidden += (areas[areas > 0].min() < 0.6 * areas.max()) and areas[0] > 0
    assert kinds == {0, 1, 2, 8, 10, 11, 13, VOID}
    assert entered
    assert left
    assert hidden


def test_motion_is_smooth():
    _, _, track = draw(World(CLASSES, frames=10), 1)
    x = np.arange(192)
    for object_id in np.unique(track[track > 0]):
        places = [(frame == object_id).sum(0) for frame in track if (frame == object_id).sum() > 200]
        centres = np.array([(columns * x).sum() / columns.sum() for columns in places])
        assert len(centres) < 2 or np.abs(np.diff(centres)).max() < 25


def test_any_size_shows_the_same_scene():
    _, small, _ = draw(World(CLASSES, (48, 96), frames=1))
    _, large, _ = draw(World(CLASSES, (96, 192), frames=1))
    assert (small == large[:, 1::2, 1::2]).mean() > 0.9


def test_difficulty_makes_classes_alike():
    """Distance between the mean colours of road and car, in units of their spread."""

    def contrast(difficulty: float) -> float:
        images, semantic, _ = draw(World(CLASSES, frames=2, difficulty=difficulty), 1)
        car, road = (images[semantic == c].astype(float) for c in (13, 0))
        return np.linalg.norm(car.mean(0) - road.mean(0)) / (car.std() + road.std())

    assert contrast(0) > contrast(0.5) > contrast(1)


@pytest.mark.parametrize(("things", "stuff"), [(0, 3), (2, 0), (3, 1), (30, 60)])
def test_any_class_table(things, stuff):
    count = things + stuff
    palette = tuple((37 * i % 256, 91 * i % 256, 53 * i % 256) for i in range(count))
    table = ClassTable(tuple(f"c{i}" for i in range(count)), tuple(range(things)), palette)
    for index in range(2):
        _, semantic, track = draw(World(table, (32, 64), frames=4), index)
        assert set(np.unique(semantic)) <= {*range(count), VOID}
        assert (track > 0).any() == bool(things)
        assert (semantic != VOID).any()


def test_settings_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"difficulty is 1.5, must be within 0..1"):
        World(CLASSES, difficulty=1.5)
    with pytest.raises(ValueError, match="16x16"):
        World(CLASSES, (8, 8))


def test_written_world_is_the_drawn_one(world):
    drawn = World(CLASSES, (48, 96), frames=5, seed=3)
    for split in ("train", "val"):
        for index, video in enumerate(STYLE.videos(world, split)):
            for frame, (image, segments) in zip(video.frames, drawn.video(index, split), strict=True):
                back = STYLE.read(frame.label)
                assert np.array_equal(np.asarray(Image.open(frame.image)), image)
                assert np.array_equal(back.semantic, segments.semantic)
                assert np.array_equal(back.track, segments.track)


def make(out, *more: str) -> int:
    return main([str(out), "--frames", "2", "--size", "32", "64", *more])


def test_tool_writes_a_usable_data_set(tmp_path, capsys):
    out = tmp_path / "deep" / "world"
    assert make(out, "--sequences", "8", "--start", "78", "--seed", "5") == 0
    assert [video.name for video in STYLE.videos(out, "val")] == ["0002", "0006"]
    assert len(STYLE.videos(out, "train")) == 8
    assert len(STYLE.videos(out, "test")) == 1
    assert STYLE.videos(out, "train")[0].frames[0].name == "000078"
    assert json.loads((out / "world.json").read_text())["seed"] == 5
    assert "8 train, 2 val, 1 test" in capsys.readouterr().out


def test_tool_writes_one_split(tmp_path, capsys):
    assert make(tmp_path / "world", "--split", "val", "--sequences", "11") == 0
    assert not (tmp_path / "world" / "panoptic_maps" / "train").exists()
    assert [v.name for v in STYLE.videos(tmp_path / "world", "val")][-3:] == ["0018", "2000", "2001"]


def test_tool_never_overwrites_by_accident(tmp_path, capsys):
    assert make(tmp_path / "world", "--sequences", "1") == 0
    assert make(tmp_path / "world", "--sequences", "2") == 1
    assert "--force" in capsys.readouterr().err
    assert make(tmp_path / "world", "--sequences", "2", "--force") == 0
    assert len(STYLE.videos(tmp_path / "world", "train")) == 2
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    assert make(precious, "--force") == 1
    assert "not a synthetic data set" in capsys.readouterr().err
    assert (precious / "thesis.tex").exists()


def test_tool_leaves_nothing_half_written(tmp_path, monkeypatch, capsys):
    def fail(self, *_):
        raise OSError("disk full")

    monkeypatch.setattr(KittiStep, "write", fail)
    assert make(tmp_path / "world") == 1
    assert "disk full" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_tool_usage_is_status_two(tmp_path, capsys):
    assert make(tmp_path / "world", "--difficulty", "2") == 2
    with pytest.raises(SystemExit) as stop:
        make(tmp_path / "world", "--sequences", "0")
    assert stop.value.code == 2
    capsys.readouterr()


def test_the_easy_world_of_the_quickstart_has_entry_exit_and_occlusion():
    entered = left = occluded = 0
    for index in range(6):
        frames = [segments.track for _, segments in World(CLASSES, frames=20, difficulty=0.0).video(index, "val")]
        ids = [set(np.unique(track)) - {0} for track in frames]
        entered += len(set.union(*ids) - ids[0])
        left += len(set.union(*ids) - ids[-1])
        for i in set.union(*ids):
            inside = [(t == i).sum() for t in frames if (t == i).any() and not (t[:, [0, 1, -2, -1]] == i).any()]
            occluded += bool(inside) and min(inside) < 0.7 * max(inside)
    assert entered > 6
    assert left > 0
    assert occluded > 1
