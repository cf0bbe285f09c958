"""A synthetic world in which appearance, not position, says which object is which.

As many look-alikes of two classes as will, equal in shape and size. They walk back and forth over the image, cross and
hide each other; they jump, vanish for a few frames and appear elsewhere; and two of a class change places between two
frames. What stays with an object is how its body looks: among the hues of its class it has a hue, a lightness and a
direction of stripes of its own. Nothing else outlines it, so whoever separates look-alikes has to see that, too.
"""

import colorsys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .synthetic import World
from .synthetic_shapes import drawn_things, shape_of

_LEFT, _RIGHT, _FAR, _NEAR = 0.08, 0.92, 0.64, 0.97  # where feet may be, in widths and heights of the image
_HUES = 0.4  # part of the colour circle that the look-alikes of a class divide among them
_DARKEST = 0.5  # lightness of a body, of 1
_SIZE = 0.4  # square root of the area of an object's box, in image heights
_HIDDEN = 3  # frames that an object may be away


@dataclass(frozen=True)
class Wanderer:
    """An object and where it is at each frame.

    Attributes:
        class_id: Its class.
        track: Its identity, from 1.
        places: (T, 2) centre in widths and foot in heights of the image.
        shown: (T,) whether it is there.
        size: Height in image heights, at the lower edge of the image.
        look: How it is painted.
    """

    class_id: int
    track: int
    places: np.ndarray
    shown: np.ndarray
    size: float
    look: dict

    def is_there(self, frame: int) -> bool:
        """Whether it is drawn at a frame."""
        return bool(self.shown[frame])

    def pose(self, frame: int) -> tuple[float, float, float]:
        """(centre x, foot y, height) at a frame."""
        x, foot = self.places[frame]
        return float(x), float(foot), self.size * (0.8 + 0.2 * (float(foot) - _FAR) / (_NEAR - _FAR))


@dataclass(frozen=True)
class AppearanceWorld(World):
    """A world of look-alikes whose positions mislead; difficulty 0 to 1 is how many and how much alike they are."""

    kind: ClassVar[str] = "appearance"

    def _things(self, entropy: tuple[int, ...]) -> list[Wanderer]:
        ids = drawn_things(self.classes)
        kinds = sorted({*ids[:1], *ids[len(ids) // 2 :][:1]})
        count = 3 + round(2 * self.difficulty)
        wanderers: list[Wanderer] = []
        for kind, class_id in enumerate(kinds):
            rng = np.random.default_rng((*entropy, 3, kind))
            looks, size = (
                self._looks(kind / len(kinds), count, rng),
                _SIZE / shape_of(self.classes, class_id).aspect ** 0.5,
            )
            places = _exchanged(_paths(self.frames, count, np.random.default_rng((*entropy, 4, kind))), rng)
            shown = ~_away(self.frames, count, np.random.default_rng((*entropy, 5, kind)))
            for i, look in enumerate(looks):
                track = len(wanderers) + 1
                wanderers.append(Wanderer(class_id, track, places[:, i], shown[:, i], size, look))
        return wanderers

    def _looks(self, hue: float, count: int, rng: np.random.Generator) -> list[dict]:
        """Bodies of hues, lightness and stripes that are evenly apart.

        Args:
            hue: Where the hues of the class begin on the colour circle, 0 to 1.
            count: How many.
            rng: Draws which has what.
        """
        apart = (1 - 0.7 * self.difficulty) / count
        hues = hue + _HUES * (rng.uniform() / count + apart * rng.permutation(count))
        values = 1 - (1 - _DARKEST) * (rng.uniform() / count + apart * rng.permutation(count))
        angles = np.pi * (rng.uniform() + rng.permutation(count) / count)
        looks = []
        for hue, value, angle in zip(hues % 1, values, angles):
            body = 255 * np.array(colorsys.hsv_to_rgb(hue, 0.8, value))
            bands = {"angle": angle, "stripes": rng.uniform(3, 6), "phase": rng.uniform(0, 6)}
            looks.append({"body": body, "second": 0.6 * body, "rim": 0.8 * body, **bands})
        return looks


def _paths(frames: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(T, n, 2) places of objects that walk back and forth, and jump at about every sixth frame.

    Whatever the number of frames, the first ones are the same.
    """
    start, pace = rng.uniform(size=(2, count, 2))
    directions = np.where(rng.permutation(count)[:, None] % 2 == 0, 1, -1)
    speed = (0.04 + 0.08 * pace) * directions * (1, 0.3)
    draws = rng.uniform(size=(frames, count, 3))
    jump = (draws[..., :1] < 1 / 6) * draws[..., 1:]  # in parts of the way there and back
    way = 2 * start + np.cumsum(speed + 2 * jump, axis=0)
    return (_LEFT, _FAR) + np.abs((way - 1) % 2 - 1) * (_RIGHT - _LEFT, _NEAR - _FAR)


def _exchanged(places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, n, 2) places, of which two objects change theirs for good at about every fourth frame."""
    frames, count = places.shape[:2]
    owner, owners = np.arange(count), np.empty((frames, count), int)
    for frame, (chance, *pair) in enumerate(rng.uniform(size=(frames, 3))):
        first, second = int(pair[0] * count), int(pair[1] * count)
        if chance < 1 / 3 and frame:
            owner[[first, second]] = owner[[second, first]]
        owners[frame] = owner
    return np.take_along_axis(places, owners[..., None], axis=1)


def _away(frames: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(T, n) bool, whether an object has vanished, for one to three frames; none has at the start."""
    draws = rng.uniform(size=(frames, count, 2))
    begins, lengths = draws[..., 0] < 0.05, 1 + (draws[..., 1] * _HIDDEN).astype(int)
    away = np.zeros((frames, count), bool)
    for later in range(_HIDDEN):
        away[1 + later :] |= (begins & (lengths > later))[1 : max(frames - later, 1)]
    return away
