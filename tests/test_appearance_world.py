"""The world in which appearance identifies objects: what it must hold, and the same world for the same seed."""

import json

import numpy as np
import pytest

from tools.make_world import main
from video_knet.formats import ClassTable, KittiStep
from video_knet.synthetic_appearance import AppearanceWorld, Wanderer
from video_knet.synthetic_kinds import WORLDS, get_world

CLASSES = KittiStep().classes
ENTROPY = (0, 1)


def draw(world: AppearanceWorld, index: int = 0, split: str = "train") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images, maps = zip(*world.video(index, split))
    return np.stack(images), np.stack([m.semantic for m in maps]), np.stack([m.track for m in maps])


def wanderers(frames: int = 60, difficulty: float = 0.25, index: int = 0) -> list[Wanderer]:
    return AppearanceWorld(CLASSES, frames=frames, difficulty=difficulty)._things((*ENTROPY, index))


def steps(things: list[Wanderer]) -> np.ndarray:
    """(T - 1, n) how far each object moves between two frames, in widths."""
    return np.abs(np.diff([thing.places[:, 0] for thing in things], axis=1)).T


def test_same_seed_is_the_same_world_and_longer_videos_begin_alike():
    short, long = draw(AppearanceWorld(CLASSES, frames=3), 2), draw(AppearanceWorld(CLASSES, frames=9), 2)
    assert all(np.array_equal(a, b[:3]) for a, b in zip(short, long))
    other = draw(AppearanceWorld(CLASSES, frames=3, seed=1), 2)
    assert not np.array_equal(short[0], other[0])
    assert not np.array_equal(short[0], draw(AppearanceWorld(CLASSES, frames=3), 2, "val")[0])


@pytest.mark.parametrize("difficulty", [0.0, 0.25, 1.0])
def test_look_alikes(difficulty):
    """Two classes; within a class shape and size are one, and no two bodies are alike."""
    things = wanderers(difficulty=difficulty)
    assert [thing.track for thing in things] == list(range(1, len(things) + 1))
    kinds = {thing.class_id for thing in things}
    assert kinds == {11, 13}
    for kind in kinds:
        alike = [thing for thing in things if thing.class_id == kind]
        assert len(alike) == 3 + round(2 * difficulty)
        assert len({thing.size for thing in alike}) == 1
        bodies = np.array([thing.look["body"] for thing in alike])
        gaps = np.abs(bodies[:, None] - bodies).max(-1)[~np.eye(len(bodies), dtype=bool)]
        assert gaps.min() > 10


def test_objects_stay_inside_and_move_on():
    things = wanderers()
    places = np.stack([thing.places for thing in things])
    assert ((places >= (0.08, 0.64)) & (places <= (0.92, 0.97))).all()
    assert (steps(things) > 0).mean() > 0.99
    assert 0.02 < np.median(steps(things)) < 0.12


def test_objects_jump_vanish_and_cross():
    hidden, jumps, crossings = [], [], 0
    for index in range(5):
        things = wanderers(index=index)
        shown = np.stack([thing.shown for thing in things])
        assert shown[:, 0].all()
        hidden.append(1 - shown.mean())
        jumps.append((steps(things) > 0.15).mean())
        x = np.stack([thing.places[:, 0] for thing in things])
        order = x[:, None] < x
        crossings += (order[..., 1:] != order[..., :-1]).sum() // 2
        for away in ~shown:
            lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], away.astype(int), [0]]))))[::2]
            assert lengths.max(initial=0) <= 9  # three of up to three frames, one right after the other
    assert 0.04 < np.mean(hidden) < 0.2
    assert 0.1 < np.mean(jumps) < 0.4
    assert crossings > 100


def test_the_nearest_object_of_its_class_is_often_another_one():
    """So a tracker that goes by position is wrong in a good part of the frames."""
    wrong = []
    for index in range(5):
        things = [thing for thing in wanderers(index=index) if thing.class_id == 13]
        places = np.stack([thing.places for thing in things], axis=1)  # (T, n, 2)
        distance = np.abs(places[1:, :, None] - places[:-1, None]).sum(-1)  # (T - 1, n, n)
        wrong.append((distance.argmin(2) != np.arange(len(things))).mean())
    assert 0.2 < np.mean(wrong) < 0.6


def test_objects_hide_each_other():
    _, _, track = draw(AppearanceWorld(CLASSES, frames=20), 1)
    areas = np.stack([(track == i).sum((1, 2)) for i in range(1, track.max() + 1)])
    covered = (areas > 0) & (areas < 0.6 * areas.max(axis=1, keepdims=True))
    assert covered.any(axis=1).sum() >= 3


@pytest.mark.parametrize(("things", "stuff"), [(0, 3), (1, 2), (30, 60)])
def test_any_class_table(things, stuff):
    count = things + stuff
    palette = tuple((37 * i % 256, 91 * i % 256, 53 * i % 256) for i in range(count))
    table = ClassTable(tuple(f"c{i}" for i in range(count)), tuple(range(things)), palette)
    _, semantic, track = draw(AppearanceWorld(table, (32, 64), frames=2))
    assert len(np.unique(semantic[track > 0])) == min(things, 2)


@pytest.mark.parametrize("kind", WORLDS)
def test_the_tool_writes_it_and_every_other_kind(kind, tmp_path):
    argv = [str(tmp_path / "world"), "--kind", kind, "--sequences", "1", "--split", "val", "--frames", "2"]
    assert main([*argv, "--size", "48", "96"]) == 0
    assert json.loads((tmp_path / "world" / "world.json").read_text())["kind"] == kind


def test_unknown_kinds_are_named():
    with pytest.raises(ValueError, match=r"'maze' is unknown; choose from street, appearance"):
        get_world("maze")
