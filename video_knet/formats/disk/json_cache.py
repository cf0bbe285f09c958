"""A json file that is asked for one frame after the other is read once."""

from functools import lru_cache
from pathlib import Path

from ..base import FormatError
from .json_files import read_json


def cached_json(path: Path, *lists: str) -> dict:
    """As `read_json`, but remembered until the file changes; not to be written to.

    Raises:
        FormatError: The file is missing, no json, or lacks a list.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Check the path.") from None
    return _read(path, lists, (status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=2)
def _read(path: Path, lists: tuple[str, ...], state: tuple[int, ...]) -> dict:
    return read_json(path, *lists)
