"""Cityscapes (Cordts et al., CVPR 2016), read in place from the layout of the official downloads.

    ROOT/leftImg8bit/{train,val,test}/CITY/NAME_leftImg8bit.png    images
    ROOT/gtFine/{train,val}/CITY/NAME_gtFine_instanceIds.png       labels, 16 bit
    ROOT/panoptic_maps/{train,val}/CITY/NAME.png                   Cityscapes-STEP: prepared labels, read if present

NAME is CITY_SEQUENCE_FRAME, six digits each. A label is a label id, or label id * 1000 + number of an object; a label
id alone on a class of objects is a group, here a crowd. Predictions and prepared labels are CITY/NAME.png in the coding
of KITTI-STEP. Source of the coding: cityscapesScripts (`labels.py`, `json2instanceImg.py`).
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, SegmentMap, Video, collect_faults
from ..coding.segment_png import check_classes, check_shapes, check_tracks, encode_segments, read_segments
from ..coding.track_numbers import TrackNumbers
from ..dataset_format import DatasetFormat, Published
from ..disk.folders import subfolders
from ..disk.pairing import image_video, pair_images
from ..disk.png import list_png, read_png, write_png
from .classes import cityscapes_table

# Label id of each train id; all other label ids are void.
_LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_LAST_LABEL, _OBJECT_LABELS = 33, range(24, 34)
_OBJECTS = 1000  # of a class in an image
_UNKNOWN = 254
_IMAGE, _LABEL, _MAP = "_leftImg8bit.png", "_gtFine_instanceIds.png", ".png"
_NAME = re.compile(r"([A-Za-z-]+)_\d{6}_\d{6}")
_LAYOUT_REMEDY = "Point data_root at the folder that holds leftImg8bit/ and gtFine/ (data/README.md)."
_TRAIN_IDS = "Classes are Cityscapes train ids in the red channel."


class Cityscapes(DatasetFormat):
    """What Cityscapes with all its objects and Cityscapes-STEP share.

    Attributes:
        prepared: Folder of prepared labels below the root; None where there can be none.
    """

    published = {"train": Published(2975, 2975), "val": Published(500, 500), "test": Published(1525)}
    layout = {
        "leftImg8bit/train/CITY/NAME_leftImg8bit.png": "images of train",
        "leftImg8bit/val/CITY/NAME_leftImg8bit.png": "images of val",
        "leftImg8bit/test/CITY/NAME_leftImg8bit.png": "images of test",
        "gtFine/train/CITY/NAME_gtFine_instanceIds.png": "labels of train",
        "gtFine/val/CITY/NAME_gtFine_instanceIds.png": "labels of val",
    }
    prepared: str | None = None

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """The images of a split by name; every image needs its label and the other way round, except in test.

        Raises:
            FormatError: Files are missing or misnamed; all faults, `partial` holds the other images.
        """
        root, faults = Path(root), []
        if split not in self.published:
            raise FormatError(f"split {split!r} is not known; use one of: {', '.join(self.published)}")
        folder = root / "leftImg8bit" / split
        images = _city_files(folder, _IMAGE, faults)
        if split == "test":
            videos = [image_video(name, path) for name, path in images.items()]
        else:
            places, suffix = self._label_folder(root, split)
            labels = _city_files(places, suffix, faults)
            videos = pair_images(
                images,
                labels,
                lambda name: _place(folder, name, _IMAGE),
                lambda name: _place(places, name, suffix),
                faults,
            )
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def _label_folder(self, root: Path, split: str) -> tuple[Path, str]:
        """Folder of a split's labels, and how their names end."""
        if self.prepared is not None and (root / self.prepared / split).is_dir():
            return root / self.prepared / split, _MAP
        return root / "gtFine" / split, _LABEL

    def read(self, label: str | Path) -> SegmentMap:
        """Read the labels of an image: instance ids, or a prepared map.

        Raises:
            FormatError: The file is missing, damaged, not coded as expected, or holds an unknown class.
        """
        path = Path(label)
        if path.name.endswith(_LABEL):
            return read_instance_ids(path, self.classes.thing_ids)
        return self.read_map(path)

    def read_map(self, path: Path) -> SegmentMap:
        """Read a prediction or prepared labels, in the coding of KITTI-STEP: R class, G * 256 + B object.

        Raises:
            FormatError: As for `read`.
        """
        segments = read_segments(path)
        check_classes(segments.semantic, len(self.classes.names), path, _TRAIN_IDS)
        return segments

    def write_map(self, path: Path, segments: SegmentMap) -> None:
        """Write a prediction or prepared labels, whole or not at all.

        Raises:
            FormatError: A class or track id that the coding cannot hold, or maps of different sizes.
        """
        semantic, track = check_shapes(segments, path)
        check_classes(semantic, len(self.classes.names), path, _TRAIN_IDS)
        check_tracks(track, path)
        write_png(path, encode_segments(semantic, track))

    @staticmethod
    def step_map(path: str | Path) -> SegmentMap:
        """Labels of Cityscapes-STEP from a file of instance ids: what `write_map` stores in `panoptic_maps`.

        Raises:
            FormatError: The file is missing, damaged, not coded as expected, or holds an unknown label.
        """
        return read_instance_ids(Path(path), CityscapesStep.classes.thing_ids)

    def prediction_path(self, root: str | Path, video: str, frame: str) -> Path:
        """File of an image in a folder of predictions or prepared labels; `video` and `frame` are its name."""
        return _place(Path(root), frame, _MAP)

    def label_files(self, root: str | Path, split: str = "val") -> dict[str, Path]:
        """Labels by name, without their images.

        Args:
            root: Root of the data set, or a folder of cities (`gtFine/val`).
            split: Split of the root.

        Raises:
            FormatError: The folder is missing, or files are misnamed.
        """
        root, faults = Path(root), []
        for folder, suffix in (self._label_folder(root, split), (root, _LABEL), (root, _MAP)):
            if any(folder.glob(f"*/*{suffix}")):
                found = _city_files(folder, suffix, faults)
                if faults:
                    raise FormatError(*faults, partial=found)
                return found
        raise FormatError(f"{root}: holds no CITY/NAME{_LABEL}. {_LAYOUT_REMEDY}")

    def prediction_files(self, root: str | Path) -> dict[str, Path]:
        """Predictions by name.

        Raises:
            FormatError: The folder is missing, or files are misnamed; all faults, `partial` holds the other files.
        """
        faults: list[str] = []
        found = _city_files(Path(root), _MAP, faults)
        if faults:
            raise FormatError(*faults, partial=found)
        return found

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` sequences of a city that does not exist, other ones for each split."""
        first = {"train": 0, "val": 300000, "test": 600000}[split]
        return [f"synthetic_{first + i:06d}" for i in range(count)]

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

        Objects of a class keep their track ids up to 1000; others get free ones. Classes that are no things lose
        theirs.

        Args:
            root: Root of the data set.
            split: "train", "val", or "test", which gets no labels.
            name: City and number of a sequence.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for test.
            start: Number of the first frame.
        """
        if split not in self.published or not _NAME.fullmatch(f"{name}_000000") or start < 0:
            raise FormatError(
                f"split {split!r}, sequence {name!r}, start {start}: use train, val or test, CITY_000000, 0"
            )
        numbers = TrackNumbers(self.classes, _OBJECTS, per_class=True)
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            stem = f"{name}_{number:06d}"
            if split != "test":
                path = _place(Path(root) / "gtFine" / split, stem, _LABEL)
                write_png(path, self._encode(segments, numbers, path))
            write_png(_place(Path(root) / "leftImg8bit" / split, stem, _IMAGE), image)

    def _encode(self, segments: SegmentMap, numbers: TrackNumbers, path: Path) -> np.ndarray:
        """(H, W) uint16 label ids, with numbers from 0 for objects."""
        semantic, track = check_shapes(segments, path)
        check_classes(semantic, len(self.classes.names), path, _TRAIN_IDS)
        label_of = np.zeros(256, np.uint16)
        label_of[: len(_LABEL_IDS)] = _LABEL_IDS
        labels, objects = label_of[semantic], numbers.renumber(semantic, track, path)
        return np.where(objects > 0, labels * np.uint16(_OBJECTS) + objects - 1, labels).astype(np.uint16)


class CityscapesPanoptic(Cityscapes):
    """Cityscapes with its eight things."""

    name = "cityscapes-panoptic"
    classes = cityscapes_table(thing_ids=tuple(range(11, 19)))


class CityscapesStep(Cityscapes):
    """Cityscapes with the things of KITTI-STEP, person and car; the objects of other classes are stuff."""

    name = "cityscapes-step"
    classes = cityscapes_table(thing_ids=(11, 13))
    prepared = "panoptic_maps"
    layout = {
        **Cityscapes.layout,
        "panoptic_maps/train/CITY/NAME.png": "prepared labels of train, in place of gtFine's",
        "panoptic_maps/val/CITY/NAME.png": "prepared labels of val, in place of gtFine's",
    }


def read_instance_ids(path: Path, thing_ids: tuple[int, ...]) -> SegmentMap:
    """Labels from a file of instance ids; the track of an object is its number within its class, from 1.

    Args:
        path: `NAME_gtFine_instanceIds.png`.
        thing_ids: Train ids of the things; objects of other classes are not told apart.

    Raises:
        FormatError: The file is missing, damaged, not 16-bit grey, or holds a value that is no label.
    """
    ids = read_png(path, "I;16")
    class_of, track_of = _tables(thing_ids)
    semantic = np.take(class_of, ids)
    if (unknown := semantic == _UNKNOWN).any():
        raise FormatError(
            f"{path}: value {int(ids[unknown][0])} is no label: label ids are 0..{_LAST_LABEL}, objects of "
            f"{_OBJECT_LABELS[0]}..{_OBJECT_LABELS[-1]} have label id * {_OBJECTS} + number. Restore the original file."
        )
    return SegmentMap(semantic, np.take(track_of, ids))


@cache
def _tables(thing_ids: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(65536,) uint8 train id and int32 track of each value."""
    train_id = np.full(_LAST_LABEL + 1, VOID, np.uint8)
    train_id[list(_LABEL_IDS)] = np.arange(len(_LABEL_IDS))
    class_of, track_of = np.full(1 << 16, _UNKNOWN, np.uint8), np.zeros(1 << 16, np.int32)
    class_of[: len(train_id)] = train_id
    for label in _OBJECT_LABELS:
        objects = slice(label * _OBJECTS, (label + 1) * _OBJECTS)
        class_of[objects] = train_id[label]
        if train_id[label] in thing_ids:
            track_of[objects] = np.arange(1, _OBJECTS + 1)
    return class_of, track_of


def _place(folder: Path, name: str, suffix: str) -> Path:
    return folder / name.partition("_")[0] / f"{name}{suffix}"


def _city_files(folder: Path, suffix: str, faults: list[str]) -> dict[str, Path]:
    """Files CITY/NAME + suffix by name.

    Args:
        folder: Folder of cities.
        suffix: How names end; of labels, other files of the official download do not count.
        faults: Misnamed files are added.

    Raises:
        FormatError: There is no such folder, or none of these files in it.
    """
    if not folder.is_dir():
        raise FormatError(f"{folder}: no such folder. {_LAYOUT_REMEDY}")
    found: dict[str, Path] = {}
    for city in subfolders(folder):
        with collect_faults(faults):
            for path in list_png(city):
                if suffix == _LABEL and not path.name.endswith(_LABEL):
                    continue  # colours, label ids
                match = _NAME.fullmatch(path.name.removesuffix(suffix))
                if match is None or match[1] != city.name or not path.name.endswith(suffix):
                    faults.append(f"{path}: not named {city.name}_000000_000000{suffix}. Rename or remove the file.")
                else:
                    found[match[0]] = path
    if not found and not faults:
        raise FormatError(f"{folder}: holds no CITY/NAME{suffix}. {_LAYOUT_REMEDY}")
    return dict(sorted(found.items()))
