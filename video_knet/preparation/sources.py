"""What converters read: folders of images and labels, by video and frame."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..formats.base import VOID, ClassTable, FormatError
from ..formats.disk.folders import first_folder, list_stems, subfolders
from ..formats.own_videos.description import distinct_colors
from ..formats.own_videos.splits import natural

Frames = dict[str, dict[str, Path]]  # {video: {stem: file}}, both in natural order


def need_folder(given: Path | None, candidates: Sequence[Path], what: str) -> Path:
    """The folder that was given, else the first candidate that is there.

    Raises:
        FormatError: There is none.
    """
    found = first_folder([given] if given is not None else candidates)
    if found is None:
        tried = ", ".join(map(str, [given] if given is not None else candidates))
        raise FormatError(f"no folder of {what}: looked for {tried}. Name it by --{what}.")
    return found


def frames_of(folder: Path, suffixes: tuple[str, ...], flat_name: str) -> Frames:
    """Files of each subfolder, or where files lie in the folder itself, one video of that name.

    Raises:
        FormatError: There are no such files, files and videos lie side by side, or two files are one frame.
    """
    flat = [path for path in folder.iterdir() if path.suffix.lower() in suffixes and not path.name.startswith(".")]
    videos = subfolders(folder)
    if flat and videos:
        raise FormatError(f"{flat[0]}: lies beside the folder {videos[0].name}. Put each video into its own folder.")
    if flat or not videos:
        return {flat_name: _in_order(list_stems(folder, suffixes))}
    found = {video.name: _in_order(list_stems(video, suffixes)) for video in videos}
    return {name: found[name] for name in sorted(found, key=natural)}


def numbered(frames: Mapping[str, Path]) -> dict[int, Path]:
    """The frames of a video by the number that their name is.

    Raises:
        FormatError: A name is no number, or two are the same one.
    """
    found: dict[int, Path] = {}
    for stem, path in frames.items():
        if not stem.isascii() or not stem.isdigit():
            raise FormatError(f"{path}: the name is no frame number. Name frames by numbers, as 000012.")
        if int(stem) in found:
            raise FormatError(f"{path}: frame {int(stem)} is {found[int(stem)].name}, too. Keep one of them.")
        found[int(stem)] = path
    return found


def read_names(words: Sequence[str]) -> list[str]:
    """Names as given, or where it is the path of a text file, one on each of its lines.

    Raises:
        FormatError: The file cannot be read, or a name is empty or there twice.
    """
    names = list(words)
    if len(words) == 1 and Path(words[0]).is_file():
        try:
            lines = Path(words[0]).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise FormatError(f"{words[0]}: cannot be read as text ({error}). Write a name on each line.") from error
        names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise FormatError(f"{' '.join(words) or 'classes'}: names no class. Name one or more.")
    for name in names:
        if names.count(name) > 1 or not name.strip():
            raise FormatError(f"class name {name!r} is empty or there twice. Give each class its own name.")
    return names


def class_table(names: Sequence[str], things: Iterable[int]) -> ClassTable:
    """Class table with colours of our own.

    Raises:
        FormatError: There are more classes than 8 bits can number.
    """
    if len(names) > VOID:
        raise FormatError(f"{len(names)} classes are more than the {VOID} that 8 bits can number. Merge some.")
    return ClassTable(tuple(names), tuple(sorted(things)), distinct_colors(len(names)), VOID)


def splits_of(videos: Iterable[str], val: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Splits train and val; none where no video is named for val.

    Raises:
        FormatError: A name is no video, or none is left to train on.
    """
    videos = tuple(videos)
    if not val:
        return {}
    if unknown := [name for name in val if name not in videos]:
        raise FormatError(f"--val: {unknown[0]!r} is no video; there are {', '.join(videos[:10])}. Correct the name.")
    train = tuple(name for name in videos if name not in val)
    if not train:
        raise FormatError("--val names every video. Leave one to train on.")
    return {"train": train, "val": tuple(val)}


def _in_order(files: Mapping[str, Path]) -> dict[str, Path]:
    return {stem: files[stem] for stem in sorted(files, key=natural)}
