"""One's own videos: any classes, described by a dataset.json, without a line of Python.

    ROOT/dataset.json                   classes, kind of labels, splits (description.py)
    ROOT/frames/VIDEO/FRAME.jpg         images, .jpg, .jpeg or .png
    ROOT/labels/VIDEO/FRAME.png         panoptic: R class id, G * 256 + B object id, 0 for none
                                        semantic: class ids, 8-bit grey or with a palette, of which the indices are read
    ROOT/instances_SPLIT.json           instances: tracks instead of labels/, which may overlap (tracks.py)
    ROOT/SPLIT.txt                      videos of a split, a name on each line, where dataset.json does not list them

Frames are in the order of the numbers in their names: frame2 comes before frame10. A frame without label file has no
annotation. Predictions are VIDEO/FRAME.png in the coding of the labels.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..base import VOID, FormatError, Frame, ObjectMap, SegmentMap, Video, collect_faults
from ..cityscapes.classes import cityscapes_table
from ..coding.frame_objects import FrameObjects
from ..coding.object_map import paint
from ..coding.segment_png import check_classes, check_shapes, check_tracks, encode_segments, read_segments
from ..dataset_format import DatasetFormat
from ..disk.folders import IMAGES, list_stems, subfolders
from ..disk.png import list_png, read_png, write_png
from ..disk.splits import add_to_split, is_name
from ..kitti_step.names import LabelFiles
from .description import INSTANCES, SEMANTIC, Description, description_path, read_description, write_description
from .splits import ALL, check_text, natural, split_names, track_files
from .tracks import ListedTracks, listed_videos, read_tracks

_DEFAULT = Description("synthetic", cityscapes_table((11, 13)))
_COMMON = {"dataset.json": "classes, kind of labels, splits", "frames/VIDEO/FRAME.{jpg,jpeg,png}": "images"}
_LABEL_FILES = {
    "panoptic": {"labels/VIDEO/FRAME.png": "labels: R class id, G * 256 + B object id"},
    "semantic": {"labels/VIDEO/FRAME.png": "labels: class ids, 8-bit grey or palette"},
    "instances": {"instances_SPLIT.json": "tracks, as in YouTube-VIS or a COCO-video json"},
}


_LABELLED = "_labelled"


class OwnVideos(DatasetFormat):
    """Videos that a dataset.json describes.

    Args:
        path: The folder with dataset.json, or that file. None describes a new dataset, for writing: KITTI-STEP's
            classes, panoptic labels.
        description: Instead of a path.

    Attributes:
        name: Name of the format, whatever the name of the dataset.
        description: What dataset.json says.
        classes: Its class table.
    """

    name = "own-videos"
    published = {}

    def __init__(self, path: str | Path | None = None, description: Description | None = None) -> None:
        if description is None:
            description = _DEFAULT if path is None else read_description(path)
        self.description, self.classes = description, description.classes
        self.overlapping = description.labels == INSTANCES
        self.tells_objects_apart = description.labels != SEMANTIC
        self.layout = {**_COMMON, **_LABEL_FILES[description.labels]}

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split in its order, frames in the order of the numbers in their names.

        A split is a list in dataset.json, else the text file SPLIT.txt; "all" is every video, and so are train, val and
        test where the dataset has no splits at all. Of instances it is what instances_SPLIT.json lists. "_labelled"
        behind a split ("train_labelled") takes its labelled frames only.

        Raises:
            FormatError: A folder or file is missing or misnamed, or labels have no image; all faults that were found.
        """
        split, only = str(split), str(split).endswith(_LABELLED)
        if not only:
            return self._videos(description_path(root).parent, split)
        try:
            return _labelled(self._videos(description_path(root).parent, split.removesuffix(_LABELLED)))
        except FormatError as error:
            raise FormatError(*error.faults, partial=_labelled(error.partial or [])) from error

    def _videos(self, root: Path, split: str) -> list[Video]:
        own = self._agree(root)
        if self.overlapping and (paths := track_files(root, split)):
            return self._listed(root, paths)
        if self.overlapping and split != "test":
            raise FormatError(f"{root}: has no instances_{split}.json, nor instances.json. Put the tracks there.")
        faults: list[str] = []
        found = []
        for name in split_names(root, own, split):
            with collect_faults(faults):
                found.append(self._video(root, name))
        if not self.overlapping and (root / "labels").is_dir():
            faults += [
                f"{folder}: has no folder {root / 'frames' / folder.name}. Put the video's images there, or remove it."
                for folder in subfolders(root / "labels")
                if not (root / "frames" / folder.name).is_dir()
            ]
        if faults:
            raise FormatError(*faults, partial=found)
        return found

    def known_splits(self, root: str | Path) -> tuple[str, ...]:
        """The splits that a root names; "all" where it names none."""
        root = description_path(root).parent
        names = [*self.description.splits, *(path.stem for path in sorted(root.glob("*.txt")))]
        if self.overlapping:
            names += [path.stem.removeprefix("instances_") for path in sorted(root.glob("instances_*.json"))]
        return tuple(dict.fromkeys(names)) or (ALL,)

    def tracks(self, path: Path) -> ListedTracks:
        """Tracks of instances_SPLIT.json."""
        return read_tracks(path, self.classes)

    def read(self, label: str | Path | tuple[Path, ...] | FrameObjects) -> SegmentMap:
        """Read the labels or the prediction of one frame; objects that overlap are painted one after the other.

        Raises:
            FormatError: A file is missing, damaged, not coded as expected, or holds an unknown class.
        """
        if isinstance(label, FrameObjects):
            return paint(label.read())
        path = Path(label[0] if isinstance(label, tuple) else label)
        if self.description.labels == SEMANTIC:
            semantic = read_png(path, "P")
            segments = SegmentMap(semantic, np.zeros(semantic.shape, np.int32))
        else:
            segments = read_segments(path)
        if self.description.void != VOID:
            segments.semantic = np.where(segments.semantic == self.description.void, np.uint8(VOID), segments.semantic)
        self._check_classes(segments.semantic, path)
        return self._check_objects(segments, path)

    def read_objects(self, label: FrameObjects) -> ObjectMap:
        """Read the objects of a frame of instances; errors as for `read`."""
        if not isinstance(label, FrameObjects):
            return super().read_objects(label)
        return label.read()

    def label_size(self, label: Path | FrameObjects) -> tuple[int, int]:
        """(H, W) of a frame's labels."""
        return label.size if isinstance(label, FrameObjects) else super().label_size(label)

    def write(self, path: str | Path, segments: SegmentMap) -> None:
        """Write the labels or the prediction of one frame, whole or not at all; semantic ones have no object ids.

        Raises:
            FormatError: A class or object id that the coding cannot hold, or maps of different sizes.
        """
        path = Path(path)
        semantic, track = check_shapes(segments, path)
        self._check_classes(semantic, path)
        semantic = np.where(semantic == VOID, self.description.void, semantic).astype(np.uint8)
        if self.description.labels == SEMANTIC:
            return write_png(path, semantic)
        check_tracks(track, path)
        self._check_objects(SegmentMap(np.asarray(segments.semantic), track), path)
        return write_png(path, encode_segments(semantic, track))

    def label_path(self, root: str | Path, video: str, frame: str) -> Path:
        """Label file of a frame."""
        return Path(root) / "labels" / video / f"{frame}.png"

    def prediction_path(self, root: str | Path, video: str, frame: str) -> Path:
        """File of a frame in a prediction folder: `read`, `write` and the evaluator agree on it."""
        return Path(root) / video / f"{frame}.png"

    def prediction_files(self, root: str | Path) -> LabelFiles:
        """Predictions below a folder as {video: {frame: (file,)}}; folders without PNG files do not count.

        Raises:
            FormatError: The folder is missing or holds no VIDEO/FRAME.png.
        """
        found = {folder.name: {path.stem: (path,) for path in list_png(folder)} for folder in subfolders(Path(root))}
        found = {video: frames for video, frames in found.items() if frames}
        if not found:
            raise FormatError(f"{root}: holds no VIDEO/FRAME.png. Give the folder that holds the videos' folders.")
        return found

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` video names of a split, in order."""
        return [f"{split}_{i:03d}" for i in range(1, count + 1)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video as PNG images and labels; see `DatasetFormat.write_video`.

        The first one writes dataset.json, each its name into SPLIT.txt. Instances are not written.
        """
        if self.overlapping or not is_name(split) or not is_name(name):
            raise FormatError(f"split {split!r}, video {name!r}, labels {self.description.labels}: use words, and PNGs")
        if start < 0:
            raise FormatError(f"first file number {start}: files are numbered from 0")
        root = Path(root)
        if not description_path(root).is_file():
            write_description(root, self.description)
        own = self._agree(root)
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            write_png(root / "frames" / name / f"{number:06d}.png", image)
            if split != "test" and segments is not None:
                self.write(self.label_path(root, name, f"{number:06d}"), segments)
        if name not in own.splits.get(split, ()):
            add_to_split(root / f"{split}.txt", name)

    def _agree(self, root: Path) -> Description:
        """What the root's own dataset.json says, which must mean the same as this format."""
        own = read_description(root)
        mine = self.description
        for what in ("names", "thing_ids"):
            here, there = getattr(mine.classes, what), getattr(own.classes, what)
            if here != there:
                raise FormatError(
                    f"{description_path(root)}: {what} of the classes are {str(there)[:80]}, but those of the format "
                    f"are {str(here)[:80]}. Give {root} itself as the format."
                )
        if (own.labels, own.void) != (mine.labels, mine.void):
            raise FormatError(
                f"{description_path(root)}: labels are {own.labels} with void {own.void}, but the format has "
                f"{mine.labels} with void {mine.void}. Give {root} itself as the format."
            )
        return own

    def _listed(self, root: Path, paths: list[Path]) -> list[Video]:
        """The videos of files of tracks; each is in one of them."""
        found: dict[str, Video] = {}
        faults: list[str] = []
        for path in paths:
            with collect_faults(faults):
                for video in listed_videos(self.tracks(path), root / "frames"):
                    if video.name in found:
                        faults.append(f"{path}: video {video.name} is in another split, too. Keep it in one of them.")
                    found[video.name] = video
        if faults:
            raise FormatError(*faults, partial=list(found.values()))
        return list(found.values())

    def _video(self, root: Path, name: str) -> Video:
        folder = root / "frames" / name
        if not folder.is_dir():
            raise FormatError(f"{folder}: no such folder. Put the video's images there, or take it off the split.")
        images = list_stems(folder, IMAGES)
        labels: dict[str, Path] = {}
        if not self.overlapping and (root / "labels" / name).is_dir():
            labels = {path.stem: path for path in list_png(root / "labels" / name)}
        check_text([folder, *images.values()])
        if orphans := sorted(labels.keys() - images.keys()):
            raise FormatError(
                f"{labels[orphans[0]]}: has no image {folder / orphans[0]}.jpg or .png ({len(orphans)} such labels in "
                "this video). Put the image there, or remove the label."
            )
        return Video(name, tuple(Frame(stem, images[stem], labels.get(stem)) for stem in sorted(images, key=natural)))

    def _check_classes(self, semantic: np.ndarray, where: Path) -> None:
        void = "" if self.description.void == VOID else f", and {self.description.void} for void"
        remedy = f"Labels hold class ids as dataset.json lists them from 0{void}. Correct the file or the list."
        check_classes(semantic, len(self.classes.names), where, remedy)

    def _check_objects(self, segments: SegmentMap, where: Path) -> SegmentMap:
        """Objects are of thing classes; ids on void mean nothing."""
        if not segments.track.any():
            return segments
        stray = (segments.track > 0) & ~self.classes.thing_lookup()[segments.semantic]
        wrong = stray & (segments.semantic != VOID)
        if wrong.any():
            category, number = int(segments.semantic[wrong][0]), int(segments.track[wrong][0])
            raise FormatError(
                f"{where}: class {category} ({self.classes.names[category]}) has object id {number}, but it is no "
                'thing. Write 0 there, or say "thing": true in dataset.json.'
            )
        return SegmentMap(segments.semantic, np.where(stray, 0, segments.track).astype(np.int32))


def _labelled(videos: list[Video]) -> list[Video]:
    kept = (Video(v.name, tuple(frame for frame in v.frames if frame.label is not None)) for v in videos)
    return [video for video in kept if video.frames]
