"""The order of labels is that of the released models, and maps in dataset ids are theirs, dataset by dataset.

The released code numbers VIPSeg's classes anew, stuff before things, and the stuff classes of COCO from 1.
"""

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from knet.knet import KNet
from knet.labels import LabelSpace
from knet.segment_merging import PanopticSegments
from knet.targets import frame_truth
from tests.golden.loaders import unit
from video_knet.formats import get_format


def label_space(name: str) -> LabelSpace:
    classes = get_format(name).classes
    return LabelSpace(len(classes.thing_ids), len(classes.stuff_ids), classes.label_ids)


def released_segments(num_things: int) -> PanopticSegments:
    """The segments of `semmap`; the released code counts stuff classes from 1."""
    found = unit("semmap/segments")
    assert [segment["id"] for segment in found] == list(range(1, len(found) + 1))
    things = [segment["isthing"] for segment in found]
    labels = [s["category_id"] + (0 if s["isthing"] else num_things - 1) for s in found]
    nothing = torch.zeros(len(found))
    return PanopticSegments(unit("semmap/pan").long(), torch.tensor(labels), nothing, nothing, torch.tensor(things))


def dataset_map(labels: LabelSpace, segments: PanopticSegments) -> torch.Tensor:
    """(H, W) dataset ids as a model writes them, with the released choice for pixels without a segment."""
    model = KNet.__new__(KNet)
    torch.nn.Module.__init__(model)
    model.dataset_ids = torch.tensor([0, *labels.dataset_ids])  # void_id=0
    return model.panoptic_result(segments, torch.zeros(len(segments.labels), dtype=torch.int64)).semantic


def test_class_map_of_kitti_step():
    labels = label_space("kitti_step")
    assert torch.equal(dataset_map(labels, released_segments(labels.num_things)), unit("semmap/kitti").long())


def test_class_map_of_vipseg():
    classes = get_format("vipseg").classes
    released_ids = torch.empty(124, dtype=torch.int64)  # by dataset id
    released_ids[list(classes.stuff_ids + classes.thing_ids)] = torch.arange(124)
    labels = label_space("vipseg")
    found = released_ids[dataset_map(labels, released_segments(labels.num_things)).long()]
    assert torch.equal(found, unit("semmap/vipseg").long())


@pytest.mark.parametrize(
    ("name", "case"),
    [("kitti_step", "kitti"), ("cityscapes_panoptic", "cityscapes"), ("coco_panoptic", "coco")],
)
def test_stuff_of_a_class_map(name, case):
    classes, ids = get_format(name).classes, unit("sem/in")[0].long()
    lookup = torch.from_numpy(classes.id_to_label()).long()
    if case == "coco":  # there 1 is the first stuff class, and 0 any thing
        stuff = torch.tensor(classes.stuff_ids)
        semantic = torch.where((ids > 0) & (ids <= len(stuff)), lookup[stuff[(ids - 1).clamp(0, len(stuff) - 1)]], 255)
    else:
        semantic = lookup[ids]
    sample = DetDataSample(gt_sem_seg=PixelData(sem_seg=semantic[None]))
    nothing = torch.zeros(0, *semantic.shape, dtype=torch.uint8)
    sample.gt_instances = InstanceData(masks=nothing, labels=torch.zeros(0, dtype=torch.int64))
    truth = frame_truth(sample, tuple(semantic.shape), 1, label_space(name), semantic.device)
    num_things = 2 if case == "kitti" else 8  # of the small case
    wanted = unit(f"sem/{case}/labels") - num_things + len(classes.thing_ids)
    assert truth.stuff_labels.tolist() == wanted.tolist()
    assert torch.equal(truth.stuff_masks.bool(), unit(f"sem/{case}/masks"))
