"""The stuff of the synthetic world: a stack of sliding layers, and a blot of void."""

from dataclasses import dataclass

import numpy as np

from .formats import VOID, ClassTable
from .synthetic_shapes import blend

_LAYERS = (  # names that suit each layer of stuff, from the top of the image to its bottom
    ("sky", "ceiling"),
    ("building", "wall", "house"),
    ("vegetation", "tree", "terrain"),
    ("sidewalk", "grass", "floor"),
    ("road", "ground"),
)


@dataclass(frozen=True)
class Scene:
    """The stuff of a video: a stack of layers, their colours and patterns, and where the void blot is."""

    layers: tuple[int, ...]
    colours: tuple[np.ndarray, ...]
    heights: tuple[float, ...]
    skyline: np.ndarray
    pan: float
    slope: float
    blot_at: tuple[float, float]
    patterns: tuple[int, ...] = tuple(range(len(_LAYERS)))

    @classmethod
    def draw(
        cls, classes: ClassTable, rng: np.random.Generator, difficulty: float, layers: tuple[int, ...] | None = None
    ) -> "Scene":
        """Draw the stuff of a video; `layers` are its classes, by default the same in all videos."""
        layers = layers or choose_layers(classes)
        light = rng.uniform(0.9, 1.1)
        colours = tuple(stuff_colour(classes, i, difficulty) * light + rng.normal(0, 4, 3) for i in layers)
        return cls(
            layers=layers,
            colours=colours,
            heights=(rng.uniform(0.40, 0.48), rng.uniform(0.56, 0.64)),
            skyline=np.stack([rng.uniform(0.12, 0.36, 64), rng.integers(0, 2, 64)]),  # top and class of each block
            pan=rng.uniform(-0.01, 0.01) * (1 + 2 * difficulty),
            slope=rng.uniform(-0.06, 0.06),
            blot_at=(rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.09)),
        )

    def paint(self, size: tuple[int, int], frame: int) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) float image and (H, W) uint8 classes without things."""
        y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float64) + 0.5
        y, x = y / size[0], x / size[1]
        world_x = x + self.pan * frame + 8  # what is far slides at half the speed
        block = ((x + self.pan * frame / 2 + 8) / 0.17).astype(int) % 64
        strip = self.heights[1] + self.slope * (x - 0.5) + 0.01 * np.sin(9 * world_x)
        layer = np.where(y < self.skyline[0][block], 0, 1 + self.skyline[1][block].astype(int))
        layer = np.where(y < self.heights[0], layer, np.where(y < strip, 3, 4))
        wave = np.stack([np.sin((20 + 9 * i) * (world_x * np.cos(i) + y * np.sin(i))) for i in self.patterns])
        shade = 9 * np.take_along_axis(wave, layer[None], 0)[0]  # each layer has its own pattern
        image = np.stack(self.colours)[layer] + shade[..., None] - 14 * np.abs(y - 0.5)[..., None]
        return image, np.array(self.layers, np.uint8)[layer]

    def blot(self, image: np.ndarray, semantic: np.ndarray, track: np.ndarray, rng: np.random.Generator) -> None:
        """Cover the middle of the bottom with something that no class describes, like one's own bonnet."""
        height, width = semantic.shape
        y, x = np.mgrid[0:height, 0:width]
        inside = ((x / width - self.blot_at[0]) / 0.12) ** 2 + ((y / height - 1) / self.blot_at[1]) ** 2 < 1
        image[inside] = rng.normal(30, 12, (int(inside.sum()), 3))
        semantic[inside], track[inside] = VOID, 0


def choose_layers(classes: ClassTable) -> tuple[int, ...]:
    """Stuff class of each layer: by name where a name suits, else evenly from the rest; void without stuff."""
    free = list(classes.stuff_ids)
    chosen: list[int | None] = []
    for names in _LAYERS:
        fit = next((i for name in names for i in free if classes.names[i] == name), None)
        chosen.append(fit)
        if fit is not None:
            free.remove(fit)
    spread = iter(free[:: max(len(free) // len(_LAYERS), 1)])
    known = [next(spread, None) if i is None else i for i in chosen]
    used = [i for i in known if i is not None]
    return tuple(VOID if not used else used[k % len(used)] if i is None else i for k, i in enumerate(known))


def draw_layers(classes: ClassTable, rng: np.random.Generator) -> tuple[int, ...]:
    """Stuff class of each layer, drawn from all whose names suit it; where none does as in `choose_layers`."""
    suitable = [[i for i in classes.stuff_ids if classes.names[i] in names] for names in _LAYERS]
    return tuple(
        int(rng.choice(ids)) if ids else usual for ids, usual in zip(suitable, choose_layers(classes), strict=True)
    )


def stuff_colour(classes: ClassTable, class_id: int, difficulty: float) -> np.ndarray:
    """(3,) RGB: the palette, dulled, so that things stand out."""
    colour = np.array(classes.palette[class_id] if class_id != VOID else (90, 90, 90), float)
    return blend(0.6 * colour + 0.4 * 120, difficulty)
