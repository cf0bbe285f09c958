"""COCO panoptic (Kirillov et al., CVPR 2019), read in place from the layout of the official downloads.

    ROOT/{train2017,val2017,test2017}/ID.jpg           images; test2017 has no labels
    ROOT/annotations/panoptic_{train,val}2017.json     segments of each image: id, category, whether it is a crowd
    ROOT/annotations/panoptic_{train,val}2017/ID.png   ids; the folder may also lie in ROOT

Dataset ids are 0 to 132, things first, as the host numbers the classes; category ids of the json have gaps.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..base import VOID, ClassTable, FormatError, SegmentMap, Video
from ..coding.panoptic_json import (
    PackedLabel,
    categories_json,
    category_classes,
    doubled_ids,
    pack_annotations,
    read_predicted,
    slim,
    write_image,
)
from ..dataset_format import DatasetFormat, Published
from ..disk.folders import IMAGES, first_folder, list_stems
from ..disk.images import write_jpeg
from ..disk.json_files import read_json, write_json
from ..disk.pairing import image_video, pair_images
from .classes import COCO_STUFF, COCO_THINGS

_CLASSES = COCO_THINGS + COCO_STUFF
CATEGORY_IDS = tuple(number for number, _, _ in _CLASSES)
_SPLITS = {"train": "train2017", "val": "val2017", "test": "test2017"}
_FIRST = {"train2017": 1_000_000, "val2017": 2_000_000, "test2017": 3_000_000}  # published ids are below 600,000
_FRAMES = 1000  # of a synthetic video
_LAYOUT_REMEDY = "Point data_root at the folder that holds train2017/, val2017/ and annotations/ (data/README.md)."


class CocoPanoptic(DatasetFormat):
    """The COCO panoptic format: 133 classes, the first 80 of them things."""

    name = "coco-panoptic"
    classes = ClassTable(
        names=tuple(name for _, name, _ in _CLASSES),
        thing_ids=tuple(range(len(COCO_THINGS))),
        palette=tuple(colour for _, _, colour in _CLASSES),
        void=VOID,
    )
    published = {
        "train2017": Published(118287, 118287),
        "val2017": Published(5000, 5000),
        "test2017": Published(40670),
    }
    layout = {
        "train2017/ID.jpg": "images of train",
        "val2017/ID.jpg": "images of val",
        "annotations/panoptic_train2017.json": "segments of train",
        "annotations/panoptic_val2017.json": "segments of val",
        "annotations/panoptic_train2017/ID.png": "ids of train",
        "annotations/panoptic_val2017/ID.png": "ids of val",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """The images of a split, those that the json lists, by name.

        Args:
            root: Root of the data set.
            split: "train2017", "val2017" or "test2017", with or without the year.

        Raises:
            FormatError: The json is damaged, or files are missing; all faults, `partial` holds the other images.
        """
        root, split = Path(root), self._split(split)
        images = list_stems(root / split, IMAGES) if (root / split).is_dir() else None
        if images is None:
            raise FormatError(f"{root / split}: no such folder. {_LAYOUT_REMEDY}")
        if split == "test2017":
            return [image_video(name, path) for name, path in images.items()]
        faults: list[str] = []
        labels = self._labels(root / "annotations" / f"panoptic_{split}.json", faults, listed_images=True)
        faults += [fault for label in labels.values() for fault in doubled_ids(label)]
        images = {name: path for name, path in images.items() if name in labels}
        videos = pair_images(
            images, labels, lambda name: root / split / f"{name}.jpg", lambda name: labels[name].path, faults
        )
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def label_files(self, path: str | Path) -> dict[str, PackedLabel]:
        """Labels by name, without their images.

        Args:
            path: A panoptic json with its PNG folder, or the root, whose "val2017" is taken.

        Raises:
            FormatError: The json or its folder is missing or damaged.
        """
        path, faults = Path(path), []
        labels = self._labels(path / "annotations" / "panoptic_val2017.json" if path.is_dir() else path, faults)
        if faults:
            raise FormatError(*faults, partial=labels)
        return labels

    def _labels(self, path: Path, faults: list[str], listed_images: bool = False) -> dict[str, PackedLabel]:
        """Labels that a json lists and that have their PNG, by name.

        Args:
            path: The json.
            faults: Wrong entries and missing PNGs are added.
            listed_images: Whether entries without image are faults, and images without entry.
        """
        content = read_json(path, "images", "annotations", hook=slim)
        known = category_classes(content, self.classes, CATEGORY_IDS, path)
        candidates = (path.with_suffix(""), path.parent.parent / path.stem)
        folder = first_folder(candidates)
        if folder is None:
            raise FormatError(f"{candidates[0]}: no such folder, but {path.name} needs its PNG files. {_LAYOUT_REMEDY}")
        labels = pack_annotations(content["annotations"], folder, known, self.classes, path, faults)
        if listed_images:
            _check_images(content["images"], labels.keys(), path, faults)
        present = list_stems(folder, (".png",)).keys()
        faults += [
            f"{label.path}: no such file, but {path} lists it. Download the PNG files again."
            for name, label in labels.items()
            if label is not None and name not in present
        ]
        return {name: label for name, label in labels.items() if label is not None and name in present}

    def _split(self, split: str) -> str:
        name = _SPLITS.get(split, split)
        if name not in self.published:
            raise FormatError(f"split {split!r} is not known; use one of: {', '.join(self.published)}")
        return name

    def read(self, label: PackedLabel) -> SegmentMap:
        """Read the labels of an image; crowds have track 0, other objects are numbered in the order of the list.

        Raises:
            FormatError: The PNG is missing or damaged, or has ids that are not listed.
        """
        return label.read()

    def read_predicted(self, folder: str | Path, video: str, frame: str) -> SegmentMap:
        """Read the prediction of an image from a folder with `pred.json` and `pan_pred/`.

        Raises:
            FormatError: A file is missing or damaged, or `pred.json` does not list the image.
        """
        return read_predicted(Path(folder), frame, self.classes, CATEGORY_IDS)

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` first ids of videos, a thousand apart, that no published image and no other split has."""
        first = _FIRST[self._split(split)]
        if not 0 <= count <= _FRAMES:
            raise FormatError(f"{count} videos of a split: at most {_FRAMES} have ids of their own. Write fewer.")
        return [f"{first + i * _FRAMES:012d}" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write an image for each frame of a video, in the official layout, then their entries into the json.

        Objects are numbered anew when they are read: classes and objects stay, their numbers need not.

        Args:
            root: Root of the data set.
            split: As for `videos`; "test2017" gets no labels.
            name: Id of the image that frame 0 becomes.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for test2017.
            start: Number of the first frame.
        """
        root, split = Path(root), self._split(split)
        if not name.isdecimal() or start < 0:
            raise FormatError(f"image {name!r}, start {start}: use a whole number of 12 digits, and 0 or more")
        path, entries = root / "annotations" / f"panoptic_{split}.json", []
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), int(name) + start):
            stem = f"{number:012d}"
            if split != "test2017":
                png = path.with_suffix("") / f"{stem}.png"
                info = write_image(png, segments, self.classes, CATEGORY_IDS, crowds=True)
                entries.append((image.shape, {"image_id": number, "file_name": png.name, "segments_info": info}))
            write_jpeg(root / split / f"{stem}.jpg", image)
        if entries:
            self._extend(path, entries)

    def _extend(self, path: Path, entries: list[tuple[tuple[int, ...], dict[str, Any]]]) -> None:
        """Add images, given by their size, and annotations to a json; entries of the same images are replaced."""
        content = read_json(path, "images", "annotations") if path.exists() else {"images": [], "annotations": []}
        new = {annotation["image_id"] for _, annotation in entries}
        content["images"] = [image for image in content["images"] if image["id"] not in new]
        content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] not in new]
        for (height, width, _), annotation in entries:
            number = annotation["image_id"]
            image = {"id": number, "file_name": f"{number:012d}.jpg", "height": height, "width": width}
            content["images"].append(image)
            content["annotations"].append(annotation)
        write_json(path, {**content, "categories": categories_json(self.classes, CATEGORY_IDS)})


def _check_images(images: list, labelled: Iterable[str], path: Path, faults: list[str]) -> None:
    """Every image has its annotation, and the other way round."""
    listed, labelled = set(), set(labelled)
    for image in images:
        file = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(file, str):
            faults.append(f"{path}: image {str(image)[:80]} has no file_name. Restore the original json.")
        else:
            listed.add(Path(file).stem)
    faults += [
        f"{path}: image {name} has no annotation. Give the json of a labelled split, or restore it."
        for name in sorted(listed - labelled)
    ]
    faults += [
        f"{path}: annotation {name} has no entry in images. Restore the original json."
        for name in sorted(labelled - listed)
    ]
