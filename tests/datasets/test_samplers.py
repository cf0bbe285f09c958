"""Whole videos on each rank, for any number of ranks."""

import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset

from tests.video_data import IMAGES_ONLY, build
from video_knet.datasets import WholeVideoSampler, samplers
from video_knet.datasets.samplers import share_videos


@pytest.mark.parametrize("ranks", [1, 2, 3, 20])
def test_ranks_partition_the_frames(world_root, monkeypatch, ranks):
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    shares = []
    for rank in range(ranks):
        monkeypatch.setattr(samplers, "get_dist_info", lambda rank=rank: (rank, ranks))
        sampler = WholeVideoSampler(dataset, seed=0)
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1])
        assert shares[-1] == sorted(shares[-1])  # frames in order
    assert sorted(index for share in shares for index in share) == list(range(18))
    for video in range(3):
        assert sum(any(video * 6 <= index < video * 6 + 6 for index in share) for share in shares) == 1


def test_ranks_are_balanced_by_frames():
    assert share_videos([1, 9, 5, 5, 8], 3) == [[1], [0, 4], [2, 3]]
    assert share_videos([3, 3], 4) == [[0], [1], [], []]
    kitti_val = [233, 270, 800, 390, 294, 340, 106, 209, 339]
    loads = [sum(kitti_val[video] for video in share) for share in share_videos(kitti_val, 3)]
    assert max(loads) <= 1.08 * sum(kitti_val) / 3


def test_concatenated_datasets(world_root):
    parts = [build(world_root, split, IMAGES_ONLY, test_mode=True) for split in ("train", "val")]
    dataset = ConcatDataset(parts)
    indices = list(WholeVideoSampler(dataset))
    assert indices == list(range(30))
    assert dataset[indices[12]]["data_samples"][0].video_name == "0002"


def test_other_datasets_are_refused(world_root):
    with pytest.raises(TypeError, match="needs VideoDatasets with test_mode=True"):
        WholeVideoSampler(build(world_root, "val", IMAGES_ONLY))
    with pytest.raises(TypeError, match="RepeatDataset"):
        WholeVideoSampler(RepeatDataset(build(world_root, "val", IMAGES_ONLY, test_mode=True), 2))
