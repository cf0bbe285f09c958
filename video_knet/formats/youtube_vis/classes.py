"""Classes of YouTube-VIS, all things, in the order of their category ids; the dataset has no colours of its own."""

import colorsys

from ..base import VOID, ClassTable

# fmt: off
NAMES = {
    2019: ("person", "giant_panda", "lizard", "parrot", "skateboard", "sedan", "ape", "dog", "snake", "monkey", "hand",
           "rabbit", "duck", "cat", "cow", "fish", "train", "horse", "turtle", "bear", "motorbike", "giraffe",
           "leopard", "fox", "deer", "owl", "surfboard", "airplane", "truck", "zebra", "tiger", "elephant",
           "snowboard", "boat", "shark", "mouse", "frog", "eagle", "earless_seal", "tennis_racket"),
    2021: ("airplane", "bear", "bird", "boat", "car", "cat", "cow", "deer", "dog", "duck", "earless_seal", "elephant",
           "fish", "flying_disc", "fox", "frog", "giant_panda", "giraffe", "horse", "leopard", "lizard", "monkey",
           "motorbike", "mouse", "parrot", "person", "rabbit", "shark", "skateboard", "snake", "snowboard", "squirrel",
           "surfboard", "tennis_racket", "tiger", "train", "truck", "turtle", "whale", "zebra"),
}
# fmt: on


def _palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Colours whose hues are far apart for neighbouring classes."""
    shades = [colorsys.hsv_to_rgb(i * 0.618034 % 1, 1 - i % 2 * 0.4, 1 - i % 3 * 0.2) for i in range(count)]
    return tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in shades)


CLASSES = {
    year: ClassTable(names, tuple(range(len(names))), _palette(len(names)), VOID) for year, names in NAMES.items()
}
