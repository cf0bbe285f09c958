"""The things of the synthetic world: shapes that tell classes apart, looks that tell objects apart."""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .formats import ClassTable


@dataclass(frozen=True)
class Shape:
    """An outline of a class.

    Attributes:
        distance: (x, y) in [-1, 1] over the shape's box -> below 1 inside, 1 on the outline, growing outwards.
        aspect: Width over height.
        size: Typical height in image heights.
    """

    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    aspect: float
    size: float


def _round(x: np.ndarray, y: np.ndarray, power: float = 2) -> np.ndarray:
    return (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)


def _figure(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.minimum(_round(x / 0.5, (y + 0.74) / 0.26), _round(x, (y - 0.24) / 0.76, 3))


def _vehicle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.minimum(_round(x, (y - 0.35) / 0.65, 6), _round((x + 0.1) / 0.6, (y + 0.3) / 0.7, 4))


def _diamond(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _round(x, y, 1)


def _wedge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(2 * np.abs(x) - y, y)


def _box(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(x), np.abs(y))


SHAPES = (
    Shape(_figure, 0.45, 0.42),
    Shape(_vehicle, 1.9, 0.25),
    Shape(_round, 1.0, 0.3),
    Shape(_diamond, 0.9, 0.36),
    Shape(_wedge, 1.0, 0.34),
    Shape(_box, 0.8, 0.28),
)
MAX_THING_CLASSES = 8
_NAMED = {"person": 0, "pedestrian": 0, "car": 1, "truck": 1, "bus": 1}


def drawn_things(classes: ClassTable) -> list[int]:
    """The thing classes that a world draws: all of them, or a few spread evenly where there are many."""
    ids = classes.thing_ids
    step = np.linspace(0, len(ids) - 1, min(len(ids), MAX_THING_CLASSES)).round().astype(int)
    return [ids[i] for i in step] if ids else []


def shape_of(classes: ClassTable, class_id: int) -> Shape:
    """The shape of a drawn thing class: by name where one suits, else in turn."""
    place = drawn_things(classes).index(class_id)
    return SHAPES[_NAMED.get(classes.names[class_id], place % len(SHAPES))]


def paint_shape(
    image: np.ndarray, shape: Shape, foot: tuple[float, float], height: float, look: dict
) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Paint an object onto an image, with soft edges, so that motion by fractions of a pixel shows.

    Args:
        image: (H, W, 3) float, changed in place.
        shape: Outline.
        foot: (x, y) in pixels of the middle of the object's lower edge.
        height: Height in pixels.
        look: What `thing_look` gave.

    Returns:
        (h, w) bool, pixels whose centre is inside, and the window (rows, columns) of the image that they cover.
    """
    half_h, half_w = height / 2, height * shape.aspect / 2
    top, left = foot[1] - height, foot[0] - half_w
    edges = np.array([[top - 1, foot[1] + 2], [left - 1, foot[0] + half_w + 2]])
    limits = np.array(image.shape[:2])[:, None]
    rows, columns = (slice(*span) for span in np.clip(edges, 0, limits).astype(int).tolist())
    y, x = np.mgrid[rows, columns].astype(np.float64) + 0.5
    x, y = (x - foot[0]) / half_w, (y - foot[1] + half_h) / half_h
    distance = shape.distance(x, y)
    wave = np.sin(look["stripes"] * (x * np.cos(look["angle"]) + y * np.sin(look["angle"])) + look["phase"])
    colour = np.where(wave[..., None] > 0, look["body"], look["second"])
    colour = np.where(distance[..., None] > 0.8, look["rim"], colour)
    cover = np.clip(0.5 + (1 - distance) * min(half_h, half_w), 0, 1)[..., None]
    image[rows, columns] += cover * (colour - image[rows, columns])
    return distance < 1, (rows, columns)


def thing_look(colour: tuple[int, int, int], rng: np.random.Generator, difficulty: float) -> dict:
    """Appearance of an object: the class's hue, moved and lightened for this object, and a pattern of its own."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    turn = rng.uniform(-1, 1) * (0.09 + 0.2 * difficulty)
    body = colorsys.hsv_to_rgb((hue + turn) % 1, max(saturation, 0.6) * rng.uniform(0.7, 1), rng.uniform(0.55, 1))
    second = np.array(body) * rng.uniform(0.35, 0.6) if rng.random() < 0.5 else 1 - (1 - np.array(body)) * 0.45
    return {
        "body": blend(255 * np.array(body), difficulty),
        "second": blend(255 * second, difficulty),
        "rim": blend(0.5 * np.array(colour, float), difficulty),
        "angle": rng.uniform(0, np.pi),
        "stripes": rng.uniform(2, 7),
        "phase": rng.uniform(0, 6),
    }


def blend(colour: np.ndarray, difficulty: float) -> np.ndarray:
    """Draw a colour towards grey: at difficulty 1, classes hardly differ in colour."""
    return colour + 0.7 * difficulty**1.5 * (115 - colour)
