"""VSPW (Miao et al., CVPR 2021): a class for every pixel of every frame, read in place from the official layout.

    ROOT/data/VIDEO/origin/FRAME.jpg    images
    ROOT/data/VIDEO/mask/FRAME.png      masks: 0 void, 1..124 class id + 1, 255 void; test has none
    ROOT/{train,val,test}.txt           the videos of a split, a name on each line

Predictions are VIDEO/FRAME.png and hold class ids 0..123, without the shift of the masks. They have no void: 255 is an
error. PNGs are 8 bit, grey or with a palette, of which the indices are read.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from .base import VOID, FormatError, Frame, SegmentMap, Video, collect_faults
from .dataset_format import DatasetFormat, Published
from .disk.folders import list_stems, subfolders
from .disk.images import write_jpeg
from .disk.pairing import pair_names
from .disk.png import list_png, read_png, write_png
from .disk.splits import add_to_split, check_new_video, read_split
from .kitti_step.names import LabelFiles
from .vipseg.classes import VIPSEG_CLASSES

_CLASSES = len(VIPSEG_CLASSES.names)
_MASK_TO_ID = np.full(256, VOID, np.uint8)  # (256,) mask value -> dataset id; 0 and 255 are void
_MASK_TO_ID[1 : _CLASSES + 1] = np.arange(_CLASSES)
_MASK_CODING = "A mask holds 0 for void and class id + 1."
_ID_CODING = "Class ids have no shift: only masks hold class id + 1."
_LAYOUT_REMEDY = "Give the folder that holds data/ and the split files, or data/ itself."


class Vspw(DatasetFormat):
    """The VSPW format.

    A root is the folder above `data`, or `data` itself. A split is a word, whose text file lies in the root, beside
    `data` or in it, or the path of such a file. Masks are expected unless the file is named test.txt.

    Attributes:
        name: Name of the format.
        classes: The 124 classes, 58 of them things; there are no track ids.
    """

    name = "vspw"
    classes = VIPSEG_CLASSES
    tells_objects_apart = False
    published = {"train": Published(2806), "val": Published(343), "test": Published(387)}
    layout = {
        "data/VIDEO/origin/FRAME.jpg": "images",
        "data/VIDEO/mask/FRAME.png": "masks of train and val",
        "SPLIT.txt": "videos of a split",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split by name, and check that every image has its mask and the other way round.

        Raises:
            FormatError: Folders or files are missing or misnamed; all of them are named. `partial` holds the complete
                frames; it is None where the split could not be listed.
        """
        data, split_file = _data_folder(Path(root)), _split_file(Path(root), str(split))
        videos, faults = [], []
        for name in sorted(read_split(split_file)):
            with collect_faults(faults):
                _require(data / name, split_file)
                videos.append(_video(data / name, split_file.stem != "test", faults))
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def read(self, path: str | Path | Sequence[Path]) -> SegmentMap:
        """Read a mask as dataset ids; tracks are 0.

        Raises:
            FormatError: The file is missing, damaged, not coded as expected, or holds an unknown value.
        """
        return self.decode(self.read_raw(path), _single(path))

    def read_raw(self, path: str | Path | Sequence[Path]) -> np.ndarray:
        """(H, W) uint8 mask as it is on disk: void is 0 or 255. Possibly read-only.

        Raises:
            FormatError: The file is missing, damaged or has another pixel layout.
        """
        return read_png(_single(path), "P")

    def decode(self, raw: np.ndarray, path: Path | None = None) -> SegmentMap:
        """Dataset ids of a mask that is in memory.

        Args:
            raw: (H, W) uint8 as `read_raw` gives it.
            path: Only named in errors.
        """
        _check_range(raw, _CLASSES, path or "mask", _MASK_CODING)
        return SegmentMap(cv2.LUT(raw, _MASK_TO_ID), np.zeros(raw.shape, np.int32))

    def read_prediction(self, path: str | Path | Sequence[Path]) -> SegmentMap:
        """Read a prediction: class ids; tracks are 0.

        Raises:
            FormatError: The file is missing, damaged, not coded as expected, or holds an unknown value. Predictions
                have no void: 255 would end up in the cells of other classes in the benchmark's script.
        """
        semantic = read_png(_single(path), "P")
        _check_prediction(semantic, _single(path))
        return SegmentMap(semantic, np.zeros(semantic.shape, np.int32))

    def write(self, path: str | Path, segments: SegmentMap) -> None:
        """Write a mask, whole or not at all; void becomes 0, track ids are not kept.

        Raises:
            FormatError: A class that the coding cannot hold.
        """
        ids = _semantic(segments, path).astype(np.int16)
        write_png(Path(path), np.where(ids == VOID, 0, ids + 1).astype(np.uint8))

    def write_prediction(self, path: str | Path, segments: SegmentMap) -> None:
        """Write a prediction, whole or not at all: class ids; track ids are not kept.

        Raises:
            FormatError: A class that the coding cannot hold; it has no void.
        """
        semantic = _semantic(segments, path)
        _check_prediction(semantic, path)
        write_png(Path(path), semantic.astype(np.uint8))

    def label_path(self, root: str | Path, video: str, frame: str) -> Path:
        """Mask of a frame below a root."""
        return _data_folder(Path(root)) / video / "mask" / f"{frame}.png"

    def prediction_path(self, root: str | Path, video: str, frame: str) -> Path:
        """File of a frame in a prediction folder: `read_prediction` and the evaluator agree on it."""
        return Path(root) / video / f"{frame}.png"

    def label_files(self, root: str | Path, split: str | Path | None = None) -> LabelFiles:
        """Masks below a root as {video: {frame: (file,)}}, videos and frames by name. Images are not needed.

        Args:
            root: Root of the data set.
            split: Split that names the videos; None takes every video that has masks.

        Raises:
            FormatError: A folder or file is missing, or a mask folder is empty.
        """
        root = Path(root)
        if split is not None:
            split_file = _split_file(root, str(split))
            folders = [_data_folder(root) / name for name in sorted(read_split(split_file))]
            for folder in folders:
                _require(folder, split_file)
        else:
            folders = [path for path in subfolders(_data_folder(root)) if (path / "mask").is_dir()]
        if not folders:
            raise FormatError(f"{_data_folder(root)}: holds no VIDEO/mask folder. {_LAYOUT_REMEDY}")
        return {
            folder.name: {stem: (path,) for stem, path in list_stems(folder / "mask", (".png",)).items()}
            for folder in folders
        }

    def prediction_files(self, root: str | Path) -> LabelFiles:
        """Predictions below a folder as {video: {frame: (file,)}}; folders without PNG files do not count.

        Raises:
            FormatError: The folder is missing or holds no VIDEO/FRAME.png.
        """
        root = Path(root)
        if not root.is_dir():
            raise FormatError(f"{root}: no such folder. Give the folder that holds VIDEO/FRAME.png.")
        found = {folder.name: {path.stem: (path,) for path in list_png(folder)} for folder in subfolders(root)}
        found = {video: frames for video, frames in found.items() if frames}
        if not found:
            raise FormatError(f"{root}: holds no VIDEO/FRAME.png. Give the folder that holds the videos' folders.")
        return found

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` video names of a split, in order, that no other split and no published video has."""
        first = {"train": 10000, "val": 20000, "test": 30000}[split]
        return [f"{first + i}_synthetic_0" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video in the official layout, then its name into the split file unless it is there.

        Args:
            root: Folder above `data`.
            split: "train", "val", or "test", which gets no masks.
            name: Name of the video's folder.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for test.
            start: Number of the first file.
        """
        check_new_video(split, self.published, name, start)
        root = Path(root)
        folder, split_file = root / "data" / name, root / f"{split}.txt"
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            write_jpeg(folder / "origin" / f"{number:08d}.jpg", image)
            if split != "test":
                self.write(folder / "mask" / f"{number:08d}.png", segments)
        add_to_split(split_file, name)


def _split_file(root: Path, split: str) -> Path:
    data = _data_folder(root)
    if split.endswith(".txt"):
        places = [Path(split), root / split]
    else:
        places = [folder / f"{split}.txt" for folder in (root, data, data.absolute().parent)]
    for path in places:
        if path.is_file():
            return path
    others = "".join(f", nor {path}" for path in dict.fromkeys(places[1:]))
    raise FormatError(f"{places[0]}: no such file{others}, for the split {split!r}. {_LAYOUT_REMEDY}")


def _require(folder: Path, split_file: Path) -> None:
    if not folder.is_dir():
        raise FormatError(
            f"{folder}: no such folder, but {split_file} names the video {folder.name!r}. Download the video, or "
            "remove its line."
        )


def _data_folder(root: Path) -> Path:
    if not root.is_dir():
        raise FormatError(f"{root}: no such folder. {_LAYOUT_REMEDY}")
    return root / "data" if (root / "data").is_dir() else root


def _video(folder: Path, labelled: bool, faults: list[str]) -> Video:
    """A video; images and masks without partner are added to `faults` and left out."""
    images = list_stems(folder / "origin", (".jpg", ".jpeg"))
    if not labelled:
        return Video(folder.name, tuple(Frame(stem, path) for stem, path in images.items()))
    masks = list_stems(folder / "mask", (".png",))
    stems = pair_names(
        images,
        masks,
        lambda stem: folder / "origin" / f"{stem}.jpg",
        lambda stem: folder / "mask" / f"{stem}.png",
        faults,
    )
    return Video(folder.name, tuple(Frame(stem, images[stem], masks[stem]) for stem in stems))


def _single(path: str | Path | Sequence[Path]) -> Path:
    if isinstance(path, str | Path):
        return Path(path)
    if len(path) != 1:
        raise FormatError(f"{', '.join(map(str, path))}: {len(path)} files for one frame; VSPW has one. Give one PNG.")
    return Path(path[0])


def _semantic(segments: SegmentMap, path: str | Path) -> np.ndarray:
    """(H, W) checked class ids."""
    semantic = np.asarray(segments.semantic)
    if semantic.ndim != 2:
        raise FormatError(f"{path}: semantic is {semantic.shape}, must be (H, W). Write one frame to a file.")
    _check_range(semantic, _CLASSES - 1, path, _ID_CODING)
    return semantic


def _check_prediction(semantic: np.ndarray, where: str | Path) -> None:
    _check_range(semantic, _CLASSES - 1, where, _ID_CODING)
    if (semantic == VOID).any():
        raise FormatError(
            f"{where}: value {VOID} (void) is outside 0..{_CLASSES - 1}, and a prediction has no void. Predict a class "
            "for every pixel."
        )


def _check_range(values: np.ndarray, last: int, where: str | Path, remedy: str) -> None:
    bad = ((values < 0) | (values > last)) & (values != VOID)
    if bad.any():
        raise FormatError(f"{where}: value {int(values[bad][0])} is outside 0..{last} and not {VOID} (void). {remedy}")
