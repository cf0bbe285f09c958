"""YouTube-VIS (Yang et al., ICCV 2019), editions 2019 and 2021: one json of truth per split, one of predictions.

    truth         {videos:      [{id, width, height, length, file_names}],
                   categories:  [{id, name}],
                   annotations: [{id, video_id, category_id, iscrowd, segmentations, areas, bboxes}]}
    predictions   [{video_id, category_id, score, segmentations}], as results.json or in a zip that holds it

Annotations are numbered from 1. `segmentations` has one mask for each frame of the video, or null where the object is
not seen. Masks are run-length encoded, as lists in the truth and as text in predictions (rle.py). What the official
evaluation does without may be absent: `iscrowd` (0), `areas` (counted). Where files and images lie: tree.py
"""

import contextlib
import logging
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..base import FormatError, SegmentMap, Video
from ..coding.frame_objects import ObjectsFormat
from ..coding.tracks import PredictedTrack, TrackTruth
from ..dataset_format import Published
from ..disk.files import whole_file
from .classes import CLASSES, NAMES
from .faults import annotation_faults, check, prediction_faults
from .json import (
    RESULTS,
    annotation,
    load,
    load_results,
    prediction,
    read_videos,
    true_track_of,
    write_list,
    write_lists,
)
from .tree import Tree, list_videos
from .writer import write_video

logger = logging.getLogger(__name__)

PUBLISHED = {
    2019: {"train": Published(2238), "valid": Published(302), "test": Published(343)},
    2021: {"train": Published(2985), "valid": Published(421), "test": Published(453)},
}
_JSON = {2019: "{}.json", 2021: "{}/instances.json"}  # of a split


class NoAnnotationsError(FormatError):
    """A truth file lists videos only, as the public ones do."""


class YouTubeVIS(ObjectsFormat):
    """The YouTube-VIS format.

    A split is "train", "valid" (or "val") or "test", or the path of a json, absolute or below the root.

    Attributes:
        name: Name of the format, of both editions.
        classes: The 40 classes of the edition, all things. A class's dataset id is its category id in the official
            files minus 1. Files with other ids are read by the names of their categories.

    Args:
        year: Edition, 2019 or 2021.
    """

    name = "youtube-vis"

    def __init__(self, year: int = 2019):
        if year not in NAMES:
            raise FormatError(f"YouTube-VIS of {year} is not known; use one of: {', '.join(map(str, NAMES))}")
        self.year, self.classes, self.published = year, CLASSES[year], PUBLISHED[year]
        self.layout = {
            "SPLIT/JPEGImages/VIDEO/FRAME.jpg": "images",
            _JSON[year].format("SPLIT"): "videos, and where there are any, annotations of a split",
        }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split in the order of the json, and check their images.

        Where the json has no annotations, as the public ones of valid and test, no frame has a label.

        Raises:
            FormatError: The json is faulty, has other classes, or images are missing; all faults that were found,
                `partial` holds the other videos.
        """
        return list_videos(Tree.find(Path(root), str(split), self.year), self.classes, self.year)

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` video names of a split, in order, that no other split and no published video has."""
        return [f"synthetic_{split}_{i:04d}" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write the images of a video, then it and its tracks into the json, which is replaced as a whole.

        A video that is there is replaced. Things with a track become annotations, and so does each class of crowd;
        stuff and void are not kept. Annotations also get a `track_id`, so that tracks are read back as they were.

        Args:
            root: Root of the data set.
            split: "train", "valid" (or "val"), or "test", which gets no annotations.
            name: Name of the video's folder.
            images: (H, W, 3) uint8 RGB, one per frame, all of one size.
            maps: Labels, one per frame; ignored for test.
            start: Number of the first file.
        """
        path = Path(root) / _JSON[self.year].format("valid" if split == "val" else split)
        write_video(path, Path(root), split, name, images, maps, start, self.classes)

    def read_videos(self, path: str | Path) -> TrackTruth:
        """Videos and categories of a truth file, with or without annotations: enough to check predictions.

        Raises:
            FormatError: The file is missing or faulty; up to 20 faults are listed.
        """
        return read_videos(Path(path), load(Path(path)))

    def read_truth(self, path: str | Path) -> TrackTruth:
        """Everything in a truth file.

        Raises:
            FormatError: The file is missing, has no annotations, or is faulty; up to 20 faults are listed.
        """
        path = Path(path)
        data = load(path)
        truth = read_videos(path, data)
        if not data.get("annotations"):
            raise NoAnnotationsError(
                f"{path}: has no annotations, as the public validation and test files. Evaluate on a part of train "
                "that was kept out of training, or upload the predictions to the evaluation server."
            )
        check(fault for _, fault in annotation_faults(path, data["annotations"], truth))
        return TrackTruth(truth.videos, truth.categories, tuple(map(true_track_of, data["annotations"])))

    def read_predictions(self, path: str | Path, truth: TrackTruth) -> list[PredictedTrack]:
        """Predictions in the order of the file.

        Args:
            path: results.json, or a zip that holds it at the root or in one folder.
            truth: Videos and categories that they must refer to.

        Raises:
            FormatError: The file is missing or faulty; up to 20 faults are listed.
        """
        entries = load_results(Path(path))
        check(prediction_faults(Path(path), entries, truth))
        if not entries:
            logger.warning("%s: holds no predictions; every score will be 0", path)
        return [
            PredictedTrack(e["video_id"], e["category_id"], float(e["score"]), tuple(e["segmentations"]))
            for e in entries
        ]

    def prediction_faults(self, path: str | Path, truth: TrackTruth) -> Iterator[str]:
        """All faults of a file of predictions, none where it is fit for evaluation.

        Masks of an entry whose video is unknown are not judged, since their number and size cannot be.
        """
        try:
            entries = load_results(Path(path))
        except FormatError as error:
            yield str(error)
            return
        yield from prediction_faults(Path(path), entries, truth)

    def write_truth(self, path: str | Path, truth: TrackTruth) -> None:
        """Write a truth file, whole or not at all; annotations are numbered from 1 in the order of the tracks."""
        videos = [{**vars(v), "file_names": list(v.file_names)} for _, v in sorted(truth.videos.items())]
        for video in videos:
            del video["name"]
        categories = [{"id": i, "name": name} for i, name in sorted(truth.categories.items())]
        entries = (annotation(number, track, truth) for number, track in enumerate(truth.tracks, 1))
        write_lists(Path(path), {"videos": videos, "categories": categories, "annotations": entries})

    def write_predictions(self, path: str | Path, tracks: Iterable[PredictedTrack]) -> None:
        """Write predictions, whole or not at all: results.json, or for a path that ends in .zip a zip that holds it.

        Raises:
            FormatError: The path ends otherwise, or a score is outside [0, 1].
        """
        path = Path(path)
        if path.suffix not in (".json", ".zip"):
            raise FormatError(f"{path}: ends in {path.suffix!r}. Name a file that ends in .json or .zip.")
        with whole_file(path) as file, contextlib.ExitStack() as stack:
            if path.suffix == ".zip":
                archive = stack.enter_context(zipfile.ZipFile(file, "w"))
                entry = zipfile.ZipInfo(RESULTS)  # without the time of day: equal predictions give equal files
                entry.compress_type = zipfile.ZIP_DEFLATED
                file = stack.enter_context(archive.open(entry, "w", force_zip64=True))
            write_list(file, (prediction(path, number, track) for number, track in enumerate(tracks)))
