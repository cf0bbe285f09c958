"""Text on pictures: names inside masks, and title bars. Letters come from the font that Pillow brings along."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

MIN_FONT = 11  # pixels; below, letters cannot be told apart after video coding


@dataclass
class Label:
    """The name of one segment and the place it belongs to.

    Attributes:
        texts: What may be written, short to long: the longest that is not much wider than the mask, else the first.
        mask: (h, w) bool, the segment within its box; not empty.
        box: Rows and columns of the mask in the picture.
    """

    texts: tuple[str, ...]
    mask: np.ndarray
    box: tuple[slice, slice]


@lru_cache(maxsize=4096)
def letters(text: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Render a line of text once; frames share it.

    Args:
        text: What to write.
        size: Height of the font in pixels.

    Returns:
        Two read-only (h, w) float32 pictures in [0, 1]: the letters, and the letters with their outline.
    """
    font, stroke = ImageFont.load_default(size), max(1, round(size / 9))
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
    pictures = []
    for width in (0, stroke):
        picture = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
        ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=font, stroke_width=width)
        pictures.append((np.asarray(picture, np.float32) / 255.0) ** 0.7)  # heavier: thin strokes fade in video coding
        pictures[-1].flags.writeable = False
    return pictures[0], pictures[1]


def draw_labels(picture: np.ndarray, labels: list[Label]) -> np.ndarray:
    """Write each label at its mask, centred on a pixel of the mask, clear of the other labels where there is room.

    Small segments choose their place first, having the least choice.

    Args:
        picture: (H, W, 3) uint8 RGB, changed in place.
        labels: Names and masks.

    Returns:
        The same picture.
    """
    base = max(MIN_FONT, round(picture.shape[0] / 26))
    taken = np.zeros(picture.shape[:2], np.uint8)
    for label in sorted(labels, key=lambda x: int(x.mask.sum())):
        stamp = _fitting_letters(label, base)
        height, width = stamp[0].shape
        row, column = anchor(label, (height, width), taken)
        stamp_letters(picture, stamp, (row, column))
        top, left = max(0, row - height // 2), max(0, column - width // 2)
        taken[top : top + height, left : left + width] = 1
    return picture


def anchor(label: Label, text_size: tuple[int, int], taken: np.ndarray) -> tuple[int, int]:
    """Pick the pixel of the mask on which its text is centred.

    Where the mask is deep enough for the text, the pixel nearest to the centre of the box is taken, which makes the
    text move smoothly with the object; else the deepest one. Places where the text would cover another are avoided.

    Args:
        label: Mask and box.
        text_size: Height and width of the text in pixels.
        taken: (H, W) uint8, 1 where text stands already.

    Returns:
        Row and column in the picture.
    """
    height, width = label.mask.shape
    depth = cv2.distanceTransform(np.pad(label.mask.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]  # (h, w)
    rows, columns = np.ogrid[:height, :width]
    off_centre = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2) / np.hypot(height, width)
    enough = max(1.0, min(text_size) / 2)
    covered = _covered_by_text(taken, label.box, text_size)
    score = np.minimum(depth, enough) / enough - 0.5 * off_centre - covered - 4.0 * ~label.mask
    row, column = divmod(int(score.argmax()), width)
    return label.box[0].start + row, label.box[1].start + column


def _covered_by_text(taken: np.ndarray, box: tuple[slice, slice], text_size: tuple[int, int]) -> np.ndarray:
    """Fraction of a text of this size that would cover other text, for each centre in the box: (h, w) float32."""
    margin = [n // 2 for n in text_size]
    start = [max(0, s.start - m) for s, m in zip(box, margin)]
    window = taken[start[0] : box[0].stop + margin[0], start[1] : box[1].stop + margin[1]]
    if not window.any():
        return np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start), np.float32)
    share = cv2.blur(window.astype(np.float32), text_size[::-1], borderType=cv2.BORDER_CONSTANT)
    return share[tuple(slice(s.start - o, s.stop - o) for s, o in zip(box, start))]


def largest_part(mask: np.ndarray, box: tuple[slice, slice]) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Restrict a segment to its largest connected part, where its name is looked for.

    Args:
        mask: (h, w) bool, the segment within its box; not empty.
        box: Rows and columns of the mask in the picture.

    Returns:
        Mask and box of the part.
    """
    number, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if number <= 2:  # background and one part
        return mask, box
    part = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height = stats[part, :4].tolist()
    inner = (slice(top, top + height), slice(left, left + width))
    outer = tuple(slice(b.start + i.start, b.start + i.stop) for b, i in zip(box, inner))
    return parts[inner] == part, outer


def stamp_letters(picture: np.ndarray, stamp: tuple[np.ndarray, np.ndarray], centre: tuple[int, int]) -> None:
    """Put white letters with a dark outline into a picture, in place, moved inwards where they would leave it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        stamp: Letters, and letters with outline, as `letters` returns them.
        centre: Row and column of their middle.
    """
    size = [min(a, b) for a, b in zip(stamp[0].shape, picture.shape)]
    top, left = (min(max(0, c - s // 2), p - s) for c, s, p in zip(centre, size, picture.shape))
    fill, outline = (x[: size[0], : size[1], None] for x in stamp)
    window = picture[top : top + size[0], left : left + size[1]]
    window[:] = np.rint(window * (1.0 - outline) + 18.0 * (outline - fill * outline) + 255.0 * fill * outline)


def title_bar(width: int, left: str, right: str = "", height: int = 28) -> np.ndarray:
    """Draw a dark bar with a title.

    Args:
        width: Pixels.
        left: Text at the left end.
        right: Text at the right end, left out where there is no room.
        height: Pixels.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    bar = np.full((height, width, 3), 24, np.uint8)
    size, used = max(MIN_FONT, round(height * 0.58)), 0
    for text, at_left in ((left, True), (right, False)):
        stamp = letters(text, size) if text else None
        if stamp is None or used + stamp[0].shape[1] + 16 > width:
            continue
        half = stamp[0].shape[1] // 2
        stamp_letters(bar, stamp, (height // 2, 8 + half if at_left else width - 8 - half))
        used += stamp[0].shape[1] + 16
    return bar


def _fitting_letters(label: Label, base: int) -> tuple[np.ndarray, np.ndarray]:
    """Take the longest text that fits, in the largest font that fits the mask; else the shortest in the smallest."""
    width = label.mask.shape[1]
    for text in reversed(label.texts):
        for size in (base, round(base * 0.8), max(MIN_FONT, round(base * 0.65))):
            stamp = letters(text, size)
            if stamp[0].shape[1] <= 1.15 * width:
                return stamp
        if stamp[0].shape[1] <= 2.0 * width:
            return stamp
    return stamp
