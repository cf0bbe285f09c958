"""Images and labels are paired by name; in an image set every image is a video of one frame."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..base import Frame, Video

Place = Callable[[str], Path]


def image_video(name: str, image: Path | None, label: Any = None) -> Video:
    """An image as a video of one frame; both have its name."""
    return Video(name, (Frame(name, image, label),))


def pair_names(
    images: Mapping[str, Path],
    labels: Mapping[str, Any],
    image_place: Place,
    label_place: Place,
    faults: list[str],
) -> list[str]:
    """Names that have both an image and a label, in the order of the images.

    Args:
        images: Image files by name.
        labels: What the labels are read from, by name.
        image_place: Where an image should be; for messages.
        label_place: Where a label should be; for messages.
        faults: Those of images without label and of labels without image are added.
    """
    for name in sorted(images.keys() - labels.keys()):
        faults.append(
            f"{label_place(name)}: no such file, but {images[name]} is its image. Download the labels again, or move "
            "images that are not to be used elsewhere."
        )
    for name in sorted(labels.keys() - images.keys()):
        faults.append(
            f"{image_place(name)}: no such file, but {label_place(name)} is its label. Download the images again."
        )
    return [name for name in images if name in labels]


def pair_images(
    images: Mapping[str, Path],
    labels: Mapping[str, Any],
    image_place: Place,
    label_place: Place,
    faults: list[str],
) -> list[Video]:
    """The images of an image set that have labels, by name; arguments as for `pair_names`."""
    names = sorted(pair_names(images, labels, image_place, label_place, faults))
    return [image_video(name, images[name], labels[name]) for name in names]
