"""What is half there: a split without its list or its labels, videos of no split, and frames without label."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .splits import Listing, Split
from .tree import TreeWalker

_VIDEOS = ("VIDEO", "SEQ")  # words of a layout that stand for the folder of a video


def half_splits(root: Path, listing: Listing) -> Iterator[str]:
    """Faults of splits that could not be listed, although a folder bears their name; they are no longer absent.

    Args:
        root: Root of the dataset.
        listing: What was listed; changed.
    """
    places = [root, *(Path(entry.path) for entry in os.scandir(root) if entry.is_dir())]
    for name in [name for name in listing.absent if any((place / name).is_dir() for place in places)]:
        yield listing.absent.pop(name)


def stray_videos(root: Path, layout: Mapping[str, str], listing: Listing) -> tuple[list[str], list[str]]:
    """Videos that are in no split, while all splits were asked for.

    Args:
        root: Root of the dataset.
        layout: {pattern: what it is}, as `TreeWalker` knows it.
        listing: What was listed.

    Returns:
        Faults, where a split is not there to which they could belong, and warnings.
    """
    known = {video.name for split in listing.splits for video in split.videos}
    if not known or any(split.faults for split in listing.splits):  # videos with faults may be missing in the lists
        return [], []
    texts = []
    for pattern in _video_folders(layout):
        stray = [path for path in TreeWalker(root).paths(pattern) if os.path.basename(path) not in known]
        if stray := [path for path in stray if os.path.isdir(path) and any(os.scandir(path))]:
            missing = "".join(f"; {name} is not there: {text}" for name, text in listing.absent.items())
            texts.append(
                f"{stray[0]}: the first of {len(stray)} videos that no split has{missing.rstrip('.')}. Restore the "
                "list or the labels of their split, or remove them."
            )
    return (texts, []) if listing.absent else ([], texts)


def unlabelled_frames(splits: list[Split]) -> Iterator[str]:
    """Warnings of frames without label among labelled ones, where a format takes that for what is meant."""
    for split in splits:
        videos = [video for video in split.videos if any(frame.label is not None for frame in video.frames)]
        bare = [frame for video in videos for frame in video.frames if frame.label is None]
        if bare:
            some = f"{len(bare)} frames of labelled videos have no label, this the first"
            yield f"{bare[0].image}: split {split.name}: {some}; training leaves them out. Label them, if not meant."


def _video_folders(layout: Mapping[str, str]) -> list[str]:
    """Patterns of the folders of videos, each once."""
    found = []
    for pattern in layout:
        parts = pattern.split("/")
        found += ["/".join(parts[: parts.index(word) + 1]) for word in _VIDEOS if word in parts]
    return list(dict.fromkeys(found))
