"""Datasets on disk: classes, things, palette, id coding, void, and how each is read and written.

No torch. Datasets, evaluators and the synthetic world all stand on these files: a folder for each dataset, `disk` and
`coding` for what several share.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from .base import VOID, ClassTable, FormatError, Frame, ObjectMap, SegmentMap, Video
from .cityscapes import CityscapesPanoptic, CityscapesStep
from .cityscapes_vps import CityscapesVps
from .coco import CocoInstance, CocoPanoptic
from .dataset_format import DatasetFormat, Published
from .kitti_step import KittiStep
from .mapillary import Mapillary
from .own_videos import OwnVideos
from .own_videos.description import DESCRIPTION, description_path
from .vipseg import Vipseg
from .vspw import Vspw
from .youtube_vis import YouTubeVIS

FORMATS: dict[str, Callable[[], DatasetFormat]] = {
    "cityscapes-vps": CityscapesVps,
    "cityscapes-panoptic": CityscapesPanoptic,
    "cityscapes-step": CityscapesStep,
    "coco-instance": CocoInstance,
    "coco-panoptic": CocoPanoptic,
    "kitti-step": KittiStep,
    "mapillary": Mapillary,
    "own-videos": OwnVideos,
    "vipseg": Vipseg,
    "vspw": Vspw,
    "youtube-vis": YouTubeVIS,
    "youtube-vis-2019": YouTubeVIS,
    "youtube-vis-2021": partial(YouTubeVIS, 2021),
}


def format_key(name: str) -> str:
    """The one spelling of a format's name that configs, checkpoints and commands agree on; paths stay as they are."""
    key = name.lower().replace("_", "-")
    return key if key in FORMATS else name


def is_format(name: str) -> bool:
    """Whether `get_format` finds a format of this name, or at this path."""
    return format_key(name) in FORMATS or description_path(name).is_file()


def get_format(name: str) -> DatasetFormat:
    """The format of a dataset by its name; "kitti-step" and "kitti_step" are the same.

    The path of a folder that holds dataset.json, or of that file, is a format, too: one's own videos.

    Raises:
        FormatError: There is no such format, or the dataset.json is faulty.
    """
    key = format_key(name)
    if key in FORMATS:
        return FORMATS[key]()
    path = description_path(name)
    if path.is_file() or path.suffix == Path(name).suffix == ".json":
        return OwnVideos(path)
    raise FormatError(
        f"format {name!r} is not known; use one of: {', '.join(sorted(FORMATS))}; or the path of a folder that holds "
        f"{DESCRIPTION} (there is no {path})"
    )


__all__ = [
    "FORMATS",
    "VOID",
    "CityscapesVps",
    "ClassTable",
    "CocoInstance",
    "DatasetFormat",
    "FormatError",
    "Frame",
    "KittiStep",
    "ObjectMap",
    "OwnVideos",
    "Published",
    "SegmentMap",
    "Video",
    "Vipseg",
    "Vspw",
    "YouTubeVIS",
    "format_key",
    "get_format",
    "is_format",
]
