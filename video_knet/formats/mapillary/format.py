"""Mapillary Vistas v1.2 (Neuhold et al., ICCV 2017), read in place from the layout of the official download.

    ROOT/config.json                                 the labels; config_v1.2.json in later downloads
    ROOT/{training,validation,testing}/images/ID.jpg images; testing has no labels
    ROOT/{training,validation}/instances/ID.png      labels, 16 bit; in later downloads v1.2/instances/ID.png

A label is its number * 256 + number of the object within its class, from 0. There are no crowds. The last label, 65, is
void.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, SegmentMap, Video
from ..coding.panoptic_json import read_predicted
from ..coding.segment_png import check_classes, check_shapes
from ..coding.track_numbers import TrackNumbers
from ..dataset_format import DatasetFormat, Published
from ..disk.folders import first_folder, list_stems
from ..disk.images import write_jpeg
from ..disk.json_files import read_json, write_json
from ..disk.pairing import image_video, pair_images
from ..disk.png import read_png, write_png
from .classes import MAPILLARY_CLASSES, UNLABELED

CATEGORY_IDS = tuple(range(1, len(MAPILLARY_CLASSES.names) + 1))  # of the panoptic json of the data set
_CONFIGS = ("config.json", "config_v1.2.json")
_FOLDERS = ("instances", "v1.2/instances")
_SPLITS = {"train": "training", "val": "validation", "test": "testing"}
_OBJECTS = 256  # of a class in an image
_CROWD = np.int32(2**31 - 1)  # a track that no number can keep: it gets a free one
_UNLABELED = len(MAPILLARY_CLASSES.names)  # label
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LAYOUT_REMEDY = "Point data_root at the folder that holds training/ and validation/ (data/README.md)."


class Mapillary(DatasetFormat):
    """The format of Mapillary Vistas v1.2: 65 classes, 37 of them things."""

    name = "mapillary"
    classes = MAPILLARY_CLASSES
    published = {
        "training": Published(18000, 18000),
        "validation": Published(2000, 2000),
        "testing": Published(5000),
    }
    layout = {
        "config.json": "the labels",
        "training/images/ID.jpg": "images of training",
        "training/instances/ID.png": "labels of training",
        "validation/images/ID.jpg": "images of validation",
        "validation/instances/ID.png": "labels of validation",
        "testing/images/ID.jpg": "images of testing",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """The images of a split by name; every image needs its label and the other way round, except in testing.

        Args:
            root: Root of the data set.
            split: "training", "validation", "testing", or short "train", "val", "test".

        Raises:
            FormatError: The labels of config.json are others, or files are missing or misnamed; all faults, `partial`
                holds the other images.
        """
        folder, faults = Path(root) / self._split(split), []
        if not folder.is_dir():
            raise FormatError(f"{folder}: no such folder. {_LAYOUT_REMEDY}")
        images = _named(list_stems(folder / "images", (".jpg", ".jpeg")), faults)
        if folder.name == "testing":
            videos = [image_video(name, path) for name, path in images.items()]
        else:
            check_config(Path(root))
            place = _label_folder(folder)
            labels = _named(list_stems(place, (".png",)), faults)
            videos = pair_images(
                images,
                labels,
                lambda name: folder / "images" / f"{name}.jpg",
                lambda name: place / f"{name}.png",
                faults,
            )
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def label_files(self, path: str | Path) -> dict[str, Path]:
        """Labels by name, without their images.

        Args:
            path: Root of the data set, whose "validation" is taken; or the folder of a split; or one of labels.

        Raises:
            FormatError: There are no labels.
        """
        path, faults = Path(path), []
        folders = [path / split / name for split in ("validation", ".") for name in _FOLDERS]
        found = _named(list_stems(first_folder(folders) or path, (".png",)), faults)
        if faults:
            raise FormatError(*faults, partial=found)
        return found

    def _split(self, split: str) -> str:
        name = _SPLITS.get(split, split)
        if name not in self.published:
            raise FormatError(f"split {split!r} is not known; use one of: {', '.join(self.published)}")
        return name

    def read(self, label: str | Path) -> SegmentMap:
        """Read the labels of an image; the track of an object is its number within its class, from 1.

        Raises:
            FormatError: The file is missing, damaged, not 16-bit grey, or holds an unknown label.
        """
        path = Path(label)
        ids = read_png(path, "I;16")
        semantic = (ids >> 8).astype(np.uint8)
        counts = np.bincount(semantic.ravel(), minlength=256)
        if len(unknown := np.flatnonzero(counts[_UNLABELED + 1 :])):
            raise FormatError(
                f"{path}: label {_UNLABELED + 1 + int(unknown[0])} is outside 0..{_UNLABELED}. Values are label * "
                f"{_OBJECTS} + object, and labels those of v1.2; restore the original file."
            )
        is_thing = np.append(self.classes.is_thing, False)
        track = (ids & 255).astype(np.int32)
        track += 1
        track *= np.take(is_thing, semantic)
        semantic[semantic == _UNLABELED] = VOID
        return SegmentMap(semantic, track)

    def read_predicted(self, folder: str | Path, video: str, frame: str) -> SegmentMap:
        """Read the prediction of an image from a folder with `pred.json` and `pan_pred/`.

        Raises:
            FormatError: A file is missing or damaged, or `pred.json` does not list the image.
        """
        return read_predicted(Path(folder), frame, self.classes, CATEGORY_IDS)

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` first parts of image names, other ones for each split."""
        return [f"synthetic_{self._split(split)}_{i:04d}" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write an image for each frame of a video, in the official layout.

        Objects of a class keep their track ids up to 256; others get free ones. A crowd becomes one more object of its
        class, since the format has no crowds.

        Args:
            root: Root of the data set.
            split: As for `videos`; "testing" gets no labels.
            name: First part of the names.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for testing.
            start: Number of the first frame.
        """
        root, split = Path(root), self._split(split)
        if not _NAME.fullmatch(name) or start < 0:
            raise FormatError(f"video {name!r}, start {start}: use letters, digits, - and _, and 0 or more")
        if not (root / _CONFIGS[0]).is_file():
            write_json(root / _CONFIGS[0], {"labels": config_labels()})
        numbers = TrackNumbers(self.classes, _OBJECTS, per_class=True)
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            folder, stem = root / split, f"{name}_{number:06d}"
            if split != "testing":
                path = folder / _FOLDERS[0] / f"{stem}.png"
                write_png(path, self._encode(segments, numbers, path))
            write_jpeg(folder / "images" / f"{stem}.jpg", image)

    def _encode(self, segments: SegmentMap, numbers: TrackNumbers, path: Path) -> np.ndarray:
        """(H, W) uint16 label * 256 + object."""
        semantic, track = check_shapes(segments, path)
        check_classes(semantic, len(self.classes.names), path, "Classes are the labels of v1.2.")
        crowd = self.classes.thing_lookup()[semantic] & (track == 0)
        track = np.where(crowd, _CROWD, track)
        objects = numbers.renumber(semantic, track, path)
        labels = np.where(semantic == VOID, _UNLABELED, semantic).astype(np.uint16)
        return (labels * np.uint16(_OBJECTS) + np.maximum(objects - 1, 0)).astype(np.uint16)


def config_labels() -> list[dict]:
    """`labels` of a config.json, with the keys that are read here."""
    classes = MAPILLARY_CLASSES
    rows = zip(classes.names, classes.is_thing.tolist(), classes.palette)
    labels = [{"readable": name, "instances": thing, "evaluate": True, "color": list(c)} for name, thing, c in rows]
    return [*labels, {"readable": UNLABELED, "instances": False, "evaluate": False, "color": [0, 0, 0]}]


def check_config(root: Path) -> None:
    """Compare the labels of a root's config.json with the class table.

    Raises:
        FormatError: The file is missing or damaged, or has other labels; all differences.
    """
    path = next((root / name for name in _CONFIGS if (root / name).is_file()), root / _CONFIGS[0])
    found, wanted = read_json(path, "labels")["labels"], config_labels()
    remedy = "Give the config.json of Mapillary Vistas v1.2, which has 66 labels."
    if len(found) != len(wanted):
        raise FormatError(f"{path}: has {len(found)} labels, not {len(wanted)}. {remedy}")
    faults = []
    for number, (label, expected) in enumerate(zip(found, wanted)):
        label = label if isinstance(label, Mapping) else {}
        for key in ("readable", "instances"):
            if str(label.get(key)).casefold() != str(expected[key]).casefold():
                faults.append(f"{path}: label {number} has {key} {label.get(key)!r}, not {expected[key]!r}. {remedy}")
    if faults:
        raise FormatError(*faults)


def _label_folder(folder: Path) -> Path:
    return first_folder(folder / name for name in _FOLDERS) or folder / _FOLDERS[0]


def _named(files: dict[str, Path], faults: list[str]) -> dict[str, Path]:
    """Files whose stem is a name; faults of the others are added."""
    faults += [
        f"{path}: an image is named by letters, digits, - and _. Rename or remove the file."
        for name, path in files.items()
        if not _NAME.fullmatch(name)
    ]
    return {name: path for name, path in files.items() if _NAME.fullmatch(name)}
