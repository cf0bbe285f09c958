"""Checks of a dataset's files before training starts; the faults come as one `FormatError` that names the files."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mmengine.dist import get_dist_info
from mmengine.logging import print_log

from video_knet.formats import DatasetFormat
from video_knet.formats.base import MAX_LISTED, FormatError, Frame, Video, collect_faults
from video_knet.formats.disk.images import check_complete, check_upright
from video_knet.formats.disk.png import png_size

Item = TypeVar("Item")


def check_videos(videos: list[Video], data_format: DatasetFormat) -> None:
    """Checks presence, completeness and size of all files from their first and last bytes; processes share the videos.

    Args:
        videos: The videos of a split.
        data_format: Their format.

    Raises:
        FormatError: Files are missing, cut off or to be turned on loading, annotations differ from their image in size,
            or the frames of a video from each other.
    """

    def check(video: Video, faults: list[str]) -> None:
        first = None
        for frame in video.frames:
            with collect_faults(faults):
                _check_name(frame.image)
                size = png_size(frame.image)
                first = first or (size, frame)
                data_format.check_image_sizes([Video(video.name, (frame,))])
                check_complete(frame.image)
                check_upright(frame.image)
                _check_alike(size, frame, *first)

    _run_in_threads(check, _share(videos))


def check_labels(videos: list[Video], data_format: DatasetFormat) -> None:
    """Decodes the annotations and so checks their values; processes share them.

    Args:
        videos: The videos of a split.
        data_format: Their format.

    Raises:
        FormatError: Annotations are damaged or hold values that the format does not allow.
    """
    frames = _share([frame for video in videos for frame in video.frames if frame.label is not None])
    if frames:
        print_log(f"Checking {len(frames)} annotations (check_labels=False skips this)", "current")

    def check(frame: Frame, faults: list[str]) -> None:
        with collect_faults(faults):
            data_format.read_objects(frame.label) if data_format.overlapping else data_format.read(frame.label)

    _run_in_threads(check, frames)


def _share(items: list[Item]) -> list[Item]:
    """What this process checks; a process that finds a fault ends, and its launcher ends the others."""
    rank, num_ranks = get_dist_info()
    return items[rank::num_ranks]


def _check_name(path: Path) -> None:
    """Names go into logs and json files."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise FormatError(f"{path}: the name is not UTF-8. Rename the file.") from None


def _check_alike(size: tuple[int, int], frame: Frame, wanted: tuple[int, int], first: Frame) -> None:
    if size != wanted:
        raise FormatError(
            f"{frame.image}: image is {size[1]}x{size[0]} pixels, but {first.image} of the same video is "
            f"{wanted[1]}x{wanted[0]}. Restore the original files; resizing is the training pipeline's task."
        )


def _run_in_threads(check: Callable[[Item, list[str]], None], items: Sequence[Item]) -> None:
    """Runs a check on all items; it ends when more faults are found than a message lists."""
    found: list[tuple[int, list[str]]] = []
    enough = threading.Event()

    def run(index: int) -> None:
        if enough.is_set():
            return
        faults: list[str] = []
        check(items[index], faults)
        if faults:
            found.append((index, faults))
            if sum(len(faults) for _, faults in found) > MAX_LISTED:
                enough.set()

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(run, range(len(items))):
            pass
    faults = list(dict.fromkeys(fault for _, faults in sorted(found) for fault in faults))
    if len(faults) > MAX_LISTED:
        faults[MAX_LISTED - 1 :] = ["... and more; tools/check_dataset.py lists all of them."]
    if faults:
        raise FormatError(*faults)
