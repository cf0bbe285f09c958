"""Where the labels and predictions of KITTI-STEP lie, recognised by name.

official              SEQ/FRAME.png
released code, truth  SSSSSS_FFFFFF_panoptic.png, all in one folder (`video_sequence/val`)
released code, output S/SSSSSS_FFFFFF_{cat,ins}.png (`panoptic`)
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..base import FormatError, collect_faults
from ..disk.png import list_png

LabelFiles = dict[str, dict[str, tuple[Path, ...]]]

_SUBFOLDERS = ("panoptic_maps/val", "video_sequence/val", "panoptic")
_NAMINGS = {
    "official": re.compile(r"(?P<video>\d{4})/(?P<frame>\d{6})\.png"),
    "released truth": re.compile(r"(?P<video>\d{6})_(?P<frame>\d{6})_panoptic\.png"),
    "released prediction": re.compile(r"\d+/(?P<video>\d{6})_(?P<frame>\d{6})_(?P<part>cat|ins)\.png"),
}
_RELEASED_IMAGE = re.compile(r"\d{6}_\d{6}_leftImg8bit\.png")  # lies beside the released code's truth
_EXPECTED = "SEQ/FRAME.png (4 and 6 digits), SSSSSS_FFFFFF_panoptic.png, or S/SSSSSS_FFFFFF_{cat,ins}.png"


def find_label_files(root: Path) -> LabelFiles:
    """Files of each frame of each video below a folder of truth or predictions.

    `root` may also be the folder above (`panoptic_maps/val`, `video_sequence/val` or `panoptic` is looked for in it).

    Returns:
        {video: {frame: files}} in order of the numbers, named as in the official layout. One file a frame, or
        the pair (class file, track file).

    Raises:
        FormatError: The folder is missing or empty, namings are mixed, or one file of a pair is missing.
    """
    if not root.is_dir():
        raise FormatError(f"{root}: no such folder. Give the folder that holds {_EXPECTED}.")
    folder = next((root / name for name in _SUBFOLDERS if (root / name).is_dir()), root)
    found: dict[str, dict[str, dict[str, Path]]] = {}
    naming, faults = None, []
    for path in _png_files(folder):
        if _RELEASED_IMAGE.fullmatch(path.name):
            continue
        with collect_faults(faults):
            name, match = _match(path.relative_to(folder).as_posix(), path)
            if naming not in (None, name):
                raise FormatError(f"{path}: {name} naming in a folder of {naming} naming. Keep one of them only.")
            naming = name
            video, part = f"{int(match['video']):04d}", match.groupdict().get("part", "map")
            found.setdefault(video, {}).setdefault(match["frame"], {})[part] = path
    if not found and not faults:
        raise FormatError(f"{folder}: holds no PNG file. Give the folder that holds {_EXPECTED}.")
    files: LabelFiles = {}
    for video, frames in sorted(found.items()):
        files[video] = {}
        for frame, parts in sorted(frames.items()):
            files[video][frame] = ()  # of a frame that cannot be read
            with collect_faults(faults):
                files[video][frame] = _parts(parts)
    if faults:
        raise FormatError(*faults, partial=files)
    return files


def _png_files(folder: Path) -> Iterator[Path]:
    yield from list_png(folder)
    for child in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        yield from list_png(child)


def _match(relative: str, path: Path) -> tuple[str, re.Match]:
    for name, pattern in _NAMINGS.items():
        if match := pattern.fullmatch(relative):
            return name, match
    raise FormatError(f"{path}: not named {_EXPECTED}. Rename or remove the file, or give another folder.")


def _parts(parts: dict[str, Path]) -> tuple[Path, ...]:
    if "map" in parts:
        return (parts["map"],)
    if len(parts) < 2:
        (part, path), other = next(iter(parts.items())), "ins" if "cat" in parts else "cat"
        raise FormatError(f"{path}: has no partner {path.name.replace(part + '.png', other + '.png')}. Write both.")
    return parts["cat"], parts["ins"]
