"""The classes of a dataset from the meta information that datasets and checkpoints carry."""

from collections.abc import Mapping
from typing import Any

from video_knet.formats import FORMATS, format_key, get_format
from video_knet.formats.base import ClassTable, FormatError


def classes_from_meta(meta: Mapping[str, Any] | None) -> ClassTable:
    """Classes and colours of a dataset.

    Where the format is a folder with dataset.json, which may have changed or gone since, the classes in the meta
    information itself come first.

    Args:
        meta: `format`, the name of a format or the path of a folder; or `classes`, `palette` and `thing_ids`, indexed
            by dataset id; or both.

    Raises:
        FormatError: It holds neither.
    """
    meta = meta or {}
    complete = {"classes", "palette", "thing_ids"} <= set(meta)
    if "format" in meta and (format_key(meta["format"]) in FORMATS or not complete):
        return get_format(meta["format"]).classes
    if not complete:
        raise FormatError(
            "neither the config (model.labels.format) nor the checkpoint (meta.dataset_meta) says which classes there "
            "are; name a format, e.g. model.labels.format=kitti_step"
        )
    palette = tuple(tuple(int(value) for value in color) for color in meta["palette"])
    return ClassTable(tuple(meta["classes"]), tuple(int(i) for i in meta["thing_ids"]), palette)
