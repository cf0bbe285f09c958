"""Normalising, padding and stacking of clips."""

import copy

import numpy as np
import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor, TrackDataPreprocessor
from mmengine.dataset import pseudo_collate

from tests.video_data import IMAGES_ONLY, build, geometry
from video_knet.models.data_preprocessor import ClipDataPreprocessor

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def batch_of(dataset, *indices) -> dict:
    return pseudo_collate([dataset[index] for index in indices])


def test_a_batch_of_clips_of_different_sizes(world_root):
    data = batch_of(build(world_root, pipeline=geometry(crop=(150, 90)), refs={"num_refs": 2}), 0, 3, 8)
    sizes = [tuple(clip.shape[-2:]) for clip in data["inputs"]]
    assert len(set(sizes)) > 1
    before = copy.deepcopy(data)
    out = ClipDataPreprocessor()(data, training=True)
    height, width = out["inputs"].shape[-2:]
    assert out["inputs"].shape == (3, 3, 3, height, width)
    assert height % 32 == width % 32 == 0
    for clip, sample, ours, (h, w) in zip(data["inputs"], out["data_samples"], out["inputs"], sizes):
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
        torch.testing.assert_close(ours[:, :, :h, :w], (clip[:, [2, 1, 0]].float() - mean) / std)
        assert not ours[:, :, h:].any()  # padded after normalising
        assert not ours[..., w:].any()
        for frame in sample.video_data_samples:
            assert frame.batch_input_shape == (height, width)
            assert frame.gt_instances.masks.masks.shape[1:] == (height, width)
            assert not frame.gt_instances.masks.masks[:, h:].any()
            labels = frame.gt_sem_seg.sem_seg
            assert labels.shape == (1, height, width)
            assert labels.dtype == torch.uint8
            assert (labels[:, h:] == 255).all()
            assert (labels[..., w:] == 255).all()
    for clip, copied in zip(data["data_samples"], before["data_samples"]):  # what the dataset gave is unchanged
        for frame, same in zip(clip.video_data_samples, copied.video_data_samples):
            assert torch.equal(frame.gt_sem_seg.sem_seg, same.gt_sem_seg.sem_seg)
            np.testing.assert_array_equal(frame.gt_instances.masks.masks, same.gt_instances.masks.masks)
            assert "batch_input_shape" not in frame.metainfo


def test_the_host_leaves_semantic_maps_of_clips_unpadded(world_root):
    """The reason for the subclass; when this fails, the host may do."""
    host = TrackDataPreprocessor(mean=MEAN, std=STD, pad_size_divisor=64, pad_mask=True, pad_seg=True)
    out = host(batch_of(build(world_root, refs={}), 0), training=True)
    frame = out["data_samples"][0][0]
    assert frame.gt_sem_seg.sem_seg.shape[-2:] != out["inputs"].shape[-2:]


def test_frames_for_testing_have_no_annotations(world_root):
    dataset = build(world_root, "test", IMAGES_ONLY, test_mode=True)
    out = ClipDataPreprocessor()(batch_of(dataset, 0), training=False)
    assert out["inputs"].shape == (1, 1, 3, 64, 96)
    assert out["data_samples"][0][0].img_shape == (48, 96)


def test_clips_of_different_lengths_are_refused(world_root):
    dataset, single = build(world_root, refs={}), build(world_root)
    with pytest.raises(ValueError, match=r"one length, got \[1, 2\]"):
        ClipDataPreprocessor()(pseudo_collate([dataset[0], single[0]]), training=True)


def test_single_images_go_through_the_hosts_preprocessor(world_root):
    dataset = build(world_root, pipeline=geometry(pack="PackImageInputs"))
    host = DetDataPreprocessor(MEAN, STD, pad_size_divisor=32, pad_mask=True, pad_seg=True, bgr_to_rgb=True)
    out = host(batch_of(dataset, 0, 5), training=True)
    for sample in out["data_samples"]:
        assert sample.gt_sem_seg.sem_seg.shape[-2:] == out["inputs"].shape[-2:]
        assert sample.gt_instances.masks.masks.shape[1:] == out["inputs"].shape[-2:]
