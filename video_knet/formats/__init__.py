"""Datasets on disk: classes, things, palette, id coding, void, and how each is read and written.

Numpy, PIL and json only. Datasets, evaluators and the synthetic world all stand on these files.
"""

from collections.abc import Callable

from .base import VOID, ClassTable, FormatError, Frame, ObjectMap, SegmentMap, Video
from .dataset_format import DatasetFormat, Published
from .kitti_step import KittiStep
from .vspw import Vspw

FORMATS: dict[str, Callable[[], DatasetFormat]] = {
    "kitti-step": KittiStep,
    "vspw": Vspw,
}


def format_key(name: str) -> str:
    """The one spelling of a format's name that configs, checkpoints and commands agree on."""
    return name.lower().replace("_", "-")


def get_format(name: str) -> DatasetFormat:
    """The format of a dataset by its name; "kitti-step" and "kitti_step" are the same.

    Raises:
        FormatError: There is no such format.
    """
    key = format_key(name)
    if key not in FORMATS:
        raise FormatError(f"format {name!r} is not known; use one of: {', '.join(sorted(FORMATS))}")
    return FORMATS[key]()


__all__ = [
    "FORMATS",
    "VOID",
    "ClassTable",
    "DatasetFormat",
    "FormatError",
    "Frame",
    "KittiStep",
    "ObjectMap",
    "Published",
    "SegmentMap",
    "Video",
    "Vspw",
    "format_key",
    "get_format",
]
