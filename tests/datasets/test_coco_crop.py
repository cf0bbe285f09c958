"""COCO's augmentation against the released one, which resizes before it crops and again after it."""

from pathlib import Path

import numpy as np
import pytest
from mmdet.registry import TRANSFORMS
from mmengine.config import Config

CONFIG = Config.fromfile(Path(__file__).parents[2] / "configs/_base_/datasets/coco_panoptic.py")
SIZE = (120, 160)


def run(transforms: list[dict], size: tuple[int, int]) -> dict:
    """Crops of a map whose values are the flat positions of its pixels."""
    height, width = size
    rows, columns = np.mgrid[:height, :width].astype(np.uint16)
    results = {"img": np.stack([rows, columns, rows], -1).astype(np.uint8), "gt_seg_map": rows * width + columns}
    for transform in transforms:
        results = TRANSFORMS.build(transform)(results)
    return results


@pytest.mark.parametrize("draws", [(0.0, 0.0), (0.99, 0.99), (0.3, 0.8), (0.6, 0.1)])
@pytest.mark.parametrize("scale", [80, 100, 150])
def test_the_same_draws_show_the_same_part(draws, scale, monkeypatch):
    """Sizes and places are fractions of the image, whichever size it has."""
    *_, crop, resize = CONFIG.crop_and_resize
    assert [crop.type, resize.type] == ["RandomCrop", "RandomChoiceResize"]
    assert len(CONFIG.crop_and_resize) == 2
    resize = {**resize, "scales": [(400, 96)]}
    before = {**resize, "scales": [(4200, scale)]}
    monkeypatch.setattr(np.random, "rand", lambda count: np.array(draws[:count]))
    monkeypatch.setattr(np.random, "randint", lambda low, high=None: int(draws[0] * (high or low)))
    ours, released = run([crop, resize], SIZE), run([before, crop, resize], SIZE)

    assert min(ours["img_shape"]) == min(released["img_shape"]) == 96
    assert np.abs(np.subtract(ours["img_shape"], released["img_shape"])).max() <= 3  # of about 128
    for corner in ((0, 0), (-1, -1), (0, -1), (-1, 0)):
        places = [divmod(int(results["gt_seg_map"][corner]), SIZE[1]) for results in (ours, released)]
        assert np.abs(np.subtract(*places)).max() <= 2  # pixels of the image; rounding of three steps
    middle = (48, min(ours["img_shape"][1], released["img_shape"][1]) // 2)
    for results in (ours, released):  # image and labels show the same place
        row, column = divmod(int(results["gt_seg_map"][middle]), SIZE[1])
        assert np.abs(results["img"][middle][:2].astype(int) - (row, column)).max() <= 2
