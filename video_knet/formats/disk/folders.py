"""Folders of a dataset: their files by stem, and their subfolders; every fault is a `FormatError`."""

from collections.abc import Iterable
from pathlib import Path

from ..base import FormatError

IMAGES = (".jpg", ".jpeg", ".png")


def list_stems(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of a folder that has some, {stem: path} by name; hidden ones do not count.

    Args:
        folder: A folder.
        suffixes: Lower-case suffixes of the files that count; the first one is named in messages.

    Raises:
        FormatError: The folder is missing, cannot be read or holds no such file, or two files have one stem.
    """
    found: dict[str, Path] = {}
    for path in _entries(folder):
        if path.suffix.lower() not in suffixes:
            continue
        if path.stem in found:
            raise FormatError(f"{path}: {found[path.stem].name} is the same frame. Keep one of the two files.")
        found[path.stem] = path
    if not found:
        raise FormatError(f"{folder}: holds no {suffixes[0]} file. Download it again, or take it off its split.")
    return found


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, by name; hidden ones do not count.

    Raises:
        FormatError: The folder is missing or cannot be read.
    """
    return [path for path in _entries(folder) if path.is_dir()]


def first_folder(candidates: Iterable[Path]) -> Path | None:
    """The first path that is a folder."""
    return next((path for path in candidates if path.is_dir()), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        raise FormatError(f"{folder}: no such folder. Download it again, or give another one.") from None
    except OSError as error:
        raise FormatError(f"{folder}: cannot be listed ({error}). Mend or replace it by a folder.") from error
