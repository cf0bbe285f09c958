"""The street in light that changes from frame to frame: what a single frame shows misleads, what lasts does not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .formats import SegmentMap
from .synthetic import Thing, World
from .synthetic_scene import Scene

_BRIGHTNESS, _CAST = 0.3, 0.2  # spread of the logarithm of the light, of all colours and of each
_SHADOW = 0.5  # how much light is left in the middle of the shadow


@dataclass(frozen=True)
class FlickeringWorld(World):
    """The same videos, each frame lit anew: brightness, colour of the light, and a shadow somewhere."""

    kind: ClassVar[str] = "flicker"

    def _render(
        self, scene: Scene, things: list[Thing], frame: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, SegmentMap]:
        image, segments = super()._render(scene, things, frame, rng)
        return (image * light(self.size, rng)).clip(0, 255).astype(np.uint8), segments


def light(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) factors of one frame."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    across, down = rng.uniform(0, 1, 2)
    distance = (x / size[1] - across) ** 2 + (y / size[0] - down) ** 2  # (H, W)
    shadow = 1 - (1 - _SHADOW) * np.exp(-distance / rng.uniform(0.02, 0.1))
    colour = np.exp(rng.normal(0, _BRIGHTNESS) + rng.normal(0, _CAST, 3))
    return shadow[..., None] * colour
