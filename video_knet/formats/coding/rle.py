"""Run-length encoded masks, as COCO and YouTube-VIS store them, many at once.

A mask is {size: [H, W], counts}: lengths of runs of equal pixels down the columns, background first, as a list or as
text. In the text a length is written minus the one two places before it, from the fourth on, five bits to a character,
low bits first; character = 48 + bits + 32 where more bits follow.

Legend: M masks, R runs, T frames, H W size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from ..base import FormatError

Rle = dict[str, object]
Masks = tuple[Rle | None, ...]
_DIGITS = 6  # characters of one length; 30 bits are more than any image has pixels


@dataclass(frozen=True)
class Runs:
    """Foreground of M masks of one size as runs of pixels in column-major order.

    Attributes:
        edges: (2, R) int64, first pixel of each run and the one after its last; of a mask ascending, maybe empty runs.
        first: (M + 1,) int64; the runs of mask m are `first[m]` to `first[m + 1]`.
        pixels: Pixels of a mask.
    """

    edges: np.ndarray
    first: np.ndarray
    pixels: int

    def part(self, begin: int, end: int) -> "Runs":
        """Masks begin to end - 1."""
        low, high = self.first[begin], self.first[end]
        return Runs(self.edges[:, low:high], self.first[begin : end + 1] - low, self.pixels)

    def areas(self) -> np.ndarray:
        """(M,) int64 pixels."""
        total = np.zeros(self.edges.shape[1] + 1, np.int64)
        np.cumsum(self.edges[1] - self.edges[0], out=total[1:])
        return np.diff(total[self.first])


class MaskError(FormatError):
    """A mask that cannot be decoded: its place among those given, and why."""

    def __init__(self, place: int, reason: str):
        super().__init__(f"mask {place}: {reason}")
        self.place, self.reason = place, reason


def encode_masks(masks: np.ndarray) -> Masks:
    """RLE of the frames of a track.

    Args:
        masks: (T, H, W) bool.

    Returns:
        T masks, None where the object is not seen.
    """
    flat = np.asfortranarray(np.moveaxis(np.asarray(masks, np.uint8), 0, -1))  # (H, W, T)
    rles = coco_mask.encode(flat)
    return tuple(
        {"size": list(map(int, rle["size"])), "counts": rle["counts"].decode()} if seen else None
        for rle, seen in zip(rles, flat.any((0, 1)))
    )


def decode_mask(rle: Rle) -> np.ndarray:
    """(H, W) bool mask of one RLE.

    Raises:
        FormatError: It cannot be decoded.
    """
    decode_runs([rle], rle["size"])
    return coco_mask.decode({"size": rle["size"], "counts": counts_text(rle, rle["size"])}).astype(bool)


def decode_runs(masks: Sequence[Rle | None], size: Sequence[int]) -> Runs:
    """Runs of M masks of one size, None being an empty one; the work is done for all masks at once.

    Raises:
        MaskError: A mask has another size or cannot be decoded.
    """
    size, present, texts = list(size), [], []
    for place, rle in enumerate(masks):
        if rle is not None:
            present.append(place)
            texts.append(counts_text(rle, size, place))
    pixels, rows = int(size[0]) * int(size[1]), np.zeros(len(masks), np.int64)
    if not texts:
        return Runs(np.zeros((2, 0), np.int64), np.zeros(len(masks) + 1, np.int64), pixels)
    try:
        edges, rows[present] = _place_runs(*_read_numbers(texts), pixels)
    except MaskError as error:
        raise MaskError(present[error.place], error.reason) from None
    return Runs(edges, np.concatenate([[0], np.cumsum(rows)]), pixels)


def counts_text(rle: Rle, size: list[int], place: int = 0, what: str = "video") -> str:
    """The counts of a mask as text, whichever way they are stored; `what` it belongs to is named in errors."""
    counts = rle["counts"]
    if rle["size"] != size and not (isinstance(rle["size"], tuple) and list(rle["size"]) == size):
        raise MaskError(place, f"size is {rle['size']} (H, W), that of the {what} {size}")
    if isinstance(counts, str):
        return counts
    if isinstance(counts, bytes):
        return counts.decode("latin-1")
    if (
        not isinstance(counts, list)
        or set(map(type, counts)) != {int}
        or min(counts) < 0
        or sum(counts) != size[0] * size[1]
    ):
        raise MaskError(place, f"counts are not lengths from 0 with the sum {size[0] * size[1]} (pixels of the mask)")
    return coco_mask.frPyObjects({"size": size, "counts": counts}, *size)["counts"].decode()


def _number_table() -> np.ndarray:
    """(65536,) int16: a number from its last two characters, 256 * second last + last; of those alone."""
    before, last = np.divmod(np.arange(1 << 16), 256)
    value = (last - 48 & 31 ^ 16) - 16  # five bits with sign
    return np.where(before >= 80, 32 * value + (before - 80 & 31), value).astype(np.int16)


_NUMBERS = _number_table()


def _read_numbers(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """All numbers of the texts, int32, and how many each text has, (M,) int64."""
    stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))

    def refuse(position: int) -> MaskError:
        mask = int(np.searchsorted(stops, position, "right"))
        return MaskError(mask, f"counts {texts[mask][:20]!r} are not the text of an RLE")

    try:
        chars = np.frombuffer("".join(texts).encode("ascii"), np.uint8)
    except UnicodeEncodeError as error:
        raise refuse(error.start) from None
    if not all(texts):
        raise MaskError(texts.index(""), "counts are empty, not the text of an RLE")
    if chars.min() < 48 or chars.max() > 111:
        raise refuse(int(np.flatnonzero((chars < 48) | (chars > 111))[0]))
    final = chars < 80
    if not final[stops - 1].all():
        raise refuse(int(stops[np.flatnonzero(~final[stops - 1])[0]]) - 1)
    pairs = chars.astype(np.uint16)
    pairs[1:] |= pairs[:-1] << 8
    numbers = _NUMBERS.take(pairs[final], mode="clip").astype(np.int32)
    last = np.flatnonzero(final)
    long = np.flatnonzero(final[2:] & ~final[1:-1] & ~final[:-2]) + 2  # ends of three characters or more: rare
    if len(long):
        place = np.searchsorted(last, long)
        first = np.where(place > 0, last[place - 1] + 1, 0)
        digits = long - first + 1
        if digits.max() > _DIGITS:
            raise refuse(int(long[np.argmax(digits > _DIGITS)]))
        k = np.arange(digits.max())[:, None]
        bits = (chars[np.minimum(first + k, long)].astype(np.int64) - 48 & 31) << 5 * k  # (digits, long numbers)
        value = np.where(k < digits, bits, 0).sum(0) - ((chars[long].astype(np.int64) - 48 >> 4 & 1) << 5 * digits)
        numbers[place] = value
    return numbers, np.diff(np.searchsorted(last, stops), prepend=0)


def _place_runs(numbers: np.ndarray, counts: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of all runs, (2, R) int64, and how many each mask has, (M,) int64.

    A run is a pair (background, foreground); the last one of a mask that ends in background is empty.
    """
    rows = (counts + 1) // 2
    end = np.cumsum(rows)
    begin, open_end = end - rows, end[counts % 2 == 1] - 1
    keep = np.ones(2 * end[-1], bool)
    keep[2 * open_end + 1] = False
    padded = np.zeros(len(keep), np.int32)
    padded[keep] = numbers
    lead = padded[2 * begin]
    # Lengths from differences; sums over all masks may wrap, what is left of them for each mask does not.
    background, foreground = (np.cumsum(padded[i::2].copy(), dtype=np.int32) for i in (0, 1))
    background -= np.repeat(background[begin], rows)
    foreground -= np.repeat(foreground[begin] - padded[2 * begin + 1], rows)
    background[begin] = lead
    foreground[open_end] = 0
    for lengths in (background, foreground):
        if lengths.min() < 0 or lengths.max() > pixels:
            row = np.flatnonzero((lengths < 0) | (lengths > pixels))[0]
            mask = int(np.searchsorted(end, row, "right"))
            raise MaskError(mask, f"counts hold a run of {lengths[row]} pixels, outside 0..{pixels}")
    background[begin[1:]] -= pixels  # so that the running sum starts again at each mask
    edges = np.empty((2, end[-1]), np.int64)
    np.cumsum(background + foreground, out=edges[1])
    np.subtract(edges[1], foreground, out=edges[0])
    if (wrong := np.flatnonzero(edges[1, end - 1] != pixels)).size:
        total = edges[1, end[wrong[0]] - 1]
        raise MaskError(int(wrong[0]), f"counts add up to {total} pixels, the mask has {pixels}")
    return edges, rows
