"""Which of one's own videos belong to a split, and in which order names come."""

import logging
import re
from pathlib import Path

from ..base import FormatError
from ..disk.folders import subfolders
from ..disk.splits import read_split
from .description import Description

logger = logging.getLogger(__name__)

ALL = "all"
_IMPLIED = ("train", "val", "test", ALL)  # splits of a dataset that names none


def natural(name: str) -> tuple:
    """Sorting key by which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), name


def video_names(root: Path) -> list[str]:
    """The folders of frames/ in natural order.

    Raises:
        FormatError: There is none.
    """
    names = sorted((folder.name for folder in subfolders(root / "frames")), key=natural)
    if not names:
        raise FormatError(f"{root / 'frames'}: holds no video. Put the images of each video into a folder there.")
    return names


def split_names(root: Path, own: Description, split: str) -> list[str]:
    """Names of the videos of a split: of dataset.json, of SPLIT.txt, or all of them.

    Raises:
        FormatError: There is no such split, or it is said twice.
    """
    listed = root / f"{split}.txt"
    if split in own.splits:
        if listed.is_file():
            raise FormatError(f"{listed}: dataset.json lists the videos of {split}, too. Keep one of the two lists.")
        return list(own.splits[split])
    for path in (listed, Path(split)):
        if path.suffix == ".txt" and path.is_file():
            return read_split(path)
    texts = sorted(path.stem for path in root.glob("*.txt"))
    if split != ALL and (own.splits or texts or split not in _IMPLIED):
        known = ", ".join([*own.splits, *texts, ALL])
        raise FormatError(f"{root}: has no split {split!r}; there are {known}. List its videos in {listed}.")
    if split != ALL:
        logger.warning(
            "%s: has no splits, so %s is every video. Add splits to dataset.json to tell them apart.", root, split
        )
    return video_names(root)


def track_files(root: Path, split: str) -> list[Path]:
    """instances_SPLIT.json of a root, all of them for "all", or instances.json, which is every split."""
    found = sorted(root.glob("instances_*.json")) if split == ALL else [root / f"instances_{split}.json"]
    return [path for path in found if path.is_file()] or [p for p in (root / "instances.json",) if p.is_file()]


def check_text(paths: list[Path]) -> None:
    """Refuse names that are no UTF-8 text.

    Raises:
        FormatError: There is one.
    """
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise FormatError(f"{str(path)!a}: the name is no UTF-8 text. Rename the file.") from None
