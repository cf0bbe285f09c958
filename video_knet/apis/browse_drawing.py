"""Samples drawn: frames beside each other with their labels, and the sheet of all of them.

Legend: H W size of a picture.
"""

import math

import cv2
import numpy as np
from scipy import ndimage

from video_knet.apis.browse_samples import TRACK_BITS, SampleFrame, has_void, shared_identities
from video_knet.apis.colors import identity_colors
from video_knet.apis.lettering import Label, draw_labels, largest_part, letters, stamp_letters
from video_knet.apis.panels import compose_panels
from video_knet.apis.visualization import find_tracks, magnify, paint_segments
from video_knet.formats.base import ClassTable, SegmentMap

MAX_PANEL = 1600  # pixels of the longer side of one frame
MAX_SHEET = 4096  # pixels of either side of the sheet
BACKGROUND = 24
VOID_SHADES = np.array((0, 70), np.uint8)  # black, with thin lines
NAMED_STUFF = 0.004  # of the frame; smaller regions of stuff get no name


def draw_sample(frames: list[SampleFrame], classes: ClassTable, title: str) -> np.ndarray:
    """Draw the frames of a sample beside or below each other.

    Args:
        frames: The key frame first.
        classes: Of the dataset.
        title: Of the sample.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    key = frames[0]
    pictures = []
    for frame in frames:
        picture = draw_frame(frame, classes)
        pictures.append(np.concatenate([picture, caption(picture.shape[1], caption_lines(frame, key, classes))]))
    titles = [f"key frame of {title}", *(f"reference, {_offset(frame, key)}" for frame in frames[1:])]
    height = max(len(picture) for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    padded = [_pad(picture, height, width) for picture in pictures]  # frames of one sample may differ in size
    columns = len(frames) if len(frames) <= 2 else math.ceil(math.sqrt(len(frames)))
    rows = [
        compose_panels(padded[start : start + columns], titles[start : start + columns])
        for start in range(0, len(frames), columns)
    ]
    width = max(row.shape[1] for row in rows)
    return np.concatenate([_pad(row, row.shape[0], width) for row in rows])


def draw_frame(frame: SampleFrame, classes: ClassTable) -> np.ndarray:
    """Draw one frame: stuff in the palette, objects in their colours, crowds hatched grey, void black with thin lines.

    The same object has the same colour and number in all frames. What has no label in a dataset of objects only, and
    every frame without labels, is shown as it is.

    Args:
        frame: The frame.
        classes: Of the dataset.

    Returns:
        (H, W, 3) uint8 RGB, an integer multiple of the frame's size where it is small, smaller where it is large.
    """
    factor = min(1.0, MAX_PANEL / max(frame.objects.shape))
    image, semantic, objects = frame.image, frame.semantic, frame.objects
    if semantic is None:
        semantic = np.full(objects.shape, classes.void, np.uint8)
    semantic = semantic.copy()
    for identity, class_id in zip(frame.identities.tolist(), frame.classes.tolist()):
        semantic[objects == identity] = class_id
    void = frame.void if has_void(frame, classes) else np.zeros(objects.shape, bool)
    if factor < 1:
        size = tuple(max(1, round(n * factor)) for n in objects.shape)
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        semantic, objects, void = (_nearest(values, size) for values in (semantic, objects, void))
    image, semantic, objects, void = magnify(image, semantic, objects, void)
    segments = SegmentMap(semantic, objects)
    tracks = find_tracks(segments)
    canvas = paint_segments(image, segments, tracks, identity_colors(tracks.ids), classes)
    canvas[void] = _hatching(*void.shape)[void][:, None]
    return draw_labels(canvas, [*_object_labels(frame, tracks, classes), *_stuff_labels(semantic, objects, classes)])


def _object_labels(frame: SampleFrame, tracks, classes: ClassTable) -> list[Label]:
    labels = []
    boxes = ndimage.find_objects(tracks.index, max_label=len(tracks.ids))
    for number, (identity, class_id, box) in enumerate(zip(tracks.ids.tolist(), tracks.classes.tolist(), boxes), 1):
        track, name = str(identity & (1 << TRACK_BITS) - 1), classes.names[class_id]
        texts = (track, f"{track} {name}") if frame.tracked else (name,)
        labels.append(Label(texts, *largest_part(tracks.index[box] == number, box)))
    return labels


def _stuff_labels(semantic: np.ndarray, objects: np.ndarray, classes: ClassTable) -> list[Label]:
    """Names of the stuff, and of crowds, at the largest region of each."""
    labels = []
    free = np.where(objects > 0, 0, semantic.astype(np.int32) + 1)
    for value, box in enumerate(ndimage.find_objects(free, max_label=len(classes.names)), 1):
        if box is None:
            continue
        mask, box = largest_part(free[box] == value, box)
        if mask.sum() >= NAMED_STUFF * semantic.size:
            crowd = "crowd: " if value - 1 in classes.thing_ids else ""
            name = classes.names[value - 1]
            labels.append(Label((name, crowd + name), mask, box))
    return labels


def caption_lines(frame: SampleFrame, key: SampleFrame, classes: ClassTable) -> list[str]:
    """File and draws of a frame, and what is in it."""
    draws, count = frame.draws(), len(frame.identities)
    scale, (width, height), before = draws["scale"], draws["size"], draws["original_size"]
    factor = f"{scale[0]:.2f}" if abs(scale[0] - scale[1]) < 0.01 else f"{scale[0]:.2f} x {scale[1]:.2f}"
    flip = f"flipped ({draws['flip']})" if draws["flip"] else "not flipped"
    lines = [f"{frame.name}   scale {factor}, {flip}, {before[0]} x {before[1]} to {width} x {height}"]
    if not frame.labelled:
        return [*lines, "no labels"]
    facts = [f"{count} object{'s' * (count != 1)}"] if classes.thing_ids else []
    if classes.thing_ids and frame.tracked and not frame.is_key:
        facts.append(f"{len(shared_identities(frame, key))} shared with the key frame")
    if has_void(frame, classes):
        facts.append(f"void {100 * frame.void.mean():.1f}%")
    return [*lines, ", ".join(facts)]


def caption(width: int, lines: list[str]) -> np.ndarray:
    """Lines of text on a dark ground; what is too long is broken at spaces.

    Args:
        width: Pixels.
        lines: The text.

    Returns:
        (H, width, 3) uint8 RGB.
    """
    size = int(np.clip(width / 56, 12, 22))
    stamps = [letters(part, size) for line in lines for part in _wrap(line, size, width - 16)]
    step = round(1.5 * size)
    picture = np.full((step * len(stamps) + size // 2, width, 3), BACKGROUND, np.uint8)
    for row, stamp in enumerate(stamps):
        stamp_letters(picture, stamp, (step * row + step // 2 + size // 4, 8 + stamp[0].shape[1] // 2))
    return picture


def _wrap(line: str, size: int, width: int) -> list[str]:
    words, parts = line.split(" "), [""]
    for word in words:
        longer = f"{parts[-1]} {word}".strip()
        if letters(longer or " ", size)[0].shape[1] <= width or not parts[-1]:
            parts[-1] = longer
        else:
            parts.append(word)
    return [part for part in parts if part]


class ContactSheet:
    """All samples on one picture of bounded size.

    Args:
        number: Samples to come.
        shape: (H, W) of a typical one.
    """

    def __init__(self, number: int, shape: tuple[int, int]) -> None:
        aspect = shape[1] / shape[0]
        columns = min(number, max(1, math.ceil(math.sqrt(number / aspect))))
        rows = -(-number // columns)
        width = min(shape[1], 960, MAX_SHEET // columns)
        height = min(round(width / aspect), MAX_SHEET // rows)
        self.cell, self.columns, self.added = (max(1, height), max(1, width)), columns, 0
        self.picture = np.full((rows * self.cell[0], columns * self.cell[1], 3), BACKGROUND, np.uint8)

    def add(self, picture: np.ndarray) -> None:
        """Put the next sample on it, (H, W, 3) uint8 RGB of any size."""
        (height, width), gap = self.cell, 4
        factor = min((height - gap) / picture.shape[0], (width - gap) / picture.shape[1], 1.0)
        size = tuple(max(1, round(n * factor)) for n in picture.shape[:2])
        small = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
        row, column = divmod(self.added, self.columns)
        self.picture[row * height : row * height + size[0], column * width : column * width + size[1]] = small
        self.added += 1


def _offset(frame: SampleFrame, key: SampleFrame) -> str:
    offset = frame.meta.get("frame_id", 0) - key.meta.get("frame_id", 0)
    unit = "frame" if abs(offset) == 1 else "frames"
    return f"{abs(offset)} {unit} {'earlier' if offset < 0 else 'later'}" if offset else "the same frame"


def _pad(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    space = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    return np.pad(picture, space, constant_values=BACKGROUND)


def _nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) values at another (H, W), each pixel from the nearest one."""
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, values.shape))
    return values[rows[:, None], columns]


def _hatching(height: int, width: int) -> np.ndarray:
    """(H, W) uint8, black with thin diagonal lines."""
    period = max(10, height // 30)
    shades = VOID_SHADES[(np.arange(height + width) % period < max(1, period // 10)).astype(int)]
    return np.lib.stride_tricks.sliding_window_view(shades, width)[:height]
