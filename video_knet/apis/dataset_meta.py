"""The classes of a dataset from the meta information that datasets and checkpoints carry."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import ConfigDict

from knet.checkpoint import read_checkpoint
from video_knet.formats import FORMATS, format_key, get_format, is_format
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
    name = meta.get("format")
    if isinstance(name, str) and (format_key(name) in FORMATS or not complete):
        return get_format(name).classes
    if not complete:
        raise FormatError(
            "neither the config (model.labels.format) nor the checkpoint (meta.dataset_meta) says which classes there "
            "are; name a format, e.g. model.labels.format=kitti_step"
        )
    palette = tuple(tuple(int(value) for value in color) for color in meta["palette"])
    return ClassTable(tuple(meta["classes"]), tuple(int(i) for i in meta["thing_ids"]), palette)


def with_known_labels(model: ConfigDict, checkpoint: str | Path) -> ConfigDict:
    """A model's config whose labels do not need the dataset: what the checkpoint says where its folder is gone.

    Args:
        model: Config of a model; stays as it is.
        checkpoint: A file that the model's weights are in.
    """
    labels = model.get("labels", {})
    if "format" not in labels or is_format(labels["format"]):
        return model
    meta = (read_checkpoint(checkpoint).get("meta") or {}).get("dataset_meta") or {}
    if not {"thing_ids", "label_ids"} <= set(meta):
        return model  # building it says what is missing
    things, ids = len(meta["thing_ids"]), tuple(int(i) for i in meta["label_ids"])
    known = dict(type="LabelSpace", num_things=things, num_stuff=len(ids) - things, ids=ids)
    return ConfigDict({**model, "labels": known})
