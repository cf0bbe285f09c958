"""Label spaces read from a dataset's format, so that class counts and ids are said in one place."""

from mmdet.registry import TASK_UTILS

from knet.labels import LabelSpace
from video_knet.formats import get_format


@TASK_UTILS.register_module(name="FormatLabels")
def format_labels(format: str) -> LabelSpace:
    """The label space of a dataset.

    Args:
        format: Name of a format, as `kitti_step`.
    """
    classes = get_format(format).classes
    return LabelSpace(len(classes.thing_ids), len(classes.stuff_ids), classes.label_ids)
