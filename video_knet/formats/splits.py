"""Split files: which videos belong to a split."""

from pathlib import Path

from .base import FormatError


def read_split(path: Path) -> list[str]:
    """Video names of a split, one a line.

    Raises:
        FormatError: The file is missing or empty.
    """
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: cannot be read as a list of videos ({error}). Write one name a line.") from error
    if not names:
        raise FormatError(f"{path}: names no video. Write one name a line.")
    return names
