"""Classes and track ids of a frame in one 8-bit RGB PNG: R class, G * 256 + B track id.

KITTI-STEP and one's own videos are stored this way.

Legend: H W size.
"""

from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, SegmentMap
from ..disk.png import read_png

MAX_TRACK = 2**16 - 1


def read_segments(path: Path) -> SegmentMap:
    """Classes as in the red channel, whose range is not checked, and track ids.

    Raises:
        FormatError: The file is missing, damaged, or not 8-bit RGB.
    """
    array = read_png(path, "RGB")  # (H, W, 3)
    track = array[..., 1].astype(np.int32)  # widen first: 8 bits cannot be shifted
    track <<= 8
    track |= array[..., 2]
    return SegmentMap(np.ascontiguousarray(array[..., 0]), track)


def encode_segments(semantic: np.ndarray, track: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 coding of checked classes and track ids, (H, W) each."""
    return np.stack([semantic, track >> 8, track & 255], axis=-1).astype(np.uint8)


def check_shapes(segments: SegmentMap, where: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Classes and track ids as arrays.

    Raises:
        FormatError: They are not of one size (H, W).
    """
    semantic, track = np.asarray(segments.semantic), np.asarray(segments.track)
    if semantic.ndim != 2 or semantic.shape != track.shape:
        raise FormatError(f"{where}: semantic is {semantic.shape}, track {track.shape}; both must be one (H, W).")
    return semantic, track


def check_tracks(track: np.ndarray, where: Path | str) -> None:
    """Refuse track ids that two bytes cannot hold.

    Raises:
        FormatError: There is one.
    """
    if track.size and not 0 <= int(track.min()) <= int(track.max()) <= MAX_TRACK:
        value = int(track.min()) if track.min() < 0 else int(track.max())
        raise FormatError(f"{where}: track id {value} is outside 0..{MAX_TRACK}. Number the tracks of a video from 1.")


def check_classes(semantic: np.ndarray, known: int, where: Path | str, remedy: str) -> None:
    """Refuse classes that the dataset does not have.

    Args:
        semantic: (H, W) classes of any integer type, `VOID` where there is none.
        known: Number of classes.
        where: File, for messages.
        remedy: What the classes are, for messages.

    Raises:
        FormatError: There is one.
    """
    wrong = ((semantic < 0) | (semantic >= known)) & (semantic != VOID)
    if wrong.any():
        value = int(semantic[wrong].min())
        raise FormatError(f"{where}: class {value} is outside 0..{known - 1} and not {VOID} (void). {remedy}")
