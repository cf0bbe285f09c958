"""COCO instances, 2017 (Lin et al., ECCV 2014), read in place from the official layout.

    ROOT/{train2017,val2017,test2017}/IMAGE.jpg
    ROOT/annotations/instances_{train2017,val2017}.json

Objects may overlap. What the json holds: instance_json.py
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..base import VOID, ClassTable, FormatError, Frame, SegmentMap, Video
from ..coding.frame_objects import ObjectsFormat
from ..dataset_format import Published
from ..disk.folders import IMAGES, list_stems
from .classes import COCO_THINGS
from .instance_json import list_images
from .instance_writer import IMAGES_OF_VIDEO, write_images

SPLITS = ("train2017", "val2017", "test2017")
ALIASES = {split.removesuffix("2017"): split for split in SPLITS}


class CocoInstance(ObjectsFormat):
    """The COCO instance format; each image is a video of one frame, named by its file.

    A split is "train2017" (or "train"), "val2017" ("val"), "test2017" ("test"), or the path of a json, absolute or
    below the root, whose images are in the folder of those three that has the first one.

    Attributes:
        name: Name of the format.
        classes: The 80 classes, all things, in the order of their category ids. A json is read by the names of its
            categories; it may have fewer.
    """

    name = "coco-instance"
    classes = ClassTable(
        tuple(name for _, name, _ in COCO_THINGS),
        tuple(range(len(COCO_THINGS))),
        tuple(colour for _, _, colour in COCO_THINGS),
        VOID,
    )
    published = {
        "train2017": Published(118287, 118287),
        "val2017": Published(5000, 5000),
        "test2017": Published(40670, 0),
    }
    layout = {
        "SPLIT/IMAGE.jpg": "images of train2017, val2017, test2017",
        "annotations/instances_SPLIT.json": "annotations of train2017 and val2017",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the images of a split in the order of the json, those without an object, too.

        Raises:
            FormatError: The json is missing, faulty or has other classes, or images are missing; all faults that were
                found, `partial` holds the other images.
        """
        root, split = Path(root), ALIASES.get(str(split), str(split))
        if split == "test2017":
            images = list_stems(root / split, IMAGES)
            return [Video(stem, (Frame(stem, path),)) for stem, path in images.items()]
        if split.endswith(".json"):
            path = next((place for place in (Path(split), root / split) if place.is_file()), root / split)
            folders = [root / name for name in SPLITS]
        else:
            path, folders = root / "annotations" / f"instances_{split}.json", [root / split]
        if not path.is_file():
            raise FormatError(
                f"{path}: no such file. Give the folder that holds annotations and {', '.join(SPLITS)}, and one of "
                "these or the path of a json as split."
            )
        return list_images(path, folders, self.classes)

    def sequence_names(self, split: str, count: int) -> list[str]:
        """Numbers of the first image of `count` videos; no other split has them, nor has the published data."""
        first = (1 + SPLITS.index(ALIASES.get(split, split))) * 10**9
        return [f"{first + i * IMAGES_OF_VIDEO:012d}" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write frames as single images, then them and their objects into the json, which is replaced as a whole.

        Images that are there are replaced. Things with a track become annotations, and so does each class of crowd;
        stuff and void are not kept. Annotations also get a `track_id`, so that tracks are read back as they were.

        Args:
            root: Root of the data set.
            split: "train2017", "val2017", or "test2017", which gets no annotations; or without the year.
            name: Number of the first image.
            images: (H, W, 3) uint8 RGB.
            maps: Labels, one per image; ignored for test2017.
            start: Added to the number.
        """
        split = ALIASES.get(split, split)
        if split not in SPLITS or not name.isdecimal() or start < 0:
            raise FormatError(
                f"split {split!r}, video {name!r}, first file {start}: use {', '.join(SPLITS)}, the number of the "
                "first image, and files from 0"
            )
        write_images(Path(root), split, int(name) + start, images, maps, self.classes)
