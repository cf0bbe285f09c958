"""A prepared copy of a dataset: made in parallel, each file whole or not at all, so that a run may stop at any time."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..formats import get_format
from ..formats.base import FormatError, collect_faults
from ..formats.disk.files import whole_file
from ..formats.disk.json_files import read_json, write_json
from ..parallel import each_item
from .conversions import Conversion, Piece
from .new_dataset import check_apart
from .recipes import RECIPES, Recipe
from .splits import Listing, list_splits

MARK = "prepared.json"  # says what a copy was made from
_AT_ONCE = 8  # files, for one process
_SAMPLE = 16  # files of a kind that are converted to estimate the size of all
_BLOCK = 4096  # bytes that a disk gives out at once
_LEFTOVER = re.compile(r"\..+\.(\d+)-\d+")  # of `whole_file`, when a process was killed


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        files: Number of files of the copy.
        made: How many of them this run made.
        videos, frames: Counts of the copy.
        faults: What could not be made.
    """

    files: int
    made: int
    videos: int = 0
    frames: int = 0
    faults: list[str] = field(default_factory=list)


def prepare(
    dataset: str, source: Path, target: Path, link: bool = False, workers: int = 1, progress: bool = True
) -> Outcome:
    """Make or complete a copy.

    Args:
        dataset: A name of `RECIPES`.
        source: Root of the dataset as it was downloaded.
        target: Root of the copy.
        link: Files that do not change become links.
        workers: Processes that share the files.
        progress: Show a progress bar on stderr.

    Raises:
        FormatError: The folders do not fit, the source is faulty, or the disk is too small.
        OSError: The disk is full all the same.
    """
    recipe = RECIPES[dataset]
    _check_folders(source, target, dataset)
    listing = _list(recipe, source)
    pieces = list(dict.fromkeys(recipe.pieces(listing.splits, target)))
    _check_places(pieces, source)
    pending = _pending(pieces, link, workers)
    outcome = Outcome(len(pieces), 0)
    if pending:
        _check_disk(pending, target, link)
        write_json(target / MARK, {"dataset": dataset, "what": recipe.what, "source": str(source.resolve())}, indent=2)
        outcome.faults = _make_all(pending, len(pieces), link, workers, progress)
        outcome.made = sum(piece.target.is_file() for piece in pending)
        _remove_leftovers({piece.target.parent for piece in pieces})
    if recipe.split_files:
        _copy_split_files(listing, source, target)
    if not outcome.faults:
        _verify(recipe, listing, target, outcome)
    return outcome


def _check_folders(source: Path, target: Path, dataset: str) -> None:
    if not source.is_dir():
        raise FormatError(f"{source}: no such folder. Name the folder of the download by --src.")
    if target.exists() and not target.is_dir():
        raise FormatError(f"{target}: is a file. Name another folder by --dst.")
    check_apart(source, target)
    mark = target / MARK
    if mark.is_file():
        if (made := read_json(mark).get("dataset")) != dataset:
            raise FormatError(f"{target}: holds a copy of {made}, not of {dataset}. Name another folder by --dst.")
    elif target.is_dir() and any(not path.name.startswith(".") for path in target.iterdir()):
        raise FormatError(f"{target}: is not empty, and no prepared copy ({MARK} is absent). Name another by --dst.")


def _list(recipe: Recipe, source: Path) -> Listing:
    listing = list_splits(get_format(recipe.dataset), source)
    if not listing.splits:
        raise FormatError(*listing.absent.values())
    if faults := [fault for split in listing.splits for fault in split.faults]:
        raise FormatError(*faults[:19], f"Mend the source first; tools/check_dataset.py {recipe.dataset} {source}")
    return listing


def _check_places(pieces: Iterable[Piece], source: Path) -> None:
    """No folder of the copy may be a link into the source."""
    root = source.resolve()
    for folder in {piece.target.parent for piece in pieces}:
        if folder.resolve().is_relative_to(root):
            raise FormatError(f"{folder}: is a link into the source, which is never written to. Remove the link.")


def _pending(pieces: list[Piece], link: bool, workers: int) -> list[Piece]:
    """What is left to do; links are replaced where copies are asked for, but not the other way round."""

    def is_whole(piece: Piece) -> bool:
        with suppress(FormatError, OSError):  # a damaged source is named when it is converted
            return piece.is_whole() and (link or not piece.target.is_symlink())
        return False

    with ThreadPoolExecutor(workers) as pool:
        return [piece for piece, whole in zip(pieces, pool.map(is_whole, pieces)) if not whole]


def _check_disk(pieces: list[Piece], target: Path, link: bool) -> None:
    """Compare what the copy will take with what is free, before anything is written."""
    needed = sum(_estimate(own, link) for own in _by_conversion(pieces).values())
    place = next(folder for folder in (target.absolute(), *target.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise FormatError(
            f"{target}: the copy needs about {needed} bytes ({needed / 1e9:.1f} GB), but {free} bytes "
            f"({free / 1e9:.1f} GB) are free on its disk. Free some, or name a folder on another disk by --dst."
        )


def _by_conversion(pieces: list[Piece]) -> dict[Conversion, list[Piece]]:
    found: dict[Conversion, list[Piece]] = defaultdict(list)
    for piece in pieces:
        found[piece.conversion].append(piece)
    return found


def _estimate(pieces: list[Piece], link: bool) -> int:
    """Bytes of the copies, from the sizes of all sources and the conversion of a few."""
    before = after = 0
    for piece in pieces[:: -(-len(pieces) // _SAMPLE)]:
        with suppress(FormatError, OSError):
            size = piece.source.stat().st_size
            changes = piece.conversion.changes(piece.source)
            after += len(piece.conversion.encode(piece.source)) if changes else 0 if link else size
            before += size
    total = 0
    for piece in pieces:
        with suppress(OSError):
            total += piece.source.stat().st_size
    return int(total * after / max(before, 1)) + len(pieces) * _BLOCK // 2


def _make_all(pieces: list[Piece], total: int, link: bool, workers: int, progress: bool) -> list[str]:
    faults: list[str] = []
    work = [pieces[i : i + _AT_ONCE] for i in range(0, len(pieces), _AT_ONCE)]
    done = total - len(pieces)
    with tqdm(total=total, initial=done, unit="file", desc="prepare", disable=not progress) as bar:
        for found, count in each_item(partial(_make, link), work, workers):
            faults += found
            bar.update(count)
    return sorted(faults)


def _make(link: bool, pieces: list[Piece]) -> list[str]:
    faults: list[str] = []
    for piece in pieces:
        with collect_faults(faults):
            piece.make(link)
    return faults


def _remove_leftovers(folders: Iterable[Path]) -> None:
    """Parts of files that killed processes left; those of living ones stay."""
    for folder in filter(Path.is_dir, folders):
        for path in folder.iterdir():
            if (match := _LEFTOVER.fullmatch(path.name)) and not _is_alive(int(match[1])):
                path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _copy_split_files(listing: Listing, source: Path, target: Path) -> None:
    """Split files as they are, wherever the format found them."""
    for split in listing.splits:
        places = [folder / f"{split.name}.txt" for folder in (source, source / "data", source.absolute().parent)]
        names = "".join(f"{video.name}\n" for video in split.videos).encode()
        content = next((path.read_bytes() for path in places if path.is_file()), names)
        path = target / f"{split.name}.txt"
        if not path.is_file() or path.read_bytes() != content:
            with whole_file(path) as file:
                file.write(content)


def _verify(recipe: Recipe, listing: Listing, target: Path, outcome: Outcome) -> None:
    """The copy has the videos and frames of the source, as the format reads it."""
    names = tuple(split.name for split in listing.splits)
    copy = list_splits(get_format(recipe.dataset), target, names)
    outcome.faults += copy.absent.values()
    for split in copy.splits:
        outcome.faults += split.faults
    for own, made in zip(listing.splits, copy.splits):
        wanted, found = ({v.name: [f.name for f in v.frames] for v in s.videos} for s in (own, made))
        outcome.videos += len(found)
        outcome.frames += made.frames
        outcome.faults += [
            f"{target}: video {name} of split {own.name} has {len(found.get(name, []))} frames, the source has "
            f"{len(wanted.get(name, []))}. Remove what the source does not have, and run again."
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        ]
