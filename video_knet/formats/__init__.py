"""Datasets on disk: classes, things, palette, id coding, void, and how each is read and written.

Numpy, PIL and json only. Datasets, evaluators and the synthetic world all stand on these files.
"""

from .base import VOID, ClassTable, FormatError, Frame, SegmentMap, Video
from .kitti_step import KittiStep

FORMATS = {"kitti-step": KittiStep}


def get_format(name: str) -> KittiStep:
    """The format of a dataset by its name; "kitti-step" and "kitti_step" are the same.

    Raises:
        FormatError: There is no such format.
    """
    key = name.lower().replace("_", "-")
    if key not in FORMATS:
        raise FormatError(f"format {name!r} is not known; use one of: {', '.join(sorted(FORMATS))}")
    return FORMATS[key]()


__all__ = ["FORMATS", "VOID", "ClassTable", "FormatError", "Frame", "KittiStep", "SegmentMap", "Video", "get_format"]
