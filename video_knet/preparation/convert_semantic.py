"""Images and PNGs of class ids become a dataset of one's own with semantic labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..formats import OwnVideos
from ..formats.base import VOID, FormatError, collect_faults
from ..formats.disk.folders import IMAGES
from ..formats.disk.png import png_size, read_png
from ..formats.own_videos.description import SEMANTIC, Description, write_description
from .new_dataset import Job, new_dataset, place
from .sources import Frames, class_table, frames_of, need_folder, read_names, splits_of


def convert_semantic(
    job: Job, classes: Sequence[str], void: int = VOID, things: Sequence[str] = (), val: Sequence[str] = ()
) -> dict[str, int]:
    """Convert; images and labels are copied or linked as they are, after each label was checked.

    Args:
        job: From where to where. Images and labels lie in a folder for each video, or are the files of one video, which
            gets the name of the dataset.
        classes: Names in the order of the ids, from 0; or the path of a text file with a name on each line.
        void: Value of pixels without annotation, beside 255.
        things: Names of classes that are things. Such labels do not tell objects apart, so this only sorts classes.
        val: Videos of the split val; the others are train. None: no splits.

    Returns:
        Number of videos, frames and labels.

    Raises:
        FormatError: Something is missing, faulty or in the way; all faults of labels are listed.
    """
    names = read_names(classes)
    if unknown := [thing for thing in things if thing not in names]:
        raise FormatError(f"--things: {unknown[0]!r} is no class; there are {', '.join(names)}. Correct the name.")
    if not len(names) <= void <= VOID:
        raise FormatError(f"void is {void}, outside {len(names)}..{VOID}: {len(names)} classes have the ids below it.")
    src = job.src
    image_files = frames_of(need_folder(job.images, (src / "images", src / "frames"), "images"), IMAGES, job.title)
    label_files = frames_of(need_folder(job.labels, (src / "labels", src / "masks"), "labels"), (".png",), job.title)
    if len(image_files) == len(label_files) == 1:  # folders of one video may have two names
        label_files = {next(iter(image_files)): next(iter(label_files.values()))}
    check_partners(image_files, label_files)
    table = class_table(names, map(names.index, things))
    description = Description(job.title, table, SEMANTIC, splits_of(image_files, val), void)
    with new_dataset(job, "semantic") as part:
        write_description(part, description)
        _place_all(part, image_files, label_files, description, job)
        OwnVideos(part).videos(part, "all")
    counts = (len(image_files), sum(map(len, image_files.values())), sum(map(len, label_files.values())))
    return dict(zip(("videos", "frames", "labels"), counts))


def check_partners(images: Frames, labels: Frames) -> None:
    """Every label needs an image; images may lack one.

    Raises:
        FormatError: All labels without image.
    """
    faults = [
        f"{path}: has no image {video}/{stem}. Put the image there, or remove the label."
        for video, files in labels.items()
        for stem, path in files.items()
        if stem not in images.get(video, {})
    ]
    if faults:
        raise FormatError(*faults)


def _place_all(part: Path, images: Frames, labels: Frames, description: Description, job: Job) -> None:
    faults: list[str] = []
    with tqdm(total=sum(map(len, images.values())), unit="frame", desc="semantic", disable=not job.progress) as bar:
        for video, files in images.items():
            for stem, image in files.items():
                label = labels.get(video, {}).get(stem)
                with collect_faults(faults):
                    place(image, part / "frames" / video / f"{stem}{image.suffix.lower()}", job.link)
                    if label is not None:
                        _check_label(label, image, description)
                        place(label, part / "labels" / video / f"{stem}.png", job.link)
                bar.update()
    if faults:
        raise FormatError(*faults)


def _check_label(label: Path, image: Path, description: Description) -> None:
    known = len(description.classes.names)
    values = read_png(label, "P")
    counts = np.bincount(values.ravel(), minlength=256)
    counts[[description.void, VOID]] = 0
    if (wrong := known + np.flatnonzero(counts[known:])).size:
        raise FormatError(
            f"{label}: value {int(wrong[0])} ({int(counts[wrong[0]])} pixels) is outside 0..{known - 1}, and not "
            f"{description.void} (void). Name all classes by --classes, and the value without a class by --void."
        )
    if (size := png_size(image)) != values.shape:
        raise FormatError(
            f"{label}: label is {values.shape[1]}x{values.shape[0]} pixels, but its image {image} is "
            f"{size[1]}x{size[0]}. Restore the original files."
        )
