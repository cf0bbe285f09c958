"""The world in flickering light: the same truth, another light in each frame, the same for the same seed."""

import numpy as np

from video_knet.formats import KittiStep
from video_knet.synthetic import World
from video_knet.synthetic_flicker import FlickeringWorld
from video_knet.synthetic_kinds import get_world

SETTINGS = dict(classes=KittiStep().classes, size=(48, 96), frames=4, difficulty=0.0)


def test_only_the_light_differs_from_the_street():
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
