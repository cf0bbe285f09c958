"""Json files: read with the faults named, written whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..base import FormatError
from .files import whole_file


def read_json(path: Path, *lists: str, hook: Callable[[dict], Any] | None = None) -> dict:
    """Read a json object that has these lists.

    Args:
        path: The file.
        lists: Names of the lists.
        hook: What becomes of each object as soon as it is parsed, inner ones first; for files that would fill memory.

    Raises:
        FormatError: The file is missing, no json, or lacks a list.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_hook=hook)
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. Check the path.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: cannot be read as json ({error}). Write or download the file again.") from error
    for key in lists:
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise FormatError(f"{path}: has no list {key!r}. Give the json that the data set ships.")
    return content


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """Write a json file in one step: under its name is the whole file or what was there before."""
    with whole_file(path) as file:
        file.write((json.dumps(content, indent=indent, allow_nan=False) + "\n").encode())
