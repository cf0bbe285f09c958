"""What becomes of a single file in a prepared copy of a dataset: smaller, recoded, or as it is."""

import errno
import os
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..formats.base import FormatError
from ..formats.cityscapes import Cityscapes
from ..formats.coding.segment_png import encode_segments
from ..formats.disk.files import whole_file
from ..formats.disk.images import check_complete, decode
from ..formats.disk.png import png_size, read_png

JPEG_QUALITY = 95
_DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Conversion(ABC):
    """How a file of the copy is made from one of the source."""

    @abstractmethod
    def changes(self, source: Path) -> bool:
        """Whether the copy differs from the source; else the file is copied, or linked."""

    @abstractmethod
    def size(self, source: Path) -> tuple[int, int]:
        """(H, W) of the copy."""

    @abstractmethod
    def encode(self, source: Path) -> bytes:
        """The copy of a file that changes."""

    def is_whole(self, source: Path, target: Path) -> bool:
        """Whether the copy is there already, whole and of the right size."""
        if not target.is_file():
            return False
        if not self.changes(source):
            return target.stat().st_size == source.stat().st_size
        try:
            check_complete(target)
            return not target.is_symlink() and png_size(target) == self.size(source)
        except FormatError:
            return False


@dataclass(frozen=True)
class Keep(Conversion):
    """A file stays as it is."""

    def changes(self, source: Path) -> bool:
        """False."""
        return False

    def size(self, source: Path) -> tuple[int, int]:
        """That of the source."""
        return png_size(source)

    def encode(self, source: Path) -> bytes:
        """The source."""
        return source.read_bytes()


@dataclass(frozen=True)
class Shrink(Conversion):
    """An image or mask whose short side is longer than a bound is made smaller; none is made larger.

    Attributes:
        short_side: The bound, in pixels.
    """

    short_side: int

    def changes(self, source: Path) -> bool:
        """Whether the short side is longer."""
        return min(png_size(source)) > self.short_side

    def size(self, source: Path) -> tuple[int, int]:
        """(H, W): the short side as asked for, the other one in proportion, rounded."""
        height, width = png_size(source)
        short = min(height, width)
        bound = min(short, self.short_side)
        return (2 * height * bound + short) // (2 * short), (2 * width * bound + short) // (2 * short)


@dataclass(frozen=True)
class ShrinkImage(Shrink):
    """Bilinear over the area that a pixel covers."""

    def encode(self, source: Path) -> bytes:
        """A JPEG; a PNG where the source is one."""
        height, width = self.size(source)
        try:
            with Image.open(source) as image:
                image = image if image.mode in ("RGB", "L") else image.convert("RGB")
                image = image.resize((width, height), Image.Resampling.BILINEAR)
        except _DAMAGED:
            decode(source)  # names the fault
            raise
        file = BytesIO()
        if source.suffix.lower() == ".png":
            image.save(file, format="PNG")
        else:
            image.save(file, format="JPEG", quality=JPEG_QUALITY)
        return file.getvalue()


@dataclass(frozen=True)
class ShrinkMask(Shrink):
    """Nearest neighbours, so that no value is made up; 8 or 16 bits as the source.

    Attributes:
        layout: Pixel layout of the source, as `read_png` names it.
    """

    layout: str

    def encode(self, source: Path) -> bytes:
        """A grey PNG."""
        mask = read_png(source, self.layout)
        rows, columns = (
            ((2 * np.arange(new) + 1) * old // (2 * new)) for new, old in zip(self.size(source), mask.shape)
        )
        return png_bytes(mask[rows[:, None], columns])


@dataclass(frozen=True)
class StepMap(Conversion):
    """Instance ids of Cityscapes become labels of Cityscapes-STEP in the coding of KITTI-STEP."""

    def changes(self, source: Path) -> bool:
        """True."""
        return True

    def size(self, source: Path) -> tuple[int, int]:
        """That of the source."""
        return png_size(source)

    def encode(self, source: Path) -> bytes:
        """An RGB PNG."""
        segments = Cityscapes.step_map(source)
        return png_bytes(encode_segments(segments.semantic, segments.track))


@dataclass(frozen=True)
class Piece:
    """One file of a copy.

    Attributes:
        source: Where it comes from.
        target: Where it goes.
        conversion: What becomes of it.
    """

    source: Path
    target: Path
    conversion: Conversion

    def is_whole(self) -> bool:
        """Whether nothing is left to do."""
        return self.conversion.is_whole(self.source, self.target)

    def make(self, link: bool) -> None:
        """Make the file, whole or not at all; with `link`, one that does not change becomes a link.

        Raises:
            FormatError: The source is damaged, or a file cannot be read or written.
            OSError: The disk is full.
        """
        try:
            if self.conversion.changes(self.source):
                content = self.conversion.encode(self.source)
                with whole_file(self.target) as file:
                    file.write(content)
            elif link:
                self._link()
            else:
                with open(self.source, "rb") as source, whole_file(self.target) as file:
                    shutil.copyfileobj(source, file)
        except FormatError:
            raise
        except OSError as error:
            if error.errno in _FULL:
                raise
            raise FormatError(f"{self.source}: cannot be brought to {self.target} ({error}). Mend it.") from error

    def _link(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        part = self.target.with_name(f".{self.target.name}.{os.getpid()}-0")
        part.unlink(missing_ok=True)
        part.symlink_to(self.source.resolve())
        os.replace(part, self.target)


def png_bytes(array: np.ndarray) -> bytes:
    """A PNG in memory."""
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(file, format="PNG")
    return file.getvalue()
