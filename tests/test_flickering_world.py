"""The world in flickering light: the same truth, another light in each frame, the same for the same seed."""

import numpy as np

from video_knet.formats import KittiStep
from video_knet.synthetic import World
from video_knet.synthetic_flicker import FlickeringWorld
from video_knet.synthetic_kinds import get_world

SETTINGS = dict(classes=KittiStep().classes, size=(48, 96), frames=12, difficulty=0.0)


def world_video(index: int):
    return FlickeringWorld(**SETTINGS).video(index)


def saturation(image: np.ndarray) -> float:
    """Mean of what the strongest colour of a pixel is above the weakest, less a cast of the whole image."""
    balanced = image / image.mean((0, 1))
    return float((balanced.max(2) - balanced.min(2)).mean())


def test_objects_are_those_of_the_street():
    flickering, street = (list(kind(**SETTINGS).video(1)) for kind in (FlickeringWorld, World))
    for (image, found), (_, wanted) in zip(flickering, street, strict=True):
        assert np.array_equal(found.track, wanted.track)
        assert np.array_equal(found.semantic[found.track > 0], wanted.semantic[found.track > 0])
        assert image.dtype == np.uint8
    again = list(FlickeringWorld(**SETTINGS).video(1))
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(flickering, again))


def test_videos_have_other_classes_and_keep_them():
    classes = SETTINGS["classes"]
    seen = set()
    for index in range(8):
        of_frames = [set(np.unique(segments.semantic)) & set(classes.stuff_ids) for _, segments in world_video(index)]
        assert all(found <= set.union(*of_frames[:4]) for found in of_frames)
        seen.add(frozenset(classes.names[i] for i in set.union(*of_frames)))
    assert {"building", "wall"} <= set.union(*map(set, seen))
    assert len(seen) > 2


def test_light_changes_from_frame_to_frame():
    means = {
        kind: np.stack([image.mean((0, 1)) for image, _ in kind(**SETTINGS).video(0)])
        for kind in (World, get_world("flicker"))
    }
    change = {kind: np.abs(np.diff(values, axis=0)).mean() for kind, values in means.items()}
    assert change[FlickeringWorld] > 5 * change[World]


def test_some_frames_have_no_colour():
    values = [saturation(image) for index in range(4) for image, _ in world_video(index)]
    colourless = np.array(values) < 0.1
    assert 0.2 < colourless.mean() < 0.6
    assert min(value for value, grey in zip(values, colourless, strict=True) if not grey) > 0.3


def test_how_light_a_class_is_differs_from_video_to_video():
    means = [image[segments.semantic == 0].mean() for image, segments in (next(world_video(i)) for i in range(8))]
    assert max(means) > 1.5 * min(means)  # of the road
