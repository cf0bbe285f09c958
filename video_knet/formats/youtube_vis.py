"""YouTube-VIS (Yang et al., ICCV 2019), editions 2019 and 2021: one json of truth per split, one of predictions.

    truth         {videos:      [{id, width, height, length, file_names}],
                   categories:  [{id, name}],
                   annotations: [{id, video_id, category_id, iscrowd, segmentations, areas, bboxes}]}
    predictions   [{video_id, category_id, score, segmentations}], as results.json or in a zip that holds it

Categories and annotations are numbered from 1. `segmentations` has one mask for each frame of the video, or null where
the object is not seen. Masks are run-length encoded, as lists in the truth and as text in predictions (rle.py).
"""

import colorsys
import contextlib
import json
import logging
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from .base import VOID, ClassTable, FormatError
from .files import whole_file
from .rle import counts_text, decode_mask, decode_runs
from .tracks import PredictedTrack, TrackTruth, TrueTrack, VideoEntry
from .youtube_vis_faults import (
    annotation_faults,
    category_faults,
    check,
    prediction_faults,
    score_fault,
    video_faults,
    video_name,
)

logger = logging.getLogger(__name__)

# fmt: off
NAMES = {
    2019: ("person", "giant_panda", "lizard", "parrot", "skateboard", "sedan", "ape", "dog", "snake", "monkey", "hand",
           "rabbit", "duck", "cat", "cow", "fish", "train", "horse", "turtle", "bear", "motorbike", "giraffe",
           "leopard", "fox", "deer", "owl", "surfboard", "airplane", "truck", "zebra", "tiger", "elephant",
           "snowboard", "boat", "shark", "mouse", "frog", "eagle", "earless_seal", "tennis_racket"),
    2021: ("airplane", "bear", "bird", "boat", "car", "cat", "cow", "deer", "dog", "duck", "earless_seal", "elephant",
           "fish", "flying_disc", "fox", "frog", "giant_panda", "giraffe", "horse", "leopard", "lizard", "monkey",
           "motorbike", "mouse", "parrot", "person", "rabbit", "shark", "skateboard", "snake", "snowboard", "squirrel",
           "surfboard", "tennis_racket", "tiger", "train", "truck", "turtle", "whale", "zebra"),
}
# fmt: on

RESULTS = "results.json"


def _palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Colours whose hues are far apart for neighbouring classes."""
    shades = [colorsys.hsv_to_rgb(i * 0.618034 % 1, 1 - i % 2 * 0.4, 1 - i % 3 * 0.2) for i in range(count)]
    return tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in shades)


class NoAnnotationsError(FormatError):
    """A truth file lists videos only, as the public ones do."""


class YouTubeVIS:
    """The YouTube-VIS format.

    Attributes:
        name: Name of the format.
        classes: The 40 classes of the edition, all things. A class's dataset id is its category id in the files
            minus 1. Readers take the categories from the file itself.

    Args:
        year: Edition, 2019 or 2021.
    """

    name = "youtube-vis"

    def __init__(self, year: int = 2019):
        if year not in NAMES:
            raise FormatError(f"YouTube-VIS of {year} is not known; use one of: {', '.join(map(str, NAMES))}")
        names = NAMES[year]
        self.classes = ClassTable(names, tuple(range(len(names))), _palette(len(names)), VOID)

    def read_videos(self, path: str | Path) -> TrackTruth:
        """Videos and categories of a truth file, with or without annotations: enough to check predictions.

        Raises:
            FormatError: The file is missing or faulty; up to 20 faults are listed.
        """
        return _read_videos(Path(path), _load(Path(path)))

    def read_truth(self, path: str | Path) -> TrackTruth:
        """Everything in a truth file.

        Raises:
            FormatError: The file is missing, has no annotations, or is faulty; up to 20 faults are listed.
        """
        path = Path(path)
        data = _load(path)
        truth = _read_videos(path, data)
        if not data.get("annotations"):
            raise NoAnnotationsError(
                f"{path}: has no annotations, as the public validation and test files. Evaluate on a part of train "
                "that was kept out of training, or upload the predictions to the evaluation server."
            )
        check(annotation_faults(path, data["annotations"], truth))
        tracks = []
        for entry in data["annotations"]:
            masks = tuple(
                m and {"size": m["size"], "counts": counts_text(m, m["size"])} for m in entry["segmentations"]
            )
            ids = (entry[key] for key in ("id", "video_id", "category_id"))
            tracks.append(TrueTrack(*ids, bool(entry["iscrowd"]), masks, tuple(entry["areas"])))
        return TrackTruth(truth.videos, truth.categories, tuple(tracks))

    def read_predictions(self, path: str | Path, truth: TrackTruth) -> list[PredictedTrack]:
        """Predictions in the order of the file.

        Args:
            path: results.json, or a zip that holds it at the root or in one folder.
            truth: Videos and categories that they must refer to.

        Raises:
            FormatError: The file is missing or faulty; up to 20 faults are listed.
        """
        entries = _load_results(Path(path))
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
            entries = _load_results(Path(path))
        except FormatError as error:
            yield str(error)
            return
        yield from prediction_faults(Path(path), entries, truth)

    def write_truth(self, path: str | Path, truth: TrackTruth) -> None:
        """Write a truth file, whole or not at all; annotations are numbered from 1 in the order of the tracks."""
        entries = (_annotation(number, track, truth) for number, track in enumerate(truth.tracks, 1))
        videos = [{**vars(v), "file_names": list(v.file_names)} for _, v in sorted(truth.videos.items())]
        for video in videos:
            del video["name"]
        categories = [{"id": i, "name": name} for i, name in sorted(truth.categories.items())]
        with whole_file(Path(path)) as file:
            for key, values in (("videos", videos), ("categories", categories), ("annotations", entries)):
                file.write(f'{"," if key != "videos" else "{"}"{key}":'.encode())
                _write_list(file, values)
            file.write(b"}\n")

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
            _write_list(file, (_prediction(path, number, track) for number, track in enumerate(tracks)))


def _load(path: Path) -> dict:
    data = _parse(path, _read_bytes(path))
    if not isinstance(data, dict):
        raise FormatError(f"{path}: is a {type(data).__name__}, not an object with videos. Name the truth file.")
    return data


def _load_results(path: Path) -> list:
    content = _read_bytes(path)
    if path.suffix == ".zip" or content[:2] == b"PK":
        content = _unzip(path)
    data = _parse(path, content)
    if not isinstance(data, list):
        raise FormatError(f"{path}: is a {type(data).__name__}, not a list of predictions. Write one list of entries.")
    return data


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Name an existing file.") from None


def _unzip(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]
            found = [n for n in names if PurePosixPath(n).name == RESULTS and n.count("/") <= 1]
            if len(found) != 1:
                raise FormatError(
                    f"{path}: holds {len(found)} files {RESULTS} among {names[:5]}, where one is asked for. "
                    f"Zip one {RESULTS}, at the root or in one folder."
                )
            return archive.read(found[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise FormatError(f"{path}: is no whole zip ({error}); truncated? Zip or copy it again.") from None


def _parse(path: Path, content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: is no valid json ({error}); truncated? Write or copy it again.") from None


def _read_videos(path: Path, data: dict) -> TrackTruth:
    for key in ("videos", "categories"):
        if not isinstance(data.get(key), list):
            raise FormatError(f"{path}: has no list {key!r}, only {sorted(data)[:5]}. Name the truth file of a split.")
    check(video_faults(path, data["videos"]))
    check(category_faults(path, data["categories"]))
    videos = {}
    for v in data["videos"]:
        sizes = (v[key] for key in ("width", "height", "length"))
        videos[v["id"]] = VideoEntry(v["id"], video_name(v), *sizes, tuple(v["file_names"]))
    return TrackTruth(videos, {c["id"]: c["name"] for c in data["categories"]})


def _annotation(number: int, track: TrueTrack, truth: TrackTruth) -> dict:
    video = truth.videos[track.video_id]
    counts, boxes = [], []
    for rle in track.segmentations:
        runs = decode_runs([rle], (video.height, video.width))
        ends = np.append(runs.edges.T.ravel(), runs.pixels)
        lengths = np.diff(ends, prepend=0)
        if rle is not None:
            while len(lengths) > 1 and lengths[-1] == 0:
                lengths = lengths[:-1]
        counts.append(rle and {"size": [video.height, video.width], "counts": lengths.tolist()})
        boxes.append(rle and _box(decode_mask(rle)))
    return {
        "id": number,
        "video_id": video.id,
        "category_id": track.category_id,
        "iscrowd": int(track.crowd),
        "height": video.height,
        "width": video.width,
        "length": video.length,
        "segmentations": counts,
        "bboxes": boxes,
        "areas": list(track.areas),
    }


def _box(mask: np.ndarray) -> list[float]:
    """[left, top, width, height] of a mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return [0.0, 0.0, 0.0, 0.0]
    return [float(v) for v in (columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1)]


def _prediction(path: Path, number: int, track: PredictedTrack) -> dict:
    if fault := score_fault(f"{path}: entry {number}", track.score):
        raise FormatError(fault)
    return {**vars(track), "segmentations": list(track.segmentations)}


def _write_list(file: IO[bytes], entries: Iterable[dict]) -> None:
    """A json list with an entry to each line, without holding all of it."""
    separator = b"["
    for entry in entries:
        file.write(separator + b"\n" + json.dumps(entry, allow_nan=False).encode())
        separator = b","
    file.write(b"[]" if separator == b"[" else b"\n]")
