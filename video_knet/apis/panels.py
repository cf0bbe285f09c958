"""Panels: several pictures of one frame, each under a title bar, laid out to fill a screen."""

import numpy as np

from video_knet.apis.lettering import title_bar

SCREEN_ASPECT = 16 / 9
GAP, GAP_COLOR = 4, 24


def compose_panels(pictures: list[np.ndarray], titles: list[str], note: str = "") -> np.ndarray:
    """Put panels beside each other; wide frames, which would make a thin strip, below each other.

    Args:
        pictures: (H, W, 3) uint8 RGB, all of one size.
        titles: A title for each.
        note: Written at the right end of the first title bar, where there is room.

    Returns:
        (H', W', 3) uint8 RGB.
    """
    height, width = pictures[0].shape[:2]
    bar = max(24, round(height / 18))
    notes = [note] + [""] * (len(pictures) - 1)
    framed = [
        np.concatenate([title_bar(width, title, right, bar), picture])
        for picture, title, right in zip(pictures, titles, notes)
    ]
    axis = 0 if _fills_better_below(width, height + bar, len(pictures)) else 1
    gap = np.full((GAP, width, 3) if axis == 0 else (height + bar, GAP, 3), GAP_COLOR, np.uint8)
    spaced = [part for panel in framed for part in (gap, panel)][1:]
    return np.concatenate(spaced, axis=axis)


def _fills_better_below(width: int, height: int, number: int) -> bool:
    """Whether panels below each other are seen clearly (1.2 times) larger on a screen than panels beside each other."""
    beside = min(SCREEN_ASPECT / (number * width), 1 / height)
    below = min(SCREEN_ASPECT / width, 1 / (number * height))
    return below > 1.2 * beside
