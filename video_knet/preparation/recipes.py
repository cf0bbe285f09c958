"""What is prepared of which dataset: which file goes where, and what becomes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..formats.base import Frame
from .conversions import Conversion, Keep, Piece, ShrinkImage, ShrinkMask, StepMap
from .splits import Split

Place = Callable[[Split, str, Frame, Path], Path]  # (split, video, frame, source) -> path below the new root


@dataclass(frozen=True)
class Recipe:
    """How the copy of a dataset is made.

    Attributes:
        dataset: Name of its format, which reads source and copy.
        what: What the copy is, for people.
        image, label: What becomes of images and labels.
        image_place, label_place: Where they go.
        split_files: Whether text files list the videos of a split.
    """

    dataset: str
    what: str
    image: Conversion
    label: Conversion
    image_place: Place
    label_place: Place
    split_files: bool = True

    def pieces(self, splits: list[Split], target: Path) -> Iterator[Piece]:
        """The files of the copy.

        Args:
            splits: Those of the source.
            target: Root of the copy.
        """
        for split in splits:
            for video in split.videos:
                for frame in video.frames:
                    place = self.image_place(split, video.name, frame, frame.image)
                    yield Piece(frame.image, target / place, self.image)
                    if frame.label is not None:
                        source = Path(getattr(frame.label, "path", frame.label))
                        place = self.label_place(split, video.name, frame, source)
                        yield Piece(source, target / place, self._label(source))

    def _label(self, source: Path) -> Conversion:
        """Labels that are prepared already are kept."""
        return Keep() if isinstance(self.label, StepMap) and "_gtFine_" not in source.name else self.label


def _vipseg_image(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("images", video, source.name)


def _vipseg_label(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("panomasks", video, source.name)


def _vspw_image(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("data", video, "origin", source.name)


def _vspw_label(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("data", video, "mask", source.name)


def _cityscapes_image(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("leftImg8bit", split.name, source.parent.name, source.name)


def _cityscapes_label(split: Split, video: str, frame: Frame, source: Path) -> Path:
    return Path("panoptic_maps", split.name, frame.image.parent.name, f"{frame.name}.png")


RECIPES = {
    "vipseg": Recipe(
        "vipseg",
        "VIPSeg at 720p (short side 720)",
        ShrinkImage(720),
        ShrinkMask(720, "grey"),
        _vipseg_image,
        _vipseg_label,
    ),
    "vspw": Recipe(
        "vspw",
        "VSPW at 480p (short side 480)",
        ShrinkImage(480),
        ShrinkMask(480, "P"),
        _vspw_image,
        _vspw_label,
    ),
    "cityscapes-step": Recipe(
        "cityscapes-step",
        "Cityscapes with the labels of Cityscapes-STEP",
        Keep(),
        StepMap(),
        _cityscapes_image,
        _cityscapes_label,
        split_files=False,
    ),
}
