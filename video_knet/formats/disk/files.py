"""Files and folders that are written whole or not at all."""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

logger = logging.getLogger(__name__)


def part_of(path: Path) -> Path:
    """Name beside a target for what is not whole yet; no other process or thread has the same."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is whole; on an error nothing is left, and what was there before stays.

    Args:
        path: Target; its folder is made when absent.

    Raises:
        FileExistsError: There is something that is no file, a folder or a device.
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no file"
        raise FileExistsError(f"{path}: exists and is {kind}; name a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)
    try:
        with open(part, "wb") as file:
            yield file
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.filename == str(part):
            error.filename = str(path)
        raise


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder that gets its name when it is whole; on an error nothing is left, and what was there before stays.

    What may be replaced is for the caller to say: an older folder is deleted, once the new one has its name.

    Args:
        target: Folder to make, as are its parents; a link stays, and what it points to is replaced.

    Yields:
        An empty folder beside it, to write into.

    Raises:
        FileExistsError: There is something that is no folder.
        OSError: It cannot be written, or the older one cannot be put aside.
    """
    target = target.resolve()
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"{target}: exists and is no folder; name a folder to write")
    part = part_of(target)
    part.mkdir(parents=True)
    try:
        yield part
        _put_in_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, target: Path) -> None:
    if not target.is_dir():
        part.rename(target)
        return
    old = part.with_name(f"{part.name}.old")
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        if not target.exists():
            old.rename(target)
        raise
    try:
        shutil.rmtree(old)
    except OSError as error:
        logger.warning(
            "%s: the older folder could not be deleted (%s). Delete what is left of it: %s", target, error, old
        )
