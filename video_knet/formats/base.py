"""What every dataset format is made of: classes, videos, frames, and the labels of one frame.

Two numberings of classes exist. *Dataset ids* are what the files hold (KITTI-STEP: Cityscapes train ids). *Labels* are
what networks use: things first, then stuff, each in ascending dataset id. `ClassTable.label_ids` maps label to id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

VOID = 255


MAX_LISTED = 20  # faults named in one message


class FormatError(ValueError):
    """A file or folder is not what the format asks for; the message names it, what was found, and the remedy.

    Args:
        faults: One message or several; the first of them make up the text.
        partial: What could be read all the same.
    """

    def __init__(self, *faults: str, partial: Any = None) -> None:
        self.faults, self.partial = faults, partial
        more = [f"... and {len(faults) - MAX_LISTED} more"] * (len(faults) > MAX_LISTED)
        super().__init__("\n  ".join([*faults[:MAX_LISTED], *more]))


@contextmanager
def collect_faults(faults: list[str]) -> Iterator[None]:
    """Note the faults of a block instead of leaving by them."""
    try:
        yield
    except FormatError as error:
        faults += error.faults


@dataclass(frozen=True)
class ClassTable:
    """The classes of a dataset.

    Attributes:
        names: Class names, indexed by dataset id.
        thing_ids: Dataset ids of the things, ascending. All others are stuff.
        palette: RGB colour of each class, indexed by dataset id.
        void: Dataset id of pixels without annotation.
    """

    names: tuple[str, ...]
    thing_ids: tuple[int, ...]
    palette: tuple[tuple[int, int, int], ...]
    void: int = VOID

    @property
    def stuff_ids(self) -> tuple[int, ...]:
        """Dataset ids of the stuff classes, ascending."""
        return tuple(i for i in range(len(self.names)) if i not in self.thing_ids)

    @property
    def label_ids(self) -> tuple[int, ...]:
        """Dataset id of each network label: things first, then stuff."""
        return self.thing_ids + self.stuff_ids

    @property
    def is_thing(self) -> np.ndarray:
        """(classes,) bool, indexed by dataset id."""
        return np.isin(np.arange(len(self.names)), self.thing_ids)

    def thing_lookup(self) -> np.ndarray:
        """(256,) bool, whether a dataset id is that of a thing; void and unknown ids are not."""
        table = np.zeros(256, bool)
        table[list(self.thing_ids)] = True
        return table

    def id_to_label(self) -> np.ndarray:
        """(256,) uint8 lookup from dataset id to network label; void and unknown ids stay `VOID`."""
        table = np.full(256, VOID, np.uint8)
        table[list(self.label_ids)] = np.arange(len(self.names))
        return table


@dataclass(frozen=True)
class Frame:
    """One frame of a video.

    Attributes:
        name: File stem, kept for writing predictions ("000078").
        image: Image file.
        label: What the format reads the labels from: a file, or an entry of a json and its file; it can be pickled.
            None where the frame has no annotation.
    """

    name: str
    image: Path | None
    label: Any = None


@dataclass(frozen=True)
class Video:
    """A video and its frames in temporal order; a frame's position in `frames` is its frame id."""

    name: str
    frames: tuple[Frame, ...] = field(default_factory=tuple)


@dataclass
class SegmentMap:
    """Labels of one frame, true or predicted.

    Attributes:
        semantic: (H, W) uint8 dataset class ids, `VOID` where unknown.
        track: (H, W) int32 object ids from 1; 0 for stuff and void, and for thing pixels without an object (crowd).
    """

    semantic: np.ndarray
    track: np.ndarray


@dataclass
class ObjectMap:
    """Objects of one frame that may overlap, as one map: a region is a set of pixels that the same objects cover.

    Such a map can be resized, flipped and cropped like any label map, whatever the number of objects (N).

    Attributes:
        regions: (H, W) uint16 region of each pixel. `VOID` is never a region's number, so that maps can be padded.
        members: (R, N) bool, which objects cover a region; row `VOID`, where there is one, is False.
        semantic: (N,) uint8 dataset class id of each object.
        track: (N,) int32 id of each object from 1; 0 for a crowd.
    """

    regions: np.ndarray
    members: np.ndarray
    semantic: np.ndarray
    track: np.ndarray
