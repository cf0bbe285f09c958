"""File names of Cityscapes-VPS: which video and frame they name, and how images and labels are told apart.

`0005_0025_frankfurt_000000_001736_newImg8bit.png` is an image of video 5; its label is `..._final_mask.png`. Of the one
frame in a video that Cityscapes itself labelled, these are `..._leftImg8bit.png` and `..._gtFine_color.png`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from ..base import FormatError, collect_faults
from ..disk.folders import list_stems

STRIDE = 5  # of the 30 frames of a video every fifth is labelled
_VIDEO = re.compile(r"(\d+)_")
_SUFFIXES = (("_newImg8bit", "_final_mask"), ("_leftImg8bit", "_gtFine_color"))


def bare_name(stem: str) -> str:
    """A name without the suffix that tells images from labels."""
    for suffix in (suffix for pair in _SUFFIXES for suffix in pair):
        stem = stem.removesuffix(suffix)
    return stem


def label_name(file: str) -> str:
    """The label's file name from that of its image."""
    for image, label in _SUFFIXES:
        file = file.replace(image, label)
    return Path(file).with_suffix(".png").name


def video_of(name: str) -> str | None:
    """The number that a name starts with; None without one."""
    match = _VIDEO.match(name)
    return match and match[1]


def is_labelled(position: int, length: int) -> bool:
    """Whether the benchmark labels a frame: the fifth, tenth, ...; the last one of a video that is shorter.

    Args:
        position: Of the frame in its video, from 0.
        length: Frames of the video.
    """
    return position % STRIDE == STRIDE - 1 or position == length - 1 < STRIDE - 1


def list_frames(folder: Path, faults: list[str]) -> dict[str, Path]:
    """PNG files of a folder by bare name; files that name no video, or a frame twice, are noted as faults.

    Raises:
        FormatError: The folder is missing or has no PNG file.
    """
    found: dict[str, Path] = {}
    for stem, path in list_stems(folder, (".png",)).items():
        name = bare_name(stem)
        if video_of(name) is None:
            faults.append(f"{path}: does not start with the number of its video. Rename or remove the file.")
        elif name in found:
            faults.append(f"{path}: {found[name].name} is the same frame. Keep one of the two files.")
        else:
            found[name] = path
    return found


def by_video(names: Iterable[str]) -> dict[str, list[str]]:
    """Bare names of each video, both in order."""
    videos: dict[str, list[str]] = {}
    for name in sorted(names):
        videos.setdefault(video_of(name), []).append(name)
    return dict(sorted(videos.items()))


def check_entries(entries: list, key: str, path: Path, faults: list[str]) -> dict[str, dict]:
    """Entries of a json by one of their values, which must differ; what has none or comes twice is a fault."""
    found: dict[str, dict] = {}
    for entry in entries:
        with collect_faults(faults):
            if not isinstance(entry, dict) or key not in entry:
                raise FormatError(f"{path}: {str(entry)[:80]} has no {key!r}. Restore the original json.")
            if str(entry[key]) in found:
                raise FormatError(f"{path}: {key} {entry[key]} is listed twice. Restore the original json.")
            found[str(entry[key])] = entry
    return found
