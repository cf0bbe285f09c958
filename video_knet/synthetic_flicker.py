"""The street in flickering light, by a camera that loses colour now and then: what lasts is known, not what is seen.

Which classes the stuff of a video has differs from video to video (a wall or a building, a floor or grass), and only
hue tells them apart: how light a class is and its pattern are drawn anew for each video. A frame without colour does
not show what it is a picture of. There classes are known by whoever remembers the frames before.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from .formats import SegmentMap
from .synthetic import Thing, World
from .synthetic_scene import Scene, draw_layers

_LIGHTEST, _DARKEST = 1.25, 0.5  # of the layers of stuff, times the colour of each
_COLOURLESS = 0.4  # share of frames
_BRIGHTNESS, _CAST = 0.1, 0.1  # spread of the logarithm of the light, of all colours and of each
_SHADOW = 0.7  # how much light is left in the middle of the shadow


@dataclass(frozen=True)
class FlickeringWorld(World):
    """Videos with stuff of other classes, lightness and patterns, each frame lit anew and some without colour."""

    kind: ClassVar[str] = "flicker"

    def _scene(self, rng: np.random.Generator) -> Scene:
        scene = Scene.draw(self.classes, rng, self.difficulty, draw_layers(self.classes, rng))
        levels = rng.permutation(np.linspace(_LIGHTEST, _DARKEST, len(scene.colours)))
        # Equally light before: the palette must not tell in grey what the order of the levels hides.
        colours = (colour * (120 * level / max(grey(colour), 1.0)) for colour, level in zip(scene.colours, levels))
        return replace(scene, colours=tuple(colours), patterns=tuple(rng.permutation(scene.patterns).tolist()))

    def _render(
        self, scene: Scene, things: list[Thing], frame: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, SegmentMap]:
        image, segments = super()._render(scene, things, frame, rng)
        if rng.random() < _COLOURLESS:
            image = np.broadcast_to(grey(image)[..., None], image.shape)
        return (image * light(self.size, rng)).clip(0, 255).astype(np.uint8), segments


def grey(colours: np.ndarray) -> np.ndarray:
    """(..., 3) colours to (...) how light they are."""
    return colours @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def light(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) factors of one frame."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    across, down = rng.uniform(0, 1, 2)
    distance = (x / size[1] - across) ** 2 + (y / size[0] - down) ** 2  # (H, W)
    shadow = 1 - (1 - _SHADOW) * np.exp(-distance / rng.uniform(0.02, 0.1))
    colour = np.exp(rng.normal(0, _BRIGHTNESS) + rng.normal(0, _CAST, 3))
    return shadow[..., None] * colour
