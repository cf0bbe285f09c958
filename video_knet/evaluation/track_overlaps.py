"""Pixels that tracks with masks share, counted on the runs of the masks.

With t(x) the number of a truth's pixels before pixel x, a run [a, b) of a prediction
has t(b) - t(a) of them, and t is linear between the edges of the truth's runs. So the work grows with the length of
the outlines, not with the number of pixels.

Legend: T frames, D predictions, G truths, R runs, E edges of truths, W words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..formats.coding.rle import Runs, decode_runs
from ..formats.coding.tracks import PredictedTrack, TrueTrack, VideoEntry


@dataclass(frozen=True)
class Overlaps:
    """Pixels summed over the frames of a video.

    Attributes:
        shared: (D, G) int64 pixels of each pair of tracks.
        predicted, true: (D,), (G,) int64 pixels of the tracks.
        visible: (D,) int64 frames in which the predicted track has pixels.
    """

    shared: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    visible: np.ndarray

    def part(self, d: slice, g: slice) -> "Overlaps":
        """Some of the predictions and truths."""
        return Overlaps(self.shared[d, g], self.predicted[d], self.true[g], self.visible[d])


def sum_overlaps(
    video: VideoEntry, truths: Sequence[TrueTrack], predictions: Sequence[PredictedTrack], rivals: int | None = None
) -> Overlaps:
    """Compare tracks frame by frame; only one frame is decoded at a time.

    Args:
        video: Their video.
        truths: G tracks.
        predictions: D tracks.
        rivals: Compare the first so many predictions with the truths, all if None; of the others `shared` is 0.
    """
    count, split = len(predictions), len(truths)
    rivals = count if rivals is None else rivals
    shared = np.zeros((count, split), np.int64)
    areas, visible = np.zeros(split + count, np.int64), np.zeros(split + count, np.int64)
    for masks in zip(*(track.segmentations for track in (*truths, *predictions))):
        runs = decode_runs(masks, (video.height, video.width))
        pixels = runs.areas()
        areas += pixels
        visible += pixels > 0
        shared[:rivals] += intersections(runs.part(0, split), runs.part(split, split + rivals))
    return Overlaps(shared, areas[split:], areas[:split], visible[split:])


def intersections(truth: Runs, predicted: Runs) -> np.ndarray:
    """Pixels that each predicted mask of a frame shares with each true one.

    Several truths are counted in one 64-bit word, each in as many bits as the largest has pixels. Sums may wrap in
    between; what is in the end in each field is at most the truth's area, so the result is exact.

    Args:
        truth: Runs of G masks.
        predicted: Runs of D masks of the same size.

    Returns:
        (D, G) int64.
    """
    shape = len(predicted.first) - 1, len(truth.first) - 1
    areas = truth.areas()
    rows = np.flatnonzero(np.diff(predicted.first))  # masks without a run share nothing
    if not len(rows) or not areas.any():
        return np.zeros(shape, np.int64)
    bits = int(areas.max()).bit_length()
    fields = 64 // bits
    edges, slopes, offsets = _count_before(truth, bits, fields)
    gaps = np.diff(edges, prepend=0, append=truth.pixels + 1)
    passed = np.repeat(np.arange(len(gaps), dtype=np.int32), gaps)  # (pixels + 1,) edges up to each pixel
    place = passed.take(predicted.edges, mode="clip").astype(np.intp)  # (2, R)
    words = np.zeros((shape[0], len(slopes)), np.int64)  # (D, W)
    for word, (slope, offset) in enumerate(zip(slopes, offsets)):
        before = slope.take(place, mode="clip")  # (2, R)
        before *= predicted.edges
        before += offset.take(place, mode="clip")
        words[rows, word] = np.add.reduceat(before[1] - before[0], predicted.first[rows])
    shifts = (np.arange(fields) * bits).astype(np.uint64)
    unpacked = words.view(np.uint64)[:, :, None] >> shifts & np.uint64((1 << bits) - 1)  # (D, W, fields)
    return unpacked.reshape(shape[0], -1)[:, : shape[1]].astype(np.int64)


def _count_before(truth: Runs, bits: int, fields: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """t(x) = slope x + offset of all truths, after 0, 1, ... E of their edges.

    Truth g has field g % fields of word g // fields.

    Returns:
        Edges ascending, (E,); slopes and offsets, (W, E + 1) each, all int64.
    """
    owner = np.repeat(np.arange(len(truth.first) - 1), np.diff(truth.first))  # (R,)
    unit = np.int64(1) << owner % fields * bits
    edges = truth.edges.ravel()
    order = np.argsort(edges, kind="stable")
    edges, steps = edges[order], np.concatenate([unit, -unit])[order]  # t steps up where a run begins
    word = (np.concatenate([owner, owner]) // fields)[order]
    slopes, offsets = np.zeros((2, -(-(len(truth.first) - 1) // fields), len(edges) + 1), np.int64)
    for w in range(len(slopes)):
        own = np.where(word == w, steps, 0)
        np.cumsum(own, out=slopes[w, 1:])
        np.cumsum(-own * edges, out=offsets[w, 1:])
    return edges, slopes, offsets
