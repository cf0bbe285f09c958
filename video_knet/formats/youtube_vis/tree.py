"""YouTube-VIS as it lies on disk: which json and which images belong to a split, and what they hold.

    ROOT/{train,valid,test}.json                 2019; annotations/instances_{train,valid,test}.json, too
    ROOT/{train,valid,test}/instances.json       2021
    ROOT/{train,valid,test}/JPEGImages/VIDEO/FRAME.jpg, or without JPEGImages

Each edition is found in either layout. Of several json files of a split, the first one counts. A split that is the path
of a json, as for a part of train that is kept out of training, has its images where the first of them is found: below
ROOT in the folder that a word of its name or its folder's name says ("train_minival.json"), or in train, valid or test.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base import ClassTable, FormatError, Frame, Video, collect_faults
from ..coding.frame_objects import FrameObjects, number_tracks
from ..coding.tracks import TrackTruth, VideoEntry
from .classes import NAMES
from .faults import annotation_faults
from .json import load, read_videos, true_track_of

SPLITS = ("train", "valid", "test")
WORDS = {**{split: split for split in SPLITS}, "val": "valid"}


@dataclass(frozen=True)
class Tree:
    """Where a split is.

    Attributes:
        json: Its json.
        images: Folders that may hold its images, the likeliest first.
    """

    json: Path
    images: tuple[Path, ...]

    @classmethod
    def find(cls, root: Path, split: str, year: int) -> "Tree":
        """The tree of a split.

        Raises:
            FormatError: There is no json.
        """
        word = WORDS.get(split)
        places = [Path(split), root / split] if split.endswith(".json") else json_places(root, split, (year,))
        found = next((path for path in places if path.is_file()), None)
        if found is None:
            tried = ", ".join(map(str, places))
            raise FormatError(
                f"{root}: has no json of split {split!r}; looked for {tried}. Give the folder that holds them, and "
                "train, valid, test or the path of a json as split."
            )
        said = [WORDS[w] for text in (found.stem, found.parent.name) for w in re.split(r"[\W_]+", text) if w in WORDS]
        folders = dict.fromkeys(root / name for name in ([word] if word else [*said, *SPLITS]))
        if word == "valid":
            folders[root / "val"] = None
        return cls(found, tuple(place for folder in folders for place in (folder / "JPEGImages", folder)))

    def image_folder(self, first: str) -> Path:
        """The folder that holds the first image of the json; the likeliest one where none does."""
        for folder in self.images:
            if os.path.isfile(folder / first):
                return folder
        return next((folder for folder in self.images if folder.is_dir()), self.images[0])


def json_places(root: Path, split: str, years: Iterable[int] = tuple(NAMES)) -> list[Path]:
    """Where the json of a split, a word, may be; the likeliest place first."""
    word = WORDS.get(split)
    names = [split] if word is None else [word, *(w for w in WORDS if WORDS[w] == word and w != word)]
    patterns = ("{}.json", "annotations/instances_{}.json", "{}/instances.json")
    places = [root / pattern.format(name) for name in names for pattern in patterns]
    return places + [root / f"annotations/youtube_vis_{year}_{name}.json" for year in years for name in names]


def find_json(path: Path) -> Path:
    """The json of a split, named as ROOT/valid.json, which the tree may have elsewhere (ROOT/valid/instances.json).

    Returns:
        `path` itself where it is a file, or there is none at any place.
    """
    if path.is_file() or path.suffix != ".json":
        return path
    return next((place for place in json_places(path.parent, path.stem) if place.is_file()), path)


def list_videos(tree: Tree, classes: ClassTable, year: int) -> list[Video]:
    """List the videos of a json; see `YouTubeVIS.videos`."""
    data = load(tree.json)
    if isinstance(data.get("images"), list):
        raise FormatError(
            f"{tree.json}: lists single images, as a converted file does, not YouTube-VIS videos with file_names. Put "
            "the original json in its place."
        )
    listed = read_videos(tree.json, data)
    ids = category_ids(tree.json, listed, classes, year)
    entries = data.get("annotations") or []
    found = list(annotation_faults(tree.json, entries, listed))
    faults, faulty = [fault for _, fault in found], {number for number, _ in found}
    spoiled: set[int] = set()
    of_video: dict[int, list[dict]] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        video_id = entry.get("video_id") if isinstance(entry, dict) else None
        if number not in faulty:
            of_video.setdefault(video_id, []).append(entry)
        elif type(video_id) is int:
            spoiled.add(video_id)
    folder = tree.image_folder(next((name for v in listed.videos.values() for name in v.file_names), ""))
    videos = []
    for video in listed.videos.values():
        with collect_faults(faults):
            check_images(video, folder, tree.json)
            if video.id not in spoiled:
                objects = frame_objects(tree.json, video, of_video.get(video.id, []), ids) if entries else None
                videos.append(_video(video, folder, objects))
    if faults:
        raise FormatError(*faults, partial=videos)
    return videos


def plain_name(name: str) -> str:
    """A category's name as the class tables spell it."""
    return name.strip().lower().replace(" ", "_")


def category_ids(path: Path, listed: TrackTruth, classes: ClassTable, year: int) -> dict[int, int]:
    """Dataset id of each category id of a json, by name.

    Raises:
        FormatError: A category is none of the edition's.
    """
    known = {name: i for i, name in enumerate(classes.names)}
    plain = {i: plain_name(name) for i, name in listed.categories.items()}
    if unknown := [listed.categories[i] for i, name in plain.items() if name not in known]:
        raise FormatError(
            f"{path}: {len(unknown)} categories are no classes of YouTube-VIS {year}: {', '.join(unknown[:5])}. Name "
            "the edition of the file (youtube-vis-2019, youtube-vis-2021), or read it as a dataset of your own."
        )
    return {i: known[name] for i, name in plain.items()}


def check_images(video: VideoEntry, folder: Path, path: Path) -> None:
    """Check that all images of a video are there, by the listings of their folders.

    Raises:
        FormatError: One is missing, or its name leads out of the folder.
    """
    present: dict[str, set[str]] = {}
    lacking = []
    for name in video.file_names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.name or "\0" in name:
            raise FormatError(f"{path}: video {video.id} has the file name {name!r}. Name a file below {folder}.")
        parent = str(parts.parent)
        if parent not in present:
            try:
                present[parent] = set(os.listdir(folder / parent))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", error)
                raise FormatError(
                    f"{folder / parent}: cannot be listed ({reason}), but {path} has the video {video.id} in it. "
                    "Download the images, or give another root."
                ) from None
        if parts.name not in present[parent]:
            lacking.append(name)
    if lacking:
        raise FormatError(
            f"{folder / lacking[0]}: no such file, but {path} lists it ({len(lacking)} missing of video "
            f"{video.name}). Download the images again."
        )


def frame_objects(path: Path, video: VideoEntry, entries: list[dict], ids: dict[int, int]) -> list[FrameObjects]:
    """Objects of each frame of a video from its sound annotations."""
    tracks = [true_track_of(entry) for entry in entries]
    own = (entry.get("track_id") for entry in entries)
    numbers = number_tracks([(ids[track.category_id], track.crowd, number) for track, number in zip(tracks, own)])
    found = []
    for t in range(video.length):
        objects = [
            (ids[track.category_id], number, track.segmentations[t]["counts"])
            for number, track in zip(numbers, tracks)
            if track.segmentations[t] is not None
        ]
        where = f"video {video.name}, frame {t}"
        found.append(FrameObjects.ordered(path, where, (video.height, video.width), objects))
    return found


def _video(video: VideoEntry, folder: Path, objects: list[FrameObjects] | None) -> Video:
    labels = objects or [None] * video.length
    frames = (Frame(PurePosixPath(n).stem, folder / n, label) for n, label in zip(video.file_names, labels))
    return Video(video.name, tuple(frames))
