"""Clips of a video dataset: order, reference frames, reproducible draws, and errors before training."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch.utils.data import DataLoader

from tests.video_data import IMAGES_ONLY, LABELS_ONLY, STYLE, build, geometry, painted, write_video, write_world
from video_knet.datasets import CompleteWindowSampler, ReferenceSampler, ReleasedReferenceSampler, checks
from video_knet.formats import FormatError, Frame, Video, Vspw


def positions(sample: dict) -> list[int]:
    return [frame.frame_id for frame in sample["data_samples"].video_data_samples]


def digest(sample: dict) -> tuple:
    frames = sample["data_samples"].video_data_samples
    return tuple(positions(sample)), sample["inputs"].sum().item(), tuple(f.gt_sem_seg.sem_seg.sum() for f in frames)


def test_test_mode_gives_single_frames_in_order(world_root):
    dataset = build(world_root, "val", IMAGES_ONLY, test_mode=True)
    assert len(dataset) == 18
    assert dataset.video_lengths == [6, 6, 6]
    frames = [dataset[index]["data_samples"][0] for index in range(len(dataset))]
    assert [(f.video_id, f.frame_id) for f in frames] == [(v, t) for v in range(3) for t in range(6)]
    first = frames[0]  # a sequence may start at any number
    assert (first.video_name, first.frame_name, first.frame_id, first.video_length) == ("0002", "000078", 0, 6)
    assert first.label_source.endswith("panoptic_maps/val/0002/000078.png")
    assert (first.ori_shape, first.scale_factor, first.flip) == ((48, 96), (1.0, 1.0), False)


def test_the_test_split_has_no_labels(world_root):
    dataset = build(world_root, "test", IMAGES_ONLY, test_mode=True)
    assert dataset[0]["data_samples"][0].label_source is None
    with pytest.raises(ValueError, match="has no annotation"):
        build(world_root, "test", LABELS_ONLY, test_mode=True)[0]


def test_several_splits_follow_each_other(world_root):
    dataset = build(world_root, ["train", "val"], IMAGES_ONLY)
    assert len(dataset) == 5 * 6
    assert dataset[12]["data_samples"][0].video_name == "0002"


def test_class_facts_come_from_the_format(world_root):
    metainfo = build(world_root).metainfo
    assert metainfo["format"] == "kitti-step"
    assert metainfo["thing_ids"] == (11, 13)
    assert [metainfo["classes"][i] for i in metainfo["label_ids"][:3]] == ["person", "car", "road"]
    assert len(metainfo["palette"]) == 19


def test_references_come_first_and_lie_in_the_window(world_root):
    dataset = build(world_root, refs={"window": (-2, 2)}, repeats=20)
    offsets = Counter()
    for index in range(len(dataset)):
        sample = dataset[index]
        reference, key = sample["data_samples"].video_data_samples
        assert key.img_id == index % 12
        assert reference.video_id == key.video_id
        offsets[reference.frame_id - key.frame_id] += 1
        assert sample["data_samples"].key_frames_inds == [1]
        assert sample["data_samples"].ref_frames_inds == [0]
    assert set(offsets) == {-2, -1, 1, 2}


def test_offsets_are_uniform_where_all_exist():
    random.seed(0)
    sampler = ReferenceSampler(window=(-2, 2))
    counts = Counter(sampler.draw(0, 5, 11)[0] for _ in range(4000))
    assert set(counts) == {3, 4, 6, 7}
    assert all(abs(count - 1000) < 120 for count in counts.values())


def test_reference_windows_at_the_ends_of_a_video():
    sampler = ReferenceSampler(window=(-2, 2))
    assert sampler.candidates(0, 6) == [1, 2]
    assert sampler.setup([3, 1]) == [(0, 0), (0, 1), (0, 2)]  # a frame alone is no key frame
    past = ReferenceSampler(window=(-2, -1), num_refs=2)
    assert past.setup([4]) == [(0, 1), (0, 2), (0, 3)]
    assert past.draw(0, 3, 4) == [1, 2]
    assert past.draw(0, 1, 4) == [0, 0]  # fewer frames than references
    with pytest.raises(ValueError, match="leave nothing to draw"):
        ReferenceSampler(window=(0, 0))


def test_key_frames_with_a_complete_window():
    sampler = CompleteWindowSampler(window=(-2, 1), num_refs=3)
    assert sampler.setup([5, 3, 4]) == [(0, 2), (0, 3), (2, 2)]
    assert sampler.draw(0, 2, 5) == [0, 1, 3]


def test_the_released_sampler_draws_once_and_drops_key_frames():
    sampler = ReleasedReferenceSampler(window=(-2, 2), seed=1)
    keys = sampler.setup([50, 50])
    assert 50 < len(keys) < 100
    draws = {key: sampler.draw(*key, 50) for key in keys}
    assert draws == {key: sampler.draw(*key, 50) for key in keys}
    assert keys == ReleasedReferenceSampler(window=(-2, 2), seed=1).setup([50, 50])
    assert all(0 <= reference[0] < 50 for reference in draws.values())


def test_samples_depend_on_seed_epoch_and_index_alone(world_root):
    dataset, again = build(world_root, refs={}), build(world_root, refs={})
    runs = {}
    for seed, epoch in [(0, 0), (0, 1), (1, 0)]:
        dataset.set_epoch(epoch, seed)
        runs[seed, epoch] = [digest(dataset[index]) for index in range(12)]
        again.set_epoch(epoch, seed)
        random.seed(99)
        assert [digest(again[index]) for index in reversed(range(12))] == runs[seed, epoch][::-1]
    assert len({tuple(run) for run in runs.values()}) == 3
    assert [run[0] for run in runs[0, 0]] != [run[0] for run in runs[0, 1]]  # references too are drawn anew


def test_drawing_leaves_the_global_generators_alone(world_root):
    dataset = build(world_root, refs={})
    random.seed(5), np.random.seed(5), torch.manual_seed(5)  # noqa: NPY002
    expected = random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002
    random.seed(5), np.random.seed(5), torch.manual_seed(5)  # noqa: NPY002
    dataset[0]
    assert (random.random(), np.random.rand(), torch.rand(()).item()) == expected  # noqa: NPY002


def test_repeats_draw_anew(world_root):
    dataset = build(world_root, refs={}, repeats=3)
    assert len(dataset) == 36
    assert len({digest(dataset[index]) for index in (4, 16, 28)}) > 1


def test_workers_give_the_same_samples_and_see_each_epoch(world_root):
    dataset = build(world_root, refs={})
    loader = DataLoader(dataset, num_workers=2, collate_fn=pseudo_collate, persistent_workers=True)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        loaded = [(tuple(positions({"data_samples": b["data_samples"][0]})), b["inputs"][0].sum()) for b in loader]
        assert loaded == [digest(dataset[index])[:2] for index in range(12)]


@pytest.fixture
def root(tmp_path):
    return write_world(tmp_path, {"train": 1}, frames=3, start=0)


def label(root, frame=1):
    return root / f"panoptic_maps/train/0000/{frame:06d}.png"


def image(root, frame=1):
    return root / f"training/image_02/0000/{frame:06d}.png"


def damage_missing_image(root):
    image(root).unlink()
    return image(root)


def damage_missing_label(root):
    label(root).unlink()
    return label(root)


def damage_label_size(root):
    STYLE.write(label(root), painted(20, 30))
    return label(root)


def damage_class_value(root):
    segments = STYLE.read(label(root))
    coded = STYLE.encode(segments)
    coded[0, 0, 0] = 77
    from PIL import Image

    Image.fromarray(coded).save(label(root))
    return label(root)


def damage_frame_size(root):
    write_video(root, [painted(48, 96)] * 3)
    larger = root / "larger"
    write_video(larger, [painted(50, 96)] * 3)
    label(root).write_bytes(label(larger).read_bytes())
    image(root).write_bytes(image(larger).read_bytes())
    return image(root)


def damage_cut_off_image(root):
    image(root).write_bytes(image(root).read_bytes()[:-200])
    return image(root)


def damage_cut_off_label(root):
    label(root).write_bytes(label(root).read_bytes()[:-60])
    return label(root)


@pytest.mark.parametrize("damage", [value for name, value in sorted(globals().items()) if name.startswith("damage_")])
def test_damaged_data_is_an_error_at_the_start(root, damage):
    path = damage(root)
    with pytest.raises(FormatError) as error:
        build(root)
    assert str(path) in str(error.value)
    assert len(str(error.value).split(". ")) > 1 or ";" in str(error.value)  # says what to do


def test_all_faults_are_named_at_once(root):
    damaged = [damage_class_value(root), label(root, 2)]
    STYLE.write(label(root, 2), painted(20, 30))
    image(root, 0).write_bytes(image(root, 0).read_bytes()[:-200])
    with pytest.raises(FormatError) as error:
        build(root)
    assert [str(path) in str(error.value) for path in (image(root, 0), *damaged)] == [True, False, True]
    image(root, 0).unlink(), image(root, 2).unlink()
    with pytest.raises(FormatError) as error:
        build(root)
    assert str(image(root, 0)) in str(error.value)
    assert str(image(root, 2)) in str(error.value)


def test_a_long_list_of_faults_is_cut(tmp_path):
    write_world(tmp_path, {"train": 1}, frames=30, start=0)
    for frame in range(30):
        STYLE.write(label(tmp_path, frame), painted(20, 30))
    with pytest.raises(FormatError) as error:
        build(tmp_path)
    assert len(error.value.faults) == 20
    assert "tools/check_dataset.py" in error.value.faults[-1]


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_cut_off_jpeg_is_an_error_at_the_start(tmp_path, kept):
    style = Vspw()
    images, maps = [np.full((48, 96, 3), 90, np.uint8)] * 2, [painted(48, 96)] * 2
    style.write_video(tmp_path, "train", "a", images, maps)
    path = tmp_path / "data/a/origin/00000001.jpg"
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(200))  # data after the end mark are no fault
    assert len(build(tmp_path, format="vspw")) == 2
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FormatError, match=str(path)):
        build(tmp_path, format="vspw")


def test_a_jpeg_that_would_be_turned_is_an_error_at_the_start(tmp_path):
    style = Vspw()
    images, maps = [np.full((48, 96, 3), 90, np.uint8)] * 2, [painted(48, 96)] * 2
    style.write_video(tmp_path, "train", "a", images, maps)
    path = tmp_path / "data/a/origin/00000001.jpg"
    exif = Image.Exif()
    for orientation in (1, 3):  # upright, upside down
        exif[0x0112] = orientation
        Image.fromarray(images[0]).save(path, exif=exif)
        if orientation == 1:
            assert len(build(tmp_path, format="vspw")) == 2
    with pytest.raises(FormatError, match=f"{path}: its EXIF orientation is 3"):
        build(tmp_path, format="vspw")
    Image.fromarray(images[0]).save(path, exif=b"Exif\0\0broken")
    assert len(build(tmp_path, format="vspw")) == 2


def test_value_checks_can_be_left_to_training(root):
    path = damage_class_value(root)
    dataset = build(root, pipeline=geometry(), check_labels=False)
    with pytest.raises(FormatError, match=str(path)):
        dataset[1]


def test_processes_share_the_checks(monkeypatch):
    """Whoever finds a fault ends, and the launcher ends the others."""
    first, second = (Video(name, (Frame("0", Path(f"/nowhere/{name}.png")),)) for name in "ab")
    for rank, own in enumerate("ab"):
        monkeypatch.setattr(checks, "get_dist_info", lambda rank=rank: (rank, 2))
        with pytest.raises(FormatError, match=f"/nowhere/{own}.png") as error:
            checks.check_videos([first, second], Vspw())
        assert len(error.value.faults) == 1


def test_references_are_refused_in_test_mode(root):
    with pytest.raises(ValueError, match="test_mode gives single frames"):
        build(root, refs={}, test_mode=True)


def test_videos_of_one_frame_cannot_make_clips(tmp_path):
    write_video(tmp_path, [painted()])
    with pytest.raises(FormatError, match="no frame has another frame in the window"):
        build(tmp_path, refs={})
    assert len(build(tmp_path)) == 1
