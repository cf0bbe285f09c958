"""KITTI-STEP (Weber et al., NeurIPS Datasets 2021), read in place from the layout of the official downloads.

    ROOT/training/image_02/SEQ/FRAME.png            images of train and val
    ROOT/panoptic_maps/{train,val}/SEQ/FRAME.png    labels: R class (Cityscapes train id), G * 256 + B track id
    ROOT/testing/image_02/SEQ/FRAME.png             images of test, which has no labels

SEQ has four digits, FRAME six. Predictions are SEQ/FRAME.png in the coding of the labels. Source of the coding: the
data set's `README`; a person or car with track id 0 is a crowd, class 255 is void.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, Frame, SegmentMap, Video, collect_faults
from ..cityscapes.classes import cityscapes_table
from ..coding.segment_png import check_classes, check_shapes, check_tracks, encode_segments, read_segments
from ..dataset_format import DatasetFormat, Published
from ..disk.pairing import pair_names
from ..disk.png import list_png, read_png, write_png
from .names import LabelFiles, find_label_files

logger = logging.getLogger(__name__)

# Frames of each published sequence.
# fmt: off
TRAIN = {0: 154, 1: 447, 3: 144, 4: 314, 5: 297, 9: 803, 11: 373, 12: 78, 15: 376, 17: 145, 19: 1059, 20: 837}
VAL = {2: 233, 6: 270, 7: 800, 8: 390, 10: 294, 13: 340, 14: 106, 16: 209, 18: 339}
TEST = (465, 147, 243, 257, 421, 809, 114, 215, 165, 349, 1176, 774, 694, 152, 850, 701, 510, 305, 180, 404, 173, 203,
        436, 430, 316, 176, 170, 85, 175)
# fmt: on

_SEQUENCE, _FRAME = re.compile(r"\d{4}"), re.compile(r"\d{6}")
_CODING = "Classes are Cityscapes train ids in the red channel (a class file of the released code: 19 is void)."
_LAYOUT_REMEDY = "Point data_root at the folder that holds training/, testing/ and panoptic_maps/ (data/README.md)."


class KittiStep(DatasetFormat):
    """The KITTI-STEP format.

    Attributes:
        name: Name of the format.
        classes: 19 Cityscapes train ids; only person (11) and car (13) are things.
        splits: Published frame count of each sequence of each split.
    """

    name = "kitti-step"
    classes = cityscapes_table(thing_ids=(11, 13))
    splits: dict[str, dict[str, int]] = {
        "train": {f"{seq:04d}": count for seq, count in TRAIN.items()},
        "val": {f"{seq:04d}": count for seq, count in VAL.items()},
        "trainval": {f"{seq:04d}": count for seq, count in sorted({**TRAIN, **VAL}.items())},
        "test": {f"{seq:04d}": count for seq, count in enumerate(TEST)},
    }
    published = {split: Published(len(counts), sum(counts.values())) for split, counts in splits.items()}
    layout = {
        "training/image_02/SEQ/FRAME.png": "images of train and val",
        "panoptic_maps/train/SEQ/FRAME.png": "labels of train",
        "panoptic_maps/val/SEQ/FRAME.png": "labels of val",
        "testing/image_02/SEQ/FRAME.png": "images of test",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split and check that their files are complete.

        A split is what its label folder holds, so a part of the data set is a data set too; "trainval" is train and
        val together, and test lists images. Frames are the label files in order of their numbers, which may start
        anywhere. An image without its label is an error, and so is a label without its image; a number that neither
        has is warned of, since the frames around it are then neighbours.

        Raises:
            FormatError: Folders or files are missing or misnamed; all of them are named. `partial` holds the complete
                frames; it is None where the split could not be listed.
        """
        root = Path(root)
        if split not in self.splits:
            raise FormatError(f"split {split!r} is not known; use one of: {', '.join(self.splits)}")
        if not root.is_dir():
            raise FormatError(f"{root}: no such folder. {_LAYOUT_REMEDY}")
        if split == "trainval":
            return self._joined(root, ("train", "val"))
        folder = self._split_folder(root, split)
        if not folder.is_dir():
            raise FormatError(f"{folder}: no such folder, needed for split {split!r}. {_LAYOUT_REMEDY}")
        sequences = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and (p.is_dir() or p.is_symlink()))
        if not sequences:
            raise FormatError(f"{folder}: holds no sequence (folders of four digits). {_LAYOUT_REMEDY}")
        images = folder if split == "test" else root / "training" / "image_02"
        videos, faults = [], []
        foreign = set() if split == "test" else set(self.splits["val" if split == "train" else "train"])
        for path in sequences:
            with collect_faults(faults):
                videos.append(_video(path, images / path.name, split != "test", faults))
            if path.name in foreign:
                faults.append(
                    f"{path}: lies in split {split}, but belongs to {'val' if split == 'train' else 'train'}. Restore "
                    "the original split; trainval is both."
                )
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def read(self, path: str | Path | Sequence[Path]) -> SegmentMap:
        """Read the labels or the prediction of one frame.

        Args:
            path: A PNG in the official coding, or the pair (class file, track file) of the released code.

        Raises:
            FormatError: A file is missing, damaged, not coded as expected, or holds an unknown class.
        """
        if isinstance(path, str | Path):
            segments = read_segments(Path(path))
            self._check_classes(segments.semantic, Path(path))
            return segments
        if len(path) == 1:
            return self.read(path[0])
        return self._read_pair(*path)

    def write(self, path: str | Path, segments: SegmentMap) -> None:
        """Write the labels or the prediction of one frame in the official coding, whole or not at all.

        Raises:
            FormatError: A class or track id that the coding cannot hold, or maps of different sizes.
        """
        write_png(Path(path), self.encode(segments, Path(path)))

    def encode(self, segments: SegmentMap, path: Path | None = None) -> np.ndarray:
        """(H, W, 3) uint8 coding of a frame; `path` is only named in errors."""
        where = path or "segment map"
        semantic, track = check_shapes(segments, where)
        self._check_classes(semantic, where)
        check_tracks(track, where)
        return encode_segments(semantic, track)

    def label_path(self, root: str | Path, video: str, frame: str) -> Path:
        """Label file of a frame under a split's label folder (ROOT/panoptic_maps/SPLIT)."""
        return Path(root) / video / f"{frame}.png"

    def prediction_path(self, root: str | Path, video: str, frame: str) -> Path:
        """File of a frame in a prediction folder: `read`, `write` and the evaluator agree on it."""
        return Path(root) / video / f"{frame}.png"

    def label_files(self, root: str | Path) -> LabelFiles:
        """Label or prediction files below a folder as {video: {frame: files}}, in the official or released naming."""
        return find_label_files(Path(root))

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` sequence names of a split: the published ones first, then numbers that no split uses."""
        published = list(self.splits[split])
        first = {"train": 1000, "val": 2000, "test": 3000, "trainval": 4000}[split]
        return (published + [f"{first + i:04d}" for i in range(count - len(published))])[:count]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video in the official layout.

        Args:
            root: Root of the data set.
            split: "train", "val", or "test", which gets no labels.
            name: Sequence, four digits.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for test.
            start: Number of the first file.
        """
        if split not in ("train", "val", "test") or not _SEQUENCE.fullmatch(name):
            raise FormatError(f"split {split!r}, sequence {name!r}: use train, val or test, and four digits")
        if start < 0:
            raise FormatError(f"first file number {start}: files are numbered from 0")
        folder = Path(root) / ("testing" if split == "test" else "training") / "image_02" / name
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            if number > 999999:
                raise FormatError(f"{folder}: file number {number} has more than six digits; start lower")
            write_png(folder / f"{number:06d}.png", image)
            if split != "test":
                self.write(self.label_path(self._split_folder(Path(root), split), name, f"{number:06d}"), segments)

    def _split_folder(self, root: Path, split: str) -> Path:
        return root / "testing" / "image_02" if split == "test" else root / "panoptic_maps" / split

    def _joined(self, root: Path, splits: Sequence[str]) -> list[Video]:
        """The videos of several splits by name."""
        videos, faults = [], []
        for split in splits:
            try:
                videos += self.videos(root, split)
            except FormatError as error:
                if error.partial is None:
                    raise
                videos += error.partial
                faults += error.faults
        videos.sort(key=lambda video: video.name)
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def _read_pair(self, class_path: Path, track_path: Path) -> SegmentMap:
        """A prediction of the released code: 16-bit class file, where 19 is void, and 16-bit track file."""
        wide, track = read_png(class_path, "I;16"), read_png(track_path, "I;16").astype(np.int32)
        if wide.shape != track.shape:
            raise FormatError(
                f"{track_path}: size {track.shape} differs from {wide.shape} of {class_path}. Write again."
            )
        wide = np.where(wide == len(self.classes.names), VOID, wide)
        self._check_classes(wide, class_path)
        return SegmentMap(wide.astype(np.uint8), track)

    def _check_classes(self, semantic: np.ndarray, where: Path | str) -> None:
        check_classes(semantic, len(self.classes.names), where, _CODING)


def _video(folder: Path, images: Path, labelled: bool, faults: list[str]) -> Video:
    """A video from the folder that defines it (labels; images for test) and the folder of its images.

    Faults of single files are added to `faults`, and their frames left out.

    Raises:
        FormatError: There is no video at all.
    """
    if not _SEQUENCE.fullmatch(folder.name):
        raise FormatError(f"{folder}: a sequence is named by four digits. Rename or remove the folder.")
    if not folder.is_dir():
        raise FormatError(f"{folder}: is a link to {folder.readlink()}, which is no folder. Mend or remove it.")
    files = list_png(folder)
    if not files:
        raise FormatError(f"{folder}: holds no PNG file. Download the sequence again, or remove the folder.")
    misnamed = [path for path in files if not _FRAME.fullmatch(path.stem)]
    faults += [f"{path}: a frame is named by six digits. Rename or remove the file." for path in misnamed]
    files = [path for path in files if path not in misnamed]
    _warn_of_gaps(files)
    if not labelled:
        return Video(folder.name, tuple(Frame(path.stem, path) for path in files))
    if not images.is_dir():
        raise FormatError(f"{images}: no such folder, but {folder} holds its labels. Download the images.")
    present, labels = ({path.stem: path for path in paths} for paths in (list_png(images), files))
    stems = pair_names(
        present, labels, lambda stem: images / f"{stem}.png", lambda stem: folder / f"{stem}.png", faults
    )
    return Video(folder.name, tuple(Frame(stem, present[stem], labels[stem]) for stem in stems))


def _warn_of_gaps(files: list[Path]) -> None:
    if not files:
        return
    numbers = [int(path.stem) for path in files]
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing:
        first = next(number + 1 for number, after in pairwise(numbers) if after != number + 1)
        logger.warning(
            "%s: %d numbers between the first and the last file have no file, first %06d; the frames around a gap are "
            "taken as neighbours. Complete the sequence if that is not meant.",
            files[0].parent,
            missing,
            first,
        )
