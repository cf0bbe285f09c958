"""The shipped pipeline on real KITTI-STEP frames."""

import copy
from pathlib import Path

import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from video_knet.models.data_preprocessor import ClipDataPreprocessor

CONFIG = Path(__file__).parents[2] / "configs/_base_/datasets/kitti_step.py"


def test_training_clips(real_kitti_step, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(real_kitti_step))
    dataset = DATASETS.build(copy.deepcopy(Config.fromfile(CONFIG).train_dataloader.dataset))
    assert dataset.video_lengths == [11, 10]
    for index in range(0, 21, 5):
        out = ClipDataPreprocessor()(pseudo_collate([dataset[index]]), training=True)
        height, width = out["inputs"].shape[-2:]
        assert height <= 384
        assert width <= 1248
        for frame in out["data_samples"][0].video_data_samples:
            labels = frame.gt_sem_seg.sem_seg[0]
            assert set(labels.unique().tolist()) <= {*range(19), 255}
            for mask, label in zip(frame.gt_instances.masks.masks, frame.gt_instances.labels):
                assert (labels[torch.from_numpy(mask).bool()] == label).all()


def test_validation_starts_at_the_first_labelled_frame(real_kitti_step, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(real_kitti_step))
    dataset = DATASETS.build(copy.deepcopy(Config.fromfile(CONFIG).val_dataloader.dataset))
    frame = dataset[0]["data_samples"][0]
    assert (frame.video_name, frame.frame_name, frame.frame_id) == ("0002", "000078", 0)
    assert frame.ori_shape == frame.img_shape == (375, 1242)
