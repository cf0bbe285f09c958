"""Image sets: every image is a video of one frame, and labels are paired with images by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .base import Frame, Video

Place = Callable[[str], Path]


def image_video(name: str, image: Path | None, label: Any = None) -> Video:
    """An image as a video of one frame; both have its name."""
    return Video(name, (Frame(name, image, label),))


def pair_images(
    images: Mapping[str, Path],
    labels: Mapping[str, Any],
    image_place: Place,
    label_place: Place,
    faults: list[str],
) -> list[Video]:
    """The images that have labels, by name.

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
    return [image_video(name, images[name], labels[name]) for name in sorted(images.keys() & labels.keys())]
