"""Labels through augmentation: masks, ids, crowd, void, and what the frames of a clip share."""

import numpy as np
import pytest
import torch

from tests.video_data import LABELS_ONLY, build, geometry, painted, write_video
from video_knet.datasets.packing import stack_images
from video_knet.datasets.transforms import SegmentMapToMasks, find_present, look_up, number_segments
from video_knet.formats import KittiStep, SegmentMap

CLASSES = KittiStep.classes


def to_masks(segments: SegmentMap) -> dict:
    numbers, labels, ids = number_segments(segments, CLASSES)
    return SegmentMapToMasks()({"gt_seg_map": numbers, "segment_labels": labels, "segment_ids": ids})


def test_crowd_is_no_instance_and_void_is_no_class():
    segments = painted()
    out = to_masks(segments)
    assert sorted(out["gt_bboxes_labels"]) == [0, 1]  # person, car; neither the crowd nor stuff
    car = out["gt_masks"].masks[list(out["gt_bboxes_labels"]).index(1)]
    np.testing.assert_array_equal(car, (segments.semantic == 13) & (segments.track == 1))
    crowd = (segments.semantic == 11) & (segments.track == 0)
    assert (out["gt_seg_map"][crowd] == 0).all()
    assert not out["gt_masks"].masks[:, crowd].any()
    assert (out["gt_seg_map"][segments.semantic == 255] == 255).all()
    assert (out["gt_seg_map"][segments.semantic == 0] == 2).all()  # stuff follows things, in order of ids


def test_the_same_track_in_two_classes_is_two_identities():
    ids = to_masks(painted())["gt_instances_ids"]
    assert len(set(ids)) == 2
    assert (ids > 0).all()


@pytest.mark.parametrize("step", [1, 700_000], ids=["counted", "sorted"])
def test_many_segments_and_large_track_ids(step):
    track = np.arange(300, dtype=np.int32).reshape(15, 20) * step
    out = to_masks(SegmentMap(np.full(track.shape, 13, np.uint8), track))
    assert len(out["gt_masks"]) == 299  # track 0 is crowd
    assert (out["gt_masks"].masks.sum((1, 2)) == 1).all()
    assert (out["gt_seg_map"] == 1).all()
    positions = out["gt_masks"].masks.reshape(299, -1).argmax(1)
    np.testing.assert_array_equal(track.ravel()[positions], out["gt_instances_ids"] & 0xFFFFFFFF)


def test_fast_paths_agree_with_numpy():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 600, (30, 40)).astype(np.uint16)
    numbers[0, 0], numbers[numbers == 77] = 599, 78
    table = rng.integers(0, 256, 600).astype(np.uint8)
    for values in (table, table > 99):
        out = look_up(values, numbers[:, ::2])
        assert out.dtype == values.dtype
        np.testing.assert_array_equal(out, values[numbers[:, ::2]])
    np.testing.assert_array_equal(np.flatnonzero(find_present(numbers, 600)), np.unique(numbers))
    images = rng.integers(0, 256, (2, 9, 7, 3)).astype(np.uint8)
    parts = [images[0, 1:, 2:], np.ascontiguousarray(images[1, 1:, 2:])]  # a crop is not contiguous
    np.testing.assert_array_equal(stack_images(parts).numpy(), images[:, 1:, 2:].transpose(0, 3, 1, 2))
    with pytest.raises(ValueError, match="give all frames of a video one size"):
        stack_images([parts[0], images[0]])


def test_annotated_ids_survive_loading(tmp_path):
    """The host replaces ids by list indices; ours are those of the files, and 0 stays crowd."""
    track = np.repeat(np.array([[0, 7, 65535, 256]], np.int32), 4, 0)
    write_video(tmp_path, [SegmentMap(np.full((4, 4), 13, np.uint8), track)] * 2)
    frame = build(tmp_path, pipeline=LABELS_ONLY)[0]["data_samples"][0]
    assert sorted((frame.gt_instances.instances_ids & 0xFFFFFFFF).tolist()) == [7, 256, 65535]


def test_frames_share_resize_flip_and_crop(tmp_path):
    write_video(tmp_path, [painted(40, 80)] * 5)
    dataset = build(tmp_path, pipeline=geometry(scale=(80, 40), crop=(60, 30)), refs={"num_refs": 2})
    for index in range(5):
        sample = dataset[index]
        frames = sample["data_samples"]
        for reference in (0, 1):
            assert torch.equal(sample["inputs"][reference], sample["inputs"][2])
            assert torch.equal(frames[reference].gt_sem_seg.sem_seg, frames[2].gt_sem_seg.sem_seg)
            ours, key = frames[reference].gt_instances, frames[2].gt_instances
            np.testing.assert_array_equal(ours.masks.masks, key.masks.masks)
            assert torch.equal(ours.instances_ids, key.instances_ids)


def test_labels_stay_on_their_pixels(tmp_path):
    """The painted image repeats the labels, so that flips and crops can be checked pixel by pixel."""
    write_video(tmp_path, [painted(40, 80)] * 2)
    dataset = build(tmp_path, pipeline=geometry(scale=(80, 40), ratio_range=(1.0, 1.0), crop=(31, 17)), repeats=8)
    to_label = torch.from_numpy(CLASSES.id_to_label())
    flips = set()
    for index in range(len(dataset)):
        sample = dataset[index]
        frame = sample["data_samples"][0]
        assert sample["inputs"].shape == (1, 3, 17, 31)
        red = sample["inputs"][0, 2]  # the host loads BGR
        assert torch.equal(to_label[red.long()], frame.gt_sem_seg.sem_seg[0])
        for mask, label, identity in zip(
            frame.gt_instances.masks.masks, frame.gt_instances.labels, frame.gt_instances.instances_ids
        ):
            inside = torch.from_numpy(mask).bool()
            assert inside.any()  # what the crop removed is gone
            assert (to_label[red[inside].long()] == label).all()
            assert (sample["inputs"][0, 1][inside] == identity & 255).all()
        flips.add(frame.flip)
    assert flips == {True, False}


def test_crop_keeps_a_dimension_that_is_already_small(tmp_path):
    write_video(tmp_path, [painted(20, 80)] * 2)
    sample = build(tmp_path, pipeline=geometry(scale=(80, 20), ratio_range=(1.0, 1.0), crop=(40, 30)))[0]
    assert sample["inputs"].shape == (1, 3, 20, 40)


def test_resizing_matches_the_released_rule(tmp_path):
    """int(size * factor + 0.5) with the largest factor that fits both sides."""
    write_video(tmp_path, [painted(375, 1242)] * 2)
    pipeline = geometry(scale=(1248, 384), ratio_range=(0.5, 0.5), crop=(9999, 9999))
    frame = build(tmp_path, pipeline=pipeline)[0]["data_samples"][0]
    factor = min(624 / 1242, 192 / 375)
    assert frame.img_shape == (int(375 * factor + 0.5), int(1242 * factor + 0.5))
    assert frame.gt_sem_seg.sem_seg.shape[-2:] == frame.img_shape


def test_frames_without_things_are_packed(tmp_path):
    empty = SegmentMap(np.zeros((8, 12), np.uint8), np.zeros((8, 12), np.int32))
    write_video(tmp_path, [empty] * 2)
    sample = build(tmp_path, pipeline=geometry(scale=(12, 8), crop=(12, 8)), refs={})[0]
    for frame in sample["data_samples"].video_data_samples:
        instances = frame.gt_instances
        assert len(instances.masks) == len(instances.labels) == len(instances.instances_ids) == 0
        assert instances.labels.dtype == instances.instances_ids.dtype == torch.int64
        assert instances.masks.masks.shape[1:] == sample["inputs"].shape[-2:]


def test_clips_without_a_shared_object_are_refused_on_request(tmp_path):
    alone = painted(40, 80)
    empty = SegmentMap(np.zeros_like(alone.semantic), np.zeros_like(alone.track))
    write_video(tmp_path, [empty, empty, alone, alone])
    pipeline = geometry((80, 40), (1.0, 1.0), (80, 40), extra=[{"type": "RequireSharedInstance"}])
    dataset = build(tmp_path, pipeline=pipeline, refs={"window": (-1, 1)})
    for index in range(4):
        frames = dataset[index]["data_samples"]
        assert {frames[0].frame_id, frames[1].frame_id} == {2, 3}

    write_video(tmp_path / "empty", [empty] * 3)
    with pytest.raises(Exception, match="Cannot find valid image after 5"):
        build(tmp_path / "empty", pipeline=pipeline, refs={}, max_refetch=5)[0]


def test_single_images_for_image_detectors(tmp_path):
    write_video(tmp_path, [painted(40, 80)] * 2)
    sample = build(tmp_path, pipeline=geometry((80, 40), pack="PackImageInputs"))[0]
    assert sample["inputs"].dim() == 3
    assert sample["data_samples"].gt_sem_seg.sem_seg.shape[1:] == sample["inputs"].shape[1:]
    assert len(sample["data_samples"].gt_instances.labels) == len(sample["data_samples"].gt_instances.masks)
    with pytest.raises(ValueError, match="PackImageInputs packs one frame, not 2"):
        build(tmp_path, pipeline=geometry((80, 40), pack="PackImageInputs"), refs={})[0]
