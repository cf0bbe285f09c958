"""The world in flickering light: the same truth, another light in each frame, the same for the same seed."""

import numpy as np

from video_knet.formats import KittiStep
from video_knet.synthetic import World
from video_knet.synthetic_flicker import FlickeringWorld
from video_knet.synthetic_kinds import get_world

SETTINGS = dict(classes=KittiStep().classes, size=(48, 96), frames=12, difficulty=0.0)


def saturation(image: np.ndarray) -> float:
    """Mean of what the strongest colour of a pixel is above the weakest, less a cast of the whole image."""
    balanced = image / image.mean((0, 1))
    return float((balanced.max(2) - balanced.min(2)).mean())


def test_only_the_looks_differ_from_the_street():
    flickering, street = (list(kind(**SETTINGS).video(1)) for kind in (FlickeringWorld, World))
    for (image, found), (steady, wanted) in zip(flickering, street, strict=True):
        assert np.array_equal(found.semantic, wanted.semantic)
        assert np.array_equal(found.track, wanted.track)
        assert not np.array_equal(image, steady)
        assert image.dtype == np.uint8
    again = list(FlickeringWorld(**SETTINGS).video(1))
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(flickering, again))


def test_light_changes_from_frame_to_frame():
    means = {
        kind: np.stack([image.mean((0, 1)) for image, _ in kind(**SETTINGS).video(0)])
        for kind in (World, get_world("flicker"))
    }
    change = {kind: np.abs(np.diff(values, axis=0)).mean() for kind, values in means.items()}
    assert change[FlickeringWorld] > 5 * change[World]


def test_some_frames_have_no_colour():
    values = [saturation(image) for index in range(4) for image, _ in FlickeringWorld(**SETTINGS).video(index)]
    colourless = np.array(values) < 0.1
    assert 0.2 < colourless.mean() < 0.5
    assert min(value for value, grey in zip(values, colourless, strict=True) if not grey) > 0.3


def test_without_colour_a_class_looks_as_its_video_says():
    """In one video it is lighter than another class, in another one it is darker."""
    lighter = set()
    for index in range(8):
        image, segments = next(iter(FlickeringWorld(**SETTINGS).video(index)))
        first, second = (image[segments.semantic == label].mean() for label in SETTINGS["classes"].stuff_ids[:2])
        lighter.add(bool(first > second))
    assert lighter == {True, False}
