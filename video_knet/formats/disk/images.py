"""Image files, PNG or JPEG: whether they are whole and upright, and what is in them."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..base import FormatError
from .files import whole_file

_END_MARKS = {".png": b"IEND", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9"}
_TAIL = 64  # bytes; a mark may be followed by a checksum, or by padding
_ORIENTATION, _TURNED = 0x0112, range(2, 9)  # entry of a JPEG's EXIF data, and its values that turn or mirror
_REMEDY = "Copy or download the file again."
_FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def check_complete(path: Path) -> None:
    """Look for the end mark of a PNG or JPEG; cheap enough for every file before training.

    OpenCV decodes a file that was cut off in part, without a word. A JPEG may carry more data after its mark: one
    without a mark in its last bytes is decoded to be sure.

    Raises:
        FormatError: The file is missing or cut off.
    """
    mark = _END_MARKS.get(path.suffix.lower())
    if mark is None:
        return
    try:
        with open(path, "rb") as file:
            file.seek(-min(_TAIL, os.fstat(file.fileno()).st_size), os.SEEK_END)
            found = mark in file.read()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error}). {_REMEDY}") from error
    if found:
        return
    if mark == _END_MARKS[".png"]:
        raise FormatError(f"{path}: the file is cut off (no end mark). {_REMEDY}")
    decode(path)


def check_upright(path: Path) -> None:
    """Refuse a JPEG that asks to be turned or mirrored: OpenCV does so when it loads the image, its label stays.

    Raises:
        FormatError: It does, or cannot be opened.
    """
    if _END_MARKS.get(path.suffix.lower()) != _END_MARKS[".jpg"]:
        return
    try:
        with Image.open(path) as image:
            found = _orientation(image)
    except _FAULTS as error:
        raise FormatError(f"{path}: cannot be read ({error}); cut off or damaged? {_REMEDY}") from error
    if found in _TURNED:
        raise FormatError(
            f"{path}: its EXIF orientation is {found}, not 1, so it would be turned when it is loaded, but not its "
            "label. Store the image without this entry (exiftool -Orientation= FILE), turned as its label is."
        )


def _orientation(image: Image.Image) -> int | None:
    if "exif" not in image.info:
        return None
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:  # whatever broken EXIF data make Pillow raise: OpenCV turns nothing by them
        return None


def decode(path: Path) -> tuple[tuple[int, int], str]:
    """Decode a whole image.

    Returns:
        (H, W) and the pixel layout as Pillow names it ("RGB").

    Raises:
        FormatError: The file is missing, no image, or damaged.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return (image.height, image.width), image.mode
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file. {_REMEDY}") from None
    except UnidentifiedImageError:
        raise FormatError(f"{path}: is no image. {_REMEDY}") from None
    except _FAULTS as error:
        raise FormatError(f"{path}: cannot be decoded ({error}); cut off or damaged? {_REMEDY}") from error


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as a JPEG that loses little, whole or not at all."""
    with whole_file(path) as file:
        Image.fromarray(image).save(file, format="JPEG", quality=95, subsampling=0)
