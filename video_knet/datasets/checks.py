"""Checks of a dataset's files before training starts; each fault is a `FormatError` that names the file."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mmengine.dist import get_dist_info
from mmengine.logging import print_log

from video_knet.formats import DatasetFormat
from video_knet.formats.base import FormatError, Frame, Video
from video_knet.formats.png import png_size


def check_videos(videos: list[Video], data_format: DatasetFormat) -> None:
    """Checks presence, completeness and size of all files from their first and last bytes.

    Args:
        videos: The videos of a split.
        data_format: Their format.

    Raises:
        FormatError: A file is missing or cut off, an annotation differs from its image in size, or the frames of a
            video from each other.
    """

    def check(video: Video) -> None:
        data_format.check_image_sizes([video])
        _check_frames_alike(video)

    _run_in_threads(check, videos)


def check_labels(videos: list[Video], data_format: DatasetFormat) -> None:
    """Decodes the annotations and so checks their values; each process takes its share.

    Args:
        videos: The videos of a split.
        data_format: Their format.

    Raises:
        FormatError: An annotation is damaged or holds values that the format does not allow.
    """
    rank, num_ranks = get_dist_info()
    frames = [frame for video in videos for frame in video.frames if frame.label is not None][rank::num_ranks]
    if frames:
        print_log(f"Checking {len(frames)} annotations (check_labels=False skips this)", "current")

    def check(frame: Frame) -> None:
        data_format.read(frame.label)

    _run_in_threads(check, frames)


def _check_frames_alike(video: Video) -> None:
    first = png_size(video.frames[0].image)
    for frame in video.frames:
        size = png_size(frame.image)
        if size != first:
            raise FormatError(
                f"{frame.image}: image is {size[1]}x{size[0]} pixels, but {video.frames[0].image} of the same video is "
                f"{first[1]}x{first[0]}. Restore the original files; resizing is the training pipeline's task."
            )
        _check_complete(frame.image)


def _check_complete(path: Path) -> None:
    """A PNG that was cut off lacks its end mark; OpenCV would decode it in part without a word."""
    if path.suffix != ".png":
        return
    with open(path, "rb") as file:
        file.seek(-min(64, os.path.getsize(path)), os.SEEK_END)
        if b"IEND" not in file.read():
            raise FormatError(f"{path}: the file is cut off (no end mark). Copy or download the file again.")


def _run_in_threads(check: Callable, items: Iterable) -> None:
    """Runs a check on all items; the first fault ends it."""
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        for _ in pool.map(check, items):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
