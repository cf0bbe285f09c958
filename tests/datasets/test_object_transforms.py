"""Overlapping objects through augmentation: masks, ids and crowd, and what the frames of a clip share."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset, YouTubeVISDataset
from mmdet.registry import DATASETS

from video_knet.datasets.object_transforms import LoadObjectMap, ObjectMapToMasks
from video_knet.formats import VOID, CocoInstance, FormatError, SegmentMap
from video_knet.formats.coding.frame_objects import FrameObjects
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.coding.tracks import TrackTruth, VideoEntry, true_track
from video_knet.formats.disk.png import write_png
from video_knet.formats.youtube_vis import YouTubeVIS
from video_knet.formats.youtube_vis.format import NAMES

STYLE = YouTubeVIS()
SIZE = (40, 80)


def painted() -> np.ndarray:
    """(5, H, W) bool: two overlapping objects, one in the corner, one that is not seen, and a crowd below."""
    masks = np.zeros((5, *SIZE), bool)
    masks[0, 5:25, 10:40] = True
    masks[1, 15:35, 30:60] = True
    masks[2, :4, :4] = True
    masks[4, 10:38, 5:70] = True
    return masks


CLASS_IDS = (0, 13, 7, 7, 20)


def write_clip(root: Path, frames: int = 3) -> Path:
    """A video whose images repeat the masks: objects 1, 2, 3 are where blue, green, red are 40."""
    masks = painted()
    video = VideoEntry(1, "clip", SIZE[1], SIZE[0], frames, tuple(f"clip/{t}.png" for t in range(frames)))
    tracks = [
        true_track(video, i + 1, np.stack([mask] * frames), crowd=n == 4, number=n + 1)
        for n, (i, mask) in enumerate(zip(CLASS_IDS, masks))
    ]
    STYLE.write_truth(root / "train.json", TrackTruth({1: video}, dict(enumerate(NAMES[2019], 1)), tuple(tracks)))
    image = np.stack([masks[2], masks[1], masks[0]], -1).astype(np.uint8) * 40
    for name in video.file_names:
        write_png(root / "train" / name, image)
    return root


def build(root: Path, geometry: list[dict], refs: int = 0, pack: str = "PackClipInputs", **kwargs):
    transforms = [
        dict(type="LoadImageFromFile"),
        dict(type="LoadObjectMap"),
        *geometry,
        dict(type="ObjectMapToMasks"),
    ]
    pipeline = [dict(type="TransformBroadcaster", share_random_params=True, transforms=transforms), dict(type=pack)]
    sampler = dict(type="ReferenceSampler", num_refs=refs) if refs else None
    config = dict(type="VideoDataset", format="youtube_vis_2019", data_root=str(root), split="train", **kwargs)
    return DATASETS.build({**config, "pipeline": pipeline, "ref_sampler": sampler})


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_masks_overlap_and_crowd_is_left_out(root):
    frame = build(root, [])[0]["data_samples"][0]
    instances, masks = frame.gt_instances, painted()
    assert instances.labels.tolist() == [0, 13, 7]  # without the one that is not seen, and the crowd
    assert instances.labels.dtype == instances.instances_ids.dtype == torch.int64
    assert (instances.instances_ids & 0xFFFFFFFF).tolist() == [1, 2, 3]
    assert (instances.masks.masks == masks[:3]).all()
    assert (masks[0] & masks[1]).any()
    top = np.select([masks[2], masks[1], masks[0], masks[4]], [7, 13, 0, 20], VOID)
    assert (frame.gt_sem_seg.sem_seg[0].numpy() == top).all()
    assert frame.gt_sem_seg.sem_seg.dtype == torch.uint8


def test_host_agrees_on_labels():
    YouTubeVISDataset.set_dataset_classes("2019")
    assert YouTubeVISDataset.METAINFO["classes"] == NAMES[2019]
    YouTubeVISDataset.set_dataset_classes("2021")
    assert YouTubeVISDataset.METAINFO["classes"] == NAMES[2021]
    assert CocoDataset.METAINFO["classes"] == CocoInstance.classes.names
    assert tuple(CocoDataset.METAINFO["palette"]) == CocoInstance.classes.palette


GEOMETRY = [
    dict(type="RandomResize", scale=(80, 40), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomCrop", crop_size=(60, 30)),
]


def test_frames_share_resize_flip_and_crop(root):
    dataset = build(root, GEOMETRY, refs=2)
    for index in range(len(dataset)):
        sample = dataset[index]
        frames = sample["data_samples"]
        for reference in (0, 1):
            assert torch.equal(sample["inputs"][reference], sample["inputs"][2])
            assert torch.equal(frames[reference].gt_sem_seg.sem_seg, frames[2].gt_sem_seg.sem_seg)
            np.testing.assert_array_equal(
                frames[reference].gt_instances.masks.masks, frames[2].gt_instances.masks.masks
            )
            assert torch.equal(frames[reference].gt_instances.instances_ids, frames[2].gt_instances.instances_ids)


def test_masks_stay_on_their_pixels(root):
    geometry = [dict(type="RandomFlip", prob=0.5), dict(type="RandomCrop", crop_size=(31, 17))]
    dataset = build(root, geometry, repeats=8)
    flips, counts = set(), set()
    for index in range(len(dataset)):
        sample = dataset[index]
        frame = sample["data_samples"][0]
        instances = frame.gt_instances
        for mask, track in zip(instances.masks.masks, instances.instances_ids & 0xFFFFFFFF):
            assert mask.any()  # what the crop removed is gone
            colour = sample["inputs"][0, int(track) - 1]  # objects 1, 2, 3 are blue, green, red; the host loads BGR
            assert torch.equal(torch.from_numpy(mask * 40), colour)
        flips.add(frame.flip)
        counts.add(len(instances.labels))
    assert flips == {True, False}
    assert len(counts) > 1


def test_resizing_a_map_is_resizing_each_mask(root):
    frame = build(root, [dict(type="Resize", scale=(53, 26), keep_ratio=False)])[0]["data_samples"][0]
    for ours, mask in zip(frame.gt_instances.masks.masks, painted()):
        assert (ours == cv2.resize(mask.astype(np.uint8), (53, 26), interpolation=cv2.INTER_NEAREST)).all()


def test_padding_is_no_object(root):
    padding = dict(type="Pad", size=(96, 64), pad_val=dict(img=0, seg=VOID, masks=0))
    frame = build(root, [padding])[0]["data_samples"][0]
    assert frame.gt_instances.masks.masks.shape == (3, 64, 96)
    assert (frame.gt_instances.masks.masks[:, :40, :80] == painted()[:3]).all()
    assert not frame.gt_instances.masks.masks[:, 40:].any()
    assert (frame.gt_sem_seg.sem_seg[0, 40:] == VOID).all()


@pytest.mark.parametrize("count", [0, 70])
def test_any_number_of_objects(count):
    masks = np.random.default_rng(0).random((count, 20, 30)) < 0.5
    texts = tuple(code["counts"] for code in encode_masks(masks)) if count else ()
    label = FrameObjects(Path("a.json"), "frame", (20, 30), (3,) * count, tuple(range(1, count + 1)), texts)
    out = ObjectMapToMasks()(LoadObjectMap()({"label_source": label, "format": "youtube-vis-2019"}))
    assert set(out) == {
        "label_source", "format", "gt_seg_map", "gt_masks", "gt_bboxes_labels", "gt_instances_ids",
    }  # fmt: skip
    assert out["gt_masks"].masks.shape == (count, 20, 30)
    assert out["gt_masks"].masks.dtype == np.uint8
    assert (out["gt_masks"].masks == masks).all()
    assert out["gt_bboxes_labels"].dtype == out["gt_instances_ids"].dtype == np.int64
    assert len(set(out["gt_instances_ids"].tolist()) - {0}) == count


def test_images_without_an_object_are_refused_on_request(tmp_path):
    semantic, track = np.full((16, 16), VOID, np.uint8), np.zeros((16, 16), np.int32)
    filled, numbered = semantic.copy(), track.copy()
    filled[:4], numbered[:4] = 2, 1
    maps = [SegmentMap(semantic, track), SegmentMap(filled, numbered), SegmentMap(filled, track)]  # the last: a crowd
    CocoInstance().write_video(tmp_path, "train", "000000000001", [np.zeros((16, 16, 3), np.uint8)] * 3, maps)
    transforms = [dict(type=t) for t in ("LoadImageFromFile", "LoadObjectMap", "ObjectMapToMasks")]
    config = dict(type="VideoDataset", format="coco_instance", data_root=str(tmp_path), split="train")
    loading = dict(type="TransformBroadcaster", transforms=transforms)
    dataset = DATASETS.build({**config, "pipeline": [loading, dict(type="PackImageInputs")]})
    assert [len(dataset[i]["data_samples"].gt_instances.labels) for i in range(3)] == [0, 1, 0]
    pipeline = [loading, dict(type="RequireInstances"), dict(type="PackImageInputs")]
    dataset = DATASETS.build({**config, "pipeline": pipeline})
    assert {dataset[i]["data_samples"].frame_name for i in range(3)} == {"000000000002"}


def test_what_has_no_objects_is_refused(root):
    load = LoadObjectMap()
    with pytest.raises(ValueError, match=r"a\.jpg has no annotation: .* take LoadObjectMap out"):
        load({"label_source": None, "img_path": "a.jpg", "format": "youtube-vis-2019"})
    with pytest.raises(ValueError, match="objects of kitti-step do not overlap: use LoadSegmentMap"):
        load({"label_source": "a.png", "format": "kitti-step"})
    (video,) = STYLE.videos(root, "train")
    damaged = replace(video.frames[0].label, size=(9, 9))
    with pytest.raises(FormatError, match=r"train\.json: video clip, frame 0, object 0: mask cannot be decoded"):
        load({"label_source": damaged, "format": "youtube-vis-2019"})
