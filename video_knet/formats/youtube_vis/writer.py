"""Writes videos in the layout of YouTube-VIS: their images, and their tracks into the json of the split."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import ClassTable, FormatError, SegmentMap
from ..coding.rle import Rle, encode_masks
from ..coding.tracks import TrackTruth, TrueTrack, VideoEntry
from ..disk.images import write_jpeg
from ..disk.splits import is_name
from .json import annotation, load, read_videos, true_track_of, write_lists
from .tree import WORDS


def write_video(
    path: Path,
    root: Path,
    split: str,
    name: str,
    images: Iterable[np.ndarray],
    maps: Iterable[SegmentMap | None],
    start: int,
    classes: ClassTable,
) -> None:
    """Write a video and its place in the json; see `YouTubeVIS.write_video`."""
    if split not in WORDS or not is_name(name) or start < 0:
        raise FormatError(
            f"split {split!r}, video {name!r}, first file {start}: use {', '.join(WORDS)}, the name of a folder, and "
            "files from 0"
        )
    folder = root / WORDS[split] / "JPEGImages"
    names, size, drawn = [], None, _Drawn(classes)
    for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
        size = size or image.shape[:2]
        if image.shape[:2] != size:
            raise FormatError(f"video {name}: image {number} is {image.shape[:2]}, the first {size}. Give equal sizes.")
        names.append(f"{name}/{number:05d}.jpg")
        write_jpeg(folder / names[-1], image)
        if split != "test":
            drawn.add(segments, f"video {name}, image {number}")
    if not names:
        raise FormatError(f"video {name}: has no frames. Give at least one.")
    _insert(path, VideoEntry(0, name, size[1], size[0], len(names), tuple(names)), drawn, split != "test")


class _Drawn:
    """Masks of a video's objects while it is drawn, by (class, track); track 0 is a crowd."""

    def __init__(self, classes: ClassTable) -> None:
        self.classes, self.is_thing = classes, classes.thing_lookup()
        self.length, self.masks = 0, {}

    def add(self, segments: SegmentMap | None, where: str) -> None:
        """Add a frame."""
        if segments is None:
            raise FormatError(f"{where}: has no labels, but YouTube-VIS labels every frame. Give a map.")
        code = segments.semantic.astype(np.int64) << 32 | segments.track
        present = np.unique(code[self.is_thing[segments.semantic]])
        for key, mask in zip(present.tolist(), encode_masks(code == present[:, None, None])):
            self.masks.setdefault((key >> 32, key & 0xFFFFFFFF), {})[self.length] = mask
        self.length += 1

    def tracks(self, video: int) -> Iterator[tuple[int, TrueTrack]]:
        """Track number and annotation of each object, things by number before crowds."""
        for (category, number), seen in sorted(self.masks.items(), key=lambda item: (not item[0][1], *item[0][::-1])):
            masks: tuple[Rle | None, ...] = tuple(seen.get(t) for t in range(self.length))
            entry = {"id": 0, "video_id": video, "category_id": category + 1, "segmentations": masks}
            yield number, true_track_of(entry | {"iscrowd": int(not number)})


def _insert(path: Path, video: VideoEntry, drawn: _Drawn, labelled: bool) -> None:
    """Put a video into a json, which is made where it is absent; annotations are numbered anew."""
    categories = [{"id": i, "name": name} for i, name in enumerate(drawn.classes.names, 1)]
    data = load(path) if path.exists() else {"videos": [], "categories": categories}
    listed = read_videos(path, data)
    if listed.categories != {c["id"]: c["name"] for c in categories}:
        raise FormatError(f"{path}: has other categories than {len(categories)} of the edition. Write elsewhere.")
    number = next((v.id for v in listed.videos.values() if v.name == video.name), max(listed.videos, default=0) + 1)
    video = replace(video, id=number)
    entry = {key: value for key, value in vars(video).items() if key != "name"} | {"file_names": list(video.file_names)}
    lists = {
        "videos": sorted([*(v for v in data["videos"] if v["id"] != number), entry], key=lambda v: v["id"]),
        "categories": categories,
    }
    if labelled:
        truth = TrackTruth({number: video}, {})
        own = [annotation(0, track, truth) | {"track_id": track_id} for track_id, track in drawn.tracks(number)]
        others = [entry for entry in data.get("annotations") or [] if entry["video_id"] != number]
        entries = sorted([*others, *own], key=lambda entry: entry["video_id"])
        lists["annotations"] = [{**entry, "id": i} for i, entry in enumerate(entries, 1)]
    write_lists(path, lists)
