"""Colours of identities: one number, one colour, in every frame and every video."""

import numpy as np

GOLDEN_RATIO, START = 0.6180339887498949, 0.4
# Hues at twelve equal steps of what the eye tells apart (CIELAB distance along the hue circle).
HUES = np.array([0.0, 0.08, 0.147, 0.238, 0.374, 0.455, 0.523, 0.577, 0.629, 0.734, 0.85, 0.928, 1.0])
# (saturation, value). Numbers of similar hue are Fibonacci numbers apart (8, 13, 21, 34, 55, 89), and six divides none
# of these: the shade tells them apart. This order keeps the first thirty furthest from each other.
SHADES = np.array([(0.72, 0.82), (0.60, 0.92), (0.95, 0.65), (0.85, 1.0), (1.0, 0.88), (0.42, 1.0)])


def identity_colors(numbers: np.ndarray) -> np.ndarray:
    """Give each number its colour: golden-ratio steps around the hue circle, in six shades.

    Successive numbers lie a third of the circle apart, and a colour depends on nothing but its number.

    Args:
        numbers: (n,) integers from 0, track ids or kernel indices.

    Returns:
        (n, 3) uint8 RGB.
    """
    numbers = np.asarray(numbers, np.int64)
    steps = (numbers * GOLDEN_RATIO + START) % 1.0
    hue = np.interp(steps, np.linspace(0.0, 1.0, len(HUES)), HUES)
    saturation, value = SHADES[numbers % len(SHADES)].T
    return _hsv_to_rgb(hue, saturation, value)


def _hsv_to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Convert colours given as three (n,) arrays in [0, 1] to (n, 3) uint8 RGB."""
    sector = (np.array([5.0, 3.0, 1.0]) + hue[:, None] * 6.0) % 6.0  # (n, 3)
    fall = np.clip(np.minimum(sector, 4.0 - sector), 0.0, 1.0)
    return np.rint(255.0 * value[:, None] * (1.0 - saturation[:, None] * fall)).astype(np.uint8)
