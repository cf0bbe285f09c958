"""PNG files that carry labels: read with the faults named, written whole or not at all.

Every format that stores labels as PNG stands on these functions. Other errors than `FormatError` never leave them.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from ..base import FormatError
from .files import whole_file

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LAYOUTS = {(8, 2): "RGB", (8, 0): "L", (16, 0): "I;16"}  # (bit depth, colour type) -> name used in messages
_LAYOUTS |= {(bits, 3): "P" for bits in (1, 2, 4, 8)}
_TOLERATED = {"P": ("P", "L"), "grey": ("I;16", "L")}
_REMEDY = "Copy or download the file again."


def read_png(path: Path, layout: str) -> np.ndarray:
    """Decode a PNG whose pixel layout is known.

    Args:
        path: File to read.
        layout: "RGB" (8 bit), "L" (8 bit grey), "I;16" (16 bit grey), or "P": a palette, whose indices are read, or
            8 bit grey; "grey": 16 or 8 bit.

    Returns:
        (H, W, 3) uint8, (H, W) uint8 or (H, W) uint16. Possibly read-only.

    Raises:
        FormatError: The file is missing, not a PNG, damaged, or has another layout.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(26)
            if head[:8] != _SIGNATURE or len(head) < 26:
                raise FormatError(f"{path}: not a PNG file (it starts with {head[:8]!r}). {_REMEDY}")
            found = _LAYOUTS.get((head[24], head[25]))
            wanted = _TOLERATED.get(layout, (layout,))
            if found not in wanted:
                name = found or f"bit depth {head[24]}, colour type {head[25]}"
                wanted = " or ".join(wanted)
                raise FormatError(f"{path}: pixel layout is {name}, expected {wanted}. Write it in that layout.")
            file.seek(0)
            with Image.open(file) as image:
                return np.asarray(image)
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. {_REMEDY}") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path}: cannot be read ({error}); truncated or damaged? {_REMEDY}") from error


def write_png(path: Path, array: np.ndarray) -> None:
    """Write a PNG in one step: under its name there is either the whole file or what was there before.

    Args:
        path: Target; its folder is made when absent.
        array: (H, W, 3) uint8, (H, W) uint8 or (H, W) uint16.
    """
    with whole_file(Path(path)) as file:
        # Level 1 is several times faster than the default, and label maps stay small all the same.
        Image.fromarray(array).save(file, format="PNG", compress_level=1)


def png_size(path: Path) -> tuple[int, int]:
    """(H, W) of an image from its header, without decoding.

    Raises:
        FormatError: The file is missing or not an image.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. {_REMEDY}") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path}: cannot be read ({error}); truncated or damaged? {_REMEDY}") from error


def list_png(folder: Path) -> list[Path]:
    """PNG files of a folder by name; hidden files (also those that file managers leave) do not count."""
    return sorted(p for p in Path(folder).iterdir() if p.suffix.lower() == ".png" and not p.name.startswith("."))
