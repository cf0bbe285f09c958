"""Segments drawn over a frame: stuff in the palette of its dataset, each track in its own colour, its name at its mask.

Legend: H W size of the frame, S tracks in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from scipy import ndimage

from video_knet.apis.colors import identity_colors
from video_knet.apis.lettering import Label, draw_labels, largest_part
from video_knet.formats.base import ClassTable, SegmentMap

ColorBy = Literal["track", "kernel"]
MIN_HEIGHT = 360  # smaller frames are enlarged to about this, so that names can be read
STUFF_OPACITY, TRACK_OPACITY, CROWD_OPACITY, BORDER_OPACITY = 108, 168, 150, 235  # of 256
CROWD_GREYS = np.array([(96, 96, 96), (208, 208, 208)], np.uint8)  # the two stripes of the hatching
NO_KERNEL = np.array((190, 190, 190), np.uint8)


@dataclass(frozen=True)
class TrackTable:
    """The tracks of one frame.

    Attributes:
        ids: (S,) int64 track ids, ascending.
        index: (H, W) int32 position in `ids` counted from 1; 0 where there is no track.
        classes: (S,) int64 dataset class id of each track, the most frequent of its pixels.
    """

    ids: np.ndarray
    index: np.ndarray
    classes: np.ndarray


def overlay(
    image: np.ndarray,
    segments: SegmentMap,
    classes: ClassTable,
    kernel_of_track: Mapping[int, int] | None = None,
    color_by: ColorBy = "track",
    score_of_track: Mapping[int, float] | None = None,
) -> np.ndarray:
    """Draw segments, their borders, and number, class and score of the tracks over a frame.

    Void pixels stay as they are in the image. Pixels of a thing without a track (crowd) are hatched in grey.

    Args:
        image: (H, W, 3) uint8 RGB.
        segments: Labels of the frame, true or predicted, of the same size.
        classes: Names and palette of the dataset.
        kernel_of_track: Index of the kernel that made each track in this frame (paper Fig. 3).
        color_by: Colour tracks by their "track" id or by their "kernel" index; by id where no kernels are given.
        score_of_track: Score in [0, 1] of some or all of the tracks.

    Returns:
        (H', W', 3) uint8 RGB; the size of the image, or an integer multiple of it where the image is small.

    Raises:
        ValueError: The sizes of image and labels differ, or `color_by` is unknown.
    """
    if image.shape[:2] != segments.semantic.shape or image.shape[:2] != segments.track.shape:
        raise ValueError(
            f"image is {image.shape[:2]} (height, width), but its labels are {segments.semantic.shape} (semantic) and "
            f"{segments.track.shape} (track); bring them to one size first"
        )
    image, *maps = magnify(image, segments.semantic, segments.track)
    segments = SegmentMap(*maps)
    tracks = find_tracks(segments)
    kernels = dict(kernel_of_track or {})
    colors = track_colors(tracks.ids, kernels, color_by)
    canvas = paint_segments(image, segments, tracks, colors, classes)
    names = track_names(tracks, classes, kernels if color_by == "kernel" else {}, score_of_track or {})
    boxes = ndimage.find_objects(tracks.index, max_label=len(tracks.ids))
    labels = [
        Label(texts, *largest_part(tracks.index[box] == i + 1, box)) for i, (texts, box) in enumerate(zip(names, boxes))
    ]
    return draw_labels(canvas, labels)


def track_names(
    tracks: TrackTable, classes: ClassTable, kernel_of_track: Mapping[int, int], score_of_track: Mapping[int, float]
) -> list[tuple[str, ...]]:
    """What is written at each track, from short to long: number (and kernel), with its class, with its score."""
    names = []
    for track, class_id in zip(tracks.ids.tolist(), tracks.classes.tolist()):
        number = f"{track} k{kernel_of_track[track]}" if track in kernel_of_track else f"{track}"
        name = f"{number} {_class_name(classes, class_id)}"
        score = (f"{name} {score_of_track[track]:.2f}",) if track in score_of_track else ()
        names.append((number, name, *score))
    return names


def track_colors(ids: np.ndarray, kernel_of_track: Mapping[int, int], color_by: ColorBy) -> np.ndarray:
    """Colour of each track, by its id or by the kernel that made it.

    Args:
        ids: (S,) integer track ids.
        kernel_of_track: Kernel index (from 0) of some or all of them.
        color_by: "track" or "kernel".

    Returns:
        (S, 3) uint8 RGB; light grey for a track without a kernel among tracks that have one.
    """
    if color_by not in ("track", "kernel"):
        raise ValueError(f"color_by is {color_by!r}, but must be 'track' or 'kernel'")
    if color_by == "track" or not kernel_of_track:
        return identity_colors(ids)
    kernels = np.array([kernel_of_track.get(i, -1) for i in ids.tolist()], np.int64)
    return np.where(kernels[:, None] >= 0, identity_colors(kernels + 1), NO_KERNEL)


def enlarge_image(image: np.ndarray) -> np.ndarray:
    """Bring a small image to at least `MIN_HEIGHT` pixels by the next integer factor; others are returned as they are.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (f * H, f * W, 3) uint8 RGB.
    """
    factor = _enlargement(image.shape[0])
    if factor == 1:
        return image
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


def magnify(image: np.ndarray, *maps: np.ndarray) -> tuple[np.ndarray, ...]:
    """Bring a small image (`enlarge_image`), and maps of its size, to the same larger size; maps repeat their pixels.

    Args:
        image: (H, W, 3) uint8 RGB.
        maps: (H, W) each.

    Returns:
        (f * H, f * W, 3) uint8 RGB, and the maps, (f * H, f * W) each.
    """
    factor = _enlargement(image.shape[0])
    return enlarge_image(image), *(x.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else x for x in maps)


def _enlargement(height: int) -> int:
    return max(1, -(-MIN_HEIGHT // height))


def find_tracks(segments: SegmentMap) -> TrackTable:
    """List the tracks of a frame and number their pixels consecutively."""
    track = np.asarray(segments.track)
    if track.size and track.min() >= 0 and track.max() < 1 << 20:
        present = np.bincount(track.ravel(), minlength=1) > 0
        present[0] = False
        ids = np.flatnonzero(present)
        index = (np.cumsum(present) * present).astype(np.int32)[track]  # (H, W)
    else:  # ids too large for a table
        ids, index = np.unique(np.where(track > 0, track, 0), return_inverse=True)
        offset = int(not (ids.size and ids[0] == 0))
        index = (index.reshape(track.shape) + offset).astype(np.int32)
        ids = ids[ids > 0]
    on = index > 0
    votes = np.bincount(index[on] * 256 + segments.semantic[on], minlength=(len(ids) + 1) * 256)
    return TrackTable(ids.astype(np.int64), index, votes.reshape(-1, 256)[1:].argmax(1))


def paint_segments(
    image: np.ndarray, segments: SegmentMap, tracks: TrackTable, colors: np.ndarray, classes: ClassTable
) -> np.ndarray:
    """Blend the colours of the segments, and their borders, into a frame.

    Args:
        image: (H, W, 3) uint8 RGB.
        segments: Labels of the same size.
        tracks: The tracks in them.
        colors: (S, 3) uint8 RGB of the tracks.
        classes: Palette and things of the dataset.

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    semantic, is_track = segments.semantic, tracks.index > 0
    stuff_colors, opacity_of_class = _class_tables(classes)
    track_table = np.concatenate([np.zeros((1, 3), np.uint8), colors])
    color = np.where(is_track[..., None], track_table[tracks.index], stuff_colors[semantic])  # (H, W, 3)
    opacity = np.where(is_track, np.uint16(TRACK_OPACITY), opacity_of_class[semantic])  # (H, W)
    if classes.thing_ids:
        crowd = np.isin(semantic, classes.thing_ids) & ~is_track
        color[crowd] = CROWD_GREYS[_stripes(*semantic.shape)[crowd]]
    border = segment_borders(np.where(is_track, tracks.index + 256, semantic)) & (opacity > 0)
    color[border & is_track] |= 128  # lighter
    color[border & ~is_track] >>= 1  # darker
    opacity[border & is_track] = BORDER_OPACITY
    return _blend(image, color, opacity)


def segment_borders(segment: np.ndarray) -> np.ndarray:
    """Mark the pixels at which segments meet, on both sides.

    Args:
        segment: (H, W) integers, one number per segment.

    Returns:
        (H, W) bool, 2 pixels wide up to a height of 720 and wider above.
    """
    border = np.zeros(segment.shape, np.uint8)
    for axis_slices in ((slice(None), slice(1, None)), (slice(1, None), slice(None))):
        before = tuple(slice(None, -1) if s.start == 1 else s for s in axis_slices)
        change = segment[axis_slices] != segment[before]
        border[axis_slices] |= change
        border[before] |= change
    extra = segment.shape[0] // 720
    return cv2.dilate(border, np.ones((3, 3), np.uint8), iterations=extra).view(bool) if extra else border.view(bool)


def _blend(image: np.ndarray, color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Mix (H, W, 3) uint8 pictures; opacity (H, W) of 256 says how much of `color` is seen, exactly none at 0."""
    difference = color.astype(np.int16) - image
    weighted = cv2.multiply(difference, cv2.merge([opacity.astype(np.int16)] * 3), scale=1 / 256, dtype=cv2.CV_16S)
    return (image + weighted).astype(np.uint8)


def _class_tables(classes: ClassTable) -> tuple[np.ndarray, np.ndarray]:
    """(256, 3) uint8 colours and (256,) uint16 opacities by dataset class id; unknown ids and void are not drawn."""
    colors, opacity = np.zeros((256, 3), np.uint8), np.zeros(256, np.uint16)
    number = len(classes.names)
    colors[:number] = classes.palette
    opacity[:number] = STUFF_OPACITY
    opacity[list(classes.thing_ids)] = CROWD_OPACITY
    return colors, opacity


def _stripes(height: int, width: int) -> np.ndarray:
    """(H, W) uint8 of 0 and 1: diagonal stripes."""
    period = max(4, height // 60)
    diagonal = np.arange(height + width) // period % 2
    return np.lib.stride_tricks.sliding_window_view(diagonal.astype(np.uint8), width)[:height]


def _class_name(classes: ClassTable, class_id: int) -> str:
    return classes.names[class_id] if class_id < len(classes.names) else "void"
