"""Split files: which videos belong to a split, one name on each line."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ..base import FormatError
from .files import whole_file

_LONGEST = 255  # bytes of a name that file systems take


def is_name(name: str) -> bool:
    """Whether a text names a video's folder: one part of a path, not hidden, not too long, without space around it."""
    if not name or name != name.strip() or name.startswith(".") or "\0" in name:
        return False
    return name == Path(name).name and len(name.encode(errors="surrogatepass")) <= _LONGEST


def read_split(path: Path) -> list[str]:
    """Video names of a split file, in its order.

    Raises:
        FormatError: The file cannot be read, is empty, names a video twice, or something that is no name.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read as text ({error}). Write a video name on each line.") from error
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise FormatError(f"{path}: names no video. Write a video name on each line.")
    for name, count in Counter(names).items():
        if not is_name(name):
            raise FormatError(
                f"{path}: {name[:80]!r} is not the name of a video's folder. Write one name on each line."
            )
        if count > 1:
            raise FormatError(f"{path}: names the video {name!r} {count} times. Keep one of the lines.")
    return names


def check_new_video(split: str, known: Iterable[str], name: str, start: int) -> None:
    """Refuse to write a video that could not be read back.

    Args:
        split: Where it is to be.
        known: Splits of the format.
        name: Of its folder.
        start: Number of its first file.

    Raises:
        FormatError: The split is not known, the name is none of a folder, or the number is negative.
    """
    if split not in known or not is_name(name):
        raise FormatError(f"split {split!r}, video {name!r}: use train, val or test, and the name of a folder")
    if start < 0:
        raise FormatError(f"first file number {start}: files are numbered from 0")


def add_to_split(path: Path, name: str) -> None:
    """Put a video at the end of a split file, which is made where there is none, unless the file has it."""
    names = read_split(path) if path.exists() else []
    if name not in names:
        with whole_file(path) as file:
            file.write("\n".join([*names, name, ""]).encode())
