"""The names of a model's classes in the order of its labels, from its config or from a checkpoint."""

from collections.abc import Mapping
from typing import Any

from knet.class_rows import plain_name
from video_knet.apis.dataset_meta import classes_from_meta
from video_knet.formats import get_format, is_format
from video_knet.formats.base import ClassTable, FormatError

# What released models were trained for, by type and number of classes. Their label order is that of our formats.
RELEASED_FORMATS = {
    ("KNet", 19): "cityscapes_step",
    ("KNet", 80): "coco_instance",
    ("KNet", 133): "coco_panoptic",
    ("VideoKNet", 19): "kitti_step",
    ("VideoKNet", 124): "vipseg",
    ("ClipKNet", 40): "youtube_vis_2019",
}


def label_names(classes: ClassTable) -> tuple[str, ...]:
    """Names in the order of labels: things first, then stuff."""
    return tuple(classes.names[i] for i in classes.label_ids)


def config_class_names(model: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names of the classes of a model's config; None where its labels name no format that is there."""
    name = (model.get("labels") or {}).get("format")
    return label_names(get_format(name).classes) if isinstance(name, str) and is_format(name) else None


def checkpoint_class_names(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names of the classes of a checkpoint, in the order of its rows.

    Args:
        checkpoint: As `read_checkpoint` returns it.

    Returns:
        What its meta information says; of a released file, what models of its kind were trained for; else None.
    """
    meta = checkpoint_meta(checkpoint).get("dataset_meta")
    if isinstance(meta, Mapping):
        try:
            return label_names(classes_from_meta(meta))
        except (FormatError, IndexError, TypeError, ValueError):  # of another origin
            return None
    name = released_format(checkpoint)
    return None if name is None else label_names(get_format(name).classes)


def released_format(checkpoint: Mapping[str, Any]) -> str | None:
    """The format that a released file was trained for; None where it is not one, or names other classes."""
    if (converted := checkpoint.get("released")) is None:
        return None
    name = RELEASED_FORMATS.get((converted.parts["type"], converted.parts["num_classes"]))
    said = checkpoint_meta(checkpoint).get("CLASSES")
    if name is not None and isinstance(said, (list, tuple)) and len(said) == converted.parts["num_classes"]:
        known = {plain_name(known) for known in get_format(name).classes.names}
        if {plain_name(str(other)) for other in said} != known:
            return None
    return name


def checkpoint_meta(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The meta information of a checkpoint, empty where there is none."""
    meta = checkpoint.get("meta")
    return meta if isinstance(meta, Mapping) else {}
