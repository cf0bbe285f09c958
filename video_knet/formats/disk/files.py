"""Files that are written whole or not at all."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO


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
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
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
