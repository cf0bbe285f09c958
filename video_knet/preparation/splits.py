"""The splits of a dataset: which are there, their counts, and videos that are where they should not be."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from ..formats.base import FormatError, Video
from ..formats.dataset_format import DatasetFormat, Published


@dataclass
class Split:
    """A split as it was found.

    Attributes:
        name: Of the split.
        videos: Its videos that could be listed.
        faults: Why others could not.
        published: Counts by the dataset's own account.
    """

    name: str
    videos: list[Video]
    faults: list[str] = field(default_factory=list)
    published: Published | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(len(video.frames) for video in self.videos)

    @property
    def labelled(self) -> int:
        """Number of labelled frames."""
        return sum(frame.label is not None for video in self.videos for frame in video.frames)


@dataclass
class Listing:
    """The splits of a dataset.

    Attributes:
        splits: Those that are there.
        absent: Why others are not, by name.
        warnings: What the format remarked while it listed.
    """

    splits: list[Split] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def list_splits(data_format: DatasetFormat, root: Path, names: tuple[str, ...] = ()) -> Listing:
    """List splits.

    Args:
        data_format: The format.
        root: Root of the dataset.
        names: Splits to list, whatever is there; none for all that are there. Then a split that consists of others
            (train and val together) is left out.

    Raises:
        FormatError: A split that was asked for is not known.
    """
    listing = Listing()
    with _remarks(listing.warnings):
        for name in names or data_format.known_splits(root):
            try:
                listing.splits.append(Split(name, data_format.videos(root, name)))
            except FormatError as error:
                missing = error.partial is None and not os.path.lexists(error.faults[0].split(": ")[0])
                if missing and names and name not in data_format.published:
                    raise
                if missing:
                    listing.absent[name] = error.faults[0]
                else:
                    listing.splits.append(Split(name, list(error.partial or ()), list(error.faults)))
            except OSError as error:
                listing.splits.append(Split(name, [], [f"{error.filename or root}: {error.strerror}. Mend the file."]))
    if not names:
        listing.splits = [split for split in listing.splits if not _is_union(split, listing.splits)]
    for split in listing.splits:
        split.published = data_format.published.get(split.name)
    return listing


def split_faults(splits: list[Split]) -> Iterator[str]:
    """Faults of the lists: videos without frames, names or images that are there twice, splits that are exchanged."""
    for split in splits:
        yield from split.faults
        for name, count in Counter(video.name for video in split.videos).items():
            if count > 1:
                yield f"video {name}: is {count} times in split {split.name}. Name each video once."
        images: dict[str, str] = {}
        for video in split.videos:
            yield from _video_faults(video, split, images)
    yield from _shared_faults(splits)
    yield from _exchanged_faults(splits)


def count_warnings(splits: list[Split]) -> Iterator[str]:
    """Counts that are not the published ones; a part of a dataset is a dataset, too."""
    for split in splits:
        if split.published is None:
            continue
        videos, frames = split.published
        counted = split.labelled if split.labelled or not frames else split.frames
        found = [("videos", len(split.videos), videos)]
        if frames is not None:
            found.append(("frames", counted, frames))
        differing = [f"{count} {what} found, {wanted} published" for what, count, wanted in found if count != wanted]
        if differing:
            yield f"split {split.name}: {'; '.join(differing)}.{_swap_hint(split, splits)} Is it meant to be a part?"


def _swap_hint(split: Split, splits: list[Split]) -> str:
    for other in splits:
        if other is not split and other.published and other.published.videos == len(split.videos):
            return f" {len(split.videos)} is the number of {other.name}: are the splits swapped?"
    return ""


def _video_faults(video: Video, split: Split, images: dict[str, str]) -> Iterator[str]:
    if not video.frames:
        yield f"video {video.name}: has no frames in split {split.name}. Download it, or take it off the split."
    for name, count in Counter(frame.name for frame in video.frames).items():
        if count > 1:
            yield f"video {video.name}: frame {name} is there {count} times. Keep one of its files."
    for frame in video.frames:
        if frame.image is None:
            continue
        if (other := images.setdefault(str(frame.image), video.name)) != video.name:
            yield f"{frame.image}: is an image of video {other} and of video {video.name}. Keep it in one of them."


def _is_union(split: Split, splits: list[Split]) -> bool:
    """Whether a split is made of at least two others."""
    mine = {_place(video) for video in split.videos}
    parts = [{_place(video) for video in other.videos} for other in splits if other is not split]
    parts = [part for part in parts if part and part < mine]
    return len(parts) > 1 and set().union(*parts) == mine


def _place(video: Video) -> tuple[str, str]:
    return video.name, str(video.frames[0].image) if video.frames else ""


def _shared_faults(splits: list[Split]) -> Iterator[str]:
    """Videos that are in two splits: by the place of their images, or by name where both splits are labelled."""
    places: dict[tuple[str, str], str] = {}
    names: dict[str, str] = {}
    for split in splits:
        labelled = split.labelled > 0
        for video in split.videos:
            other = places.setdefault(_place(video), split.name)
            if labelled and other == split.name:
                other = names.setdefault(video.name, split.name)
            if other != split.name:
                path = f"{video.frames[0].image}: " if video.frames else ""
                yield (
                    f"{path}video {video.name} is in split {other} and in split {split.name}. Leave it in one; restore "
                    "the original split."
                )


def _exchanged_faults(splits: list[Split]) -> Iterator[str]:
    """Pairs of splits each of which has the other's published number of videos."""
    published = [split for split in splits if split.published]
    for first, second in combinations(published, 2):
        own, other = first.published.videos, second.published.videos
        if own != other and (len(first.videos), len(second.videos)) == (other, own):
            yield (
                f"{_place(first.videos[0])[1]}: split {first.name} has {other} videos as {second.name} should, and "
                f"{second.name} {own} as {first.name} should: they are swapped. Restore the original splits."
            )


class _Remarks(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.found = found

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


@contextmanager
def _remarks(found: list[str]) -> Iterator[None]:
    """Warnings of the formats go into a list."""
    logger, handler = logging.getLogger("video_knet.formats"), _Remarks(found)
    propagate = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
