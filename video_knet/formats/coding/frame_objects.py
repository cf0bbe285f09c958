"""The objects of one frame as a json lists them: what a frame carries as its label until it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from ..base import FormatError, ObjectMap, SegmentMap
from ..dataset_format import DatasetFormat
from .object_map import map_from_runs, paint
from .rle import MaskError, decode_runs

Polygons = tuple[bytes, ...]
_HUNDREDTHS, _EXACT = b"h", b"d"  # how a polygon's numbers are kept
_FARTHEST = 10**6  # pixels from the image's corner; drawing takes memory that grows with it


@dataclass(frozen=True, slots=True)
class FrameObjects:
    """Objects of a frame, which may overlap, in the order in which they are painted: crowds first.

    It is small and can be pickled, so that a data set of 100 000 frames fits into memory.

    Attributes:
        path: The json, for messages.
        where: Frame within it, for messages.
        size: (H, W) of the frame.
        semantic: Dataset class id of each object.
        track: Id of each object from 1, 0 for a crowd.
        masks: Run-length code of each object as text, or its polygons, see `pack_polygon`.
    """

    path: Path
    where: str
    size: tuple[int, int]
    semantic: tuple[int, ...]
    track: tuple[int, ...]
    masks: tuple[str | Polygons, ...]

    def read(self) -> ObjectMap:
        """Decode them.

        Raises:
            FormatError: A mask cannot be decoded.
        """
        size = list(self.size)
        texts = [mask if isinstance(mask, str) else polygons_text(mask, self.size) for mask in self.masks]
        try:
            runs = decode_runs([{"size": size, "counts": text} for text in texts], size)
            return map_from_runs(runs, self.size, self.semantic, self.track)
        except MaskError as error:
            raise FormatError(
                f"{self.path}: {self.where}, object {error.place}: mask cannot be decoded, {error.reason}. "
                "Restore the original file, or encode the mask with pycocotools."
            ) from None
        except FormatError as error:
            raise FormatError(f"{self.path}: {self.where}: {error}") from None

    @classmethod
    def ordered(cls, path: Path, where: str, size: tuple[int, int], objects: Sequence[tuple]) -> "FrameObjects":
        """From (semantic, track, mask) of each object: crowds come first, or they would hide what they surround."""
        objects = sorted(objects, key=lambda entry: entry[1] != 0)
        semantic, track, masks = zip(*objects) if objects else ((), (), ())
        return cls(path, where, size, semantic, track, masks)


class ObjectsFormat(DatasetFormat):
    """A format whose frames are `FrameObjects`: how they are read is the same whatever json lists them."""

    overlapping = True

    def read(self, label: FrameObjects) -> SegmentMap:
        """Read a frame with later objects on top of earlier ones, all on top of crowds, and void elsewhere.

        Raises:
            FormatError: A mask is damaged.
        """
        return paint(self.read_objects(label))

    def read_objects(self, label: FrameObjects) -> ObjectMap:
        """Read the objects of a frame in the order of the json, crowds first. A track is the object's number in its
        video or image, from 1, or its `track_id` where the json has this entry, which is ours.

        Raises:
            FormatError: A mask is damaged.
        """
        return label.read()

    def label_size(self, label: FrameObjects) -> tuple[int, int]:
        """(H, W) of a frame as the json says."""
        return label.size


def number_tracks(objects: Sequence[tuple[int, bool, object]]) -> list[int]:
    """Track of each object of a video: 0 for a crowd, else its place from 1, or what the file says.

    Args:
        objects: Dataset class id, whether it is a crowd, and `track_id` of the file or None, of each. What the file
            says counts where all have a sound one.
    """
    own = [(semantic, track) for semantic, crowd, track in objects if not crowd]
    sound = all(type(track) is int and 0 < track < 2**31 for _, track in own) and len(set(own)) == len(own)
    return [0 if crowd else track if sound else place for place, (_, crowd, track) in enumerate(objects, 1)]


def pack_polygon(numbers: Sequence[float]) -> bytes:
    """Coordinates x, y, x, y, ... exactly: in hundredths of a pixel where they have two decimals, as in COCO.

    Raises:
        ValueError: They are no corners of a polygon; the message continues "polygon ...".
    """
    try:
        values = np.array(numbers, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("is no list of numbers") from None
    if values.ndim != 1 or len(values) < 6 or len(values) % 2 or not np.isfinite(values).all():
        raise ValueError(f"has {values.size} numbers, but an even number from 6 is asked for, all finite")
    if np.abs(values).max() > _FARTHEST:
        raise ValueError(f"has a corner at {values[np.abs(values).argmax()]}, outside -{_FARTHEST}..{_FARTHEST}")
    hundredths = np.rint(values * 100)
    if (hundredths / 100 == values).all():
        return _HUNDREDTHS + hundredths.astype("<i4").tobytes()
    return _EXACT + values.astype("<f8").tobytes()


def unpack_polygon(packed: bytes) -> np.ndarray:
    """(2 corners,) float64 coordinates."""
    if packed[:1] == _HUNDREDTHS:
        return np.frombuffer(packed[1:], "<i4") / 100
    return np.frombuffer(packed[1:], "<f8")


def polygons_text(polygons: Polygons, size: tuple[int, int]) -> str:
    """Run-length code of the union of polygons, as pycocotools draws them."""
    codes = coco_mask.frPyObjects([unpack_polygon(polygon).tolist() for polygon in polygons], *size)
    return coco_mask.merge(codes)["counts"].decode()
