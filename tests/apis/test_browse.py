"""What the browser shows is what training feeds: labels, colours, counts, and files."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from tools import browse_dataset as tool
from video_knet.apis.browse import browse, choose, file_stem
from video_knet.apis.browse_drawing import BACKGROUND, MAX_SHEET, ContactSheet, caption, draw_frame, draw_sample
from video_knet.apis.browse_samples import SampleFrame, describe_frame, split_sample
from video_knet.formats import VOID, SegmentMap, get_format
from video_knet.synthetic import World, write_world

KITTI = get_format("kitti-step")
ROAD, SKY, PERSON, CAR = 0, 10, 11, 13
PERSON_1, CAR_1 = 1 << 32 | 1, 2 << 32 | 1  # identities: label from 1, track id


def config(root: Path, split: str = "train", style: str = "kitti_step", **dataset) -> Config:
    """A config with the loader of a dataset; `load` and `pack` name the transforms."""
    load = {"coco_instance": ("LoadObjectMap", "ObjectMapToMasks")}.get(style, ("LoadSegmentMap", "SegmentMapToMasks"))
    pack = dataset.pop("pack", "PackClipInputs")
    transforms = [dict(type="LoadImageFromFile"), dict(type=load[0])]
    transforms += [dict(type="RandomFlip", prob=0.5), dict(type=load[1])]
    extra = dataset.pop("extra", [])
    pipeline = [dict(type="TransformBroadcaster", share_random_params=True, transforms=transforms), *extra]
    settings = dict(type="VideoDataset", format=style, data_root=str(root), split=split)
    settings["pipeline"] = [*pipeline, dict(type=pack)]
    if pack == "PackClipInputs":
        settings["ref_sampler"] = dict(type="ReferenceSampler", window=(-1, 1))
    return Config(dict(train_dataloader=dict(dataset={**settings, **dataset}), default_scope="mmdet"))


def painted(shift: int = 0) -> SegmentMap:
    """Sky over road, a person and a car of track 1 each, a crowd of persons, and void: 40 x 60 pixels."""
    semantic, track = np.full((40, 60), SKY, np.uint8), np.zeros((40, 60), np.int32)
    semantic[20:] = ROAD
    semantic[5:30, 2 + shift : 12 + shift], track[5:30, 2 + shift : 12 + shift] = PERSON, 1
    semantic[15:35, 20:35], track[15:35, 20:35] = CAR, 1
    semantic[10:20, 40:50] = PERSON
    semantic[30:, 50:] = VOID
    return SegmentMap(semantic, track)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> list[SampleFrame]:
    """Key frame and reference frame of the painted video, not flipped."""
    from mmdet.registry import DATASETS

    root = tmp_path_factory.mktemp("painted")
    images = [np.full((40, 60, 3), (200, 120, 40), np.uint8)] * 2
    KITTI.write_video(root, "train", "0000", images, [painted(), painted(3)])
    settings = config(root).train_dataloader.dataset
    settings.pipeline[0].transforms[2].prob = 0.0
    dataset = DATASETS.build(settings)
    return split_sample(dataset[0], dataset.metainfo, KITTI.classes)


def test_a_sample_is_taken_apart(clip):
    key, reference = clip
    assert (key.is_key, reference.is_key) == (True, False)
    assert (key.name, reference.name) == ("0000/000000", "0000/000001")
    assert (key.image == (200, 120, 40)).all()  # RGB again
    truth = painted()
    assert np.array_equal(key.semantic, truth.semantic)
    assert np.array_equal(key.void, truth.semantic == VOID)
    assert key.identities.tolist() == [PERSON_1, CAR_1]
    assert np.array_equal(key.objects == CAR_1, (truth.track == 1) & (truth.semantic == CAR))


def test_statistics_by_hand(clip):
    key, reference = (describe_frame(frame, clip[0], KITTI.classes) for frame in clip)
    assert key["objects"] == 2
    assert key["objects_of_class"] == {"car": 1, "person": 1}
    assert key["stuff"] == ["road", "sky"]
    assert key["void"] == round(100 / 2400, 4)
    assert (key["shared_with_key"], reference["shared_with_key"]) == (None, 2)
    assert reference["offset"] == 1
    assert key["size"] == key["original_size"] == [60, 40]


def test_an_object_has_one_colour_and_another_of_the_same_track_id_another(clip):
    """Inside of an object, away from borders and letters; pictures are 9 times as large."""
    key, reference = (draw_frame(frame, KITTI.classes) for frame in clip)
    assert key.shape == (360, 540, 3)
    person, moved = key[60:80, 40:60].mean((0, 1)), reference[60:80, 70:90].mean((0, 1))
    assert np.allclose(person, moved, atol=2)
    assert np.abs(person - key[300:310, 190:200].mean((0, 1))).max() > 40  # the car


def test_void_is_black_with_thin_lines_and_crowds_are_hatched(clip):
    picture = draw_frame(clip[0], KITTI.classes)
    void = picture[275:355, 455:535]
    assert (void.max(-1) == void.min(-1)).all()
    assert 0.6 < (void == 0).mean() < 1
    crowd = picture[95:115, 365:385].mean(-1)
    assert len(np.unique(crowd.round())) >= 2


def test_frames_without_labels_stay_as_they_are(clip):
    key = clip[0]
    empty = np.zeros(0, np.int64)
    bare = SampleFrame(key.image, None, np.zeros((40, 60), np.int64), empty, empty, True, True, key.meta)
    assert (draw_frame(bare, KITTI.classes) == (200, 120, 40)).all()
    assert not describe_frame(bare, bare, KITTI.classes)["labelled"]


def test_a_sample_has_a_panel_for_each_frame(clip):
    one, two, five = (draw_sample(frames, KITTI.classes, "0") for frames in (clip[:1], clip, clip + clip + clip[:1]))
    assert two.shape[1] > 1.9 * one.shape[1]  # beside each other
    assert five.shape[1] < 3.1 * one.shape[1]  # three in a row
    assert five.shape[0] > 1.9 * one.shape[0]


def test_long_captions_are_broken():
    short, long = caption(600, ["name"]), caption(600, ["many words " * 30])
    assert short.shape[1] == long.shape[1] == 600
    assert len(long) > 3 * len(short)
    assert (long[:, -8:] == BACKGROUND).all()


@pytest.mark.parametrize("number", [1, 7, 300])
def test_the_sheet_is_bounded_and_has_room_for_all(number):
    sheet, picture = ContactSheet(number, (200, 700)), np.full((200, 700, 3), 255, np.uint8)
    assert max(sheet.picture.shape) <= MAX_SHEET
    for _ in range(number):
        sheet.add(picture)
    corners = sheet.picture[:: sheet.cell[0], :: sheet.cell[1], 0]
    assert (corners == 255).sum() == number


def test_samples_are_spread_or_random():
    assert choose(100, 4, None) == [12, 37, 62, 87]
    assert choose(3, 10, None) == [0, 1, 2]
    assert choose(100, 4, 1) == choose(100, 4, 1) != choose(100, 4, 2)
    assert len(set(choose(100, 50, 1))) == 50


def test_names_of_files():
    assert file_stem("0001/000002") == "0001_000002"
    assert file_stem("a b/../c:é") == "a_b_.._c"
    assert file_stem("///") == "sample"


def test_pictures_sheet_and_index(world, tmp_path):
    report = browse(config(world), tmp_path / "out", number=3)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"index.png", "index.json", "index.txt", *(sample["file"] for sample in report["samples"])}
    assert report == json.loads((tmp_path / "out/index.json").read_text())
    assert [sample["sample"] for sample in report["samples"]] == [1, 5, 8]
    first = report["samples"][0]
    assert first["file"] == "0001_0000_000001.png"
    assert [frame["key"] for frame in first["frames"]] == [True, False]
    assert Image.open(tmp_path / "out" / first["file"]).mode == "RGB"
    assert "3 of 10 samples of train" in (tmp_path / "out/index.txt").read_text()
    assert not list(tmp_path.glob(".*"))


def test_the_same_samples_as_training_takes(world, tmp_path):
    """Draws are those of the first epoch: the flip of each frame agrees."""
    from mmdet.registry import DATASETS

    settings = config(world)
    report = browse(settings, tmp_path / "out", number=5)
    dataset = DATASETS.build(settings.train_dataloader.dataset)
    dataset.set_epoch(0, 0)
    for sample in report["samples"]:
        *_, key = dataset[sample["sample"]]["data_samples"].video_data_samples
        assert sample["frames"][0]["flip"] == key.flip_direction
    assert {sample["frames"][0]["flip"] for sample in report["samples"]} == {None, "horizontal"}


def test_refused_samples_are_counted(world, tmp_path):
    from mmdet.registry import TRANSFORMS

    class EverySecond:
        calls = 0

        def __call__(self, results):
            EverySecond.calls += 1
            return None if EverySecond.calls % 2 else results

    TRANSFORMS.register_module(name="EverySecond", module=EverySecond, force=True)
    report = browse(config(world, extra=[dict(type="EverySecond")]), tmp_path / "out", number=4)
    assert report["refused"] == 4
    assert [sample["refused"] for sample in report["samples"]] == [1, 1, 1, 1]
    assert "4 of 8 drawn samples were refused" in (tmp_path / "out/index.txt").read_text()


@pytest.fixture(scope="module", params=["vspw", "coco_instance", "coco_panoptic"])
def other(request, tmp_path_factory):
    """Root and name of a world in another format."""
    style, root = get_format(request.param), tmp_path_factory.mktemp("worlds") / request.param
    write_world(root, style, World(style.classes, (48, 96), frames=4, seed=3), {"train": 2})
    return root, request.param


def test_other_kinds_of_data(other, tmp_path):
    root, style = other
    pack, split = ("PackClipInputs", "train") if style == "vspw" else ("PackImageInputs", "train2017")
    report = browse(config(root, split, style, pack=pack), tmp_path / "out", number=2)
    key = report["samples"][0]["frames"][0]
    assert key["labelled"]
    if style == "vspw":  # no objects: things are drawn as stuff, not as crowds
        assert (key["objects"], key["shared_with_key"]) == (None, None)
        assert key["void"] is not None
    if style == "coco_instance":  # no stuff: what is no object is no void
        assert key["objects"] > 0
        assert (key["void"], key["stuff"]) == (None, [])
    if style == "coco_panoptic":
        assert key["objects"] > 0
        assert key["stuff"]


def test_truth_is_shown_where_the_pipeline_reads_none(world, tmp_path):
    settings = config(world, split="val", ref_sampler=None, test_mode=True)
    dataset = settings.train_dataloader.dataset
    resize = dict(type="Resize", scale=(192, 96), keep_ratio=True)
    steps = [dict(type="LoadImageFromFile"), resize]
    dataset.pipeline = [dict(type="TransformBroadcaster", transforms=steps), dict(type="PackClipInputs")]
    settings.val_dataloader = dict(dataset=dataset)
    report = browse(settings, tmp_path / "out", "val", number=2)
    key = report["samples"][0]["frames"][0]
    assert key["labelled"]
    assert key["objects"] > 0
    assert key["size"] == [192, 96]
    with pytest.raises(ValueError, match="no test_dataloader"):
        browse(settings, tmp_path / "out", "test")


def test_other_things_are_never_overwritten(world, tmp_path):
    out = tmp_path / "out"
    browse(config(world), out, number=2)
    browse(config(world), out, number=1)  # its own pictures are replaced
    assert len(list(out.iterdir())) == 4
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"notes\.txt"):
        browse(config(world), out, number=1)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        browse(config(world), tmp_path / "file", number=1)
    assert (out / "notes.txt").read_text() == "mine"


def test_a_fault_leaves_nothing_behind(world, tmp_path):
    settings = config(world)
    del settings.train_dataloader.dataset.pipeline[-1]
    with pytest.raises(ValueError, match="PackClipInputs"):
        browse(settings, tmp_path / "out", number=1)
    assert not list(tmp_path.iterdir())


def test_the_command(world, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(world))
    quickstart = str(Path(__file__).parents[2] / "configs/quickstart/kitti_step.py")
    out = tmp_path / "out"
    assert tool.main([quickstart, "--out", str(out), "--num", "2", "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    assert "2 of 10 samples of train" in printed
    assert f"{out}: 2 pictures, index.png, index.txt, index.json" in printed
    dataset = str(Path(quickstart).parents[1] / "_base_/datasets/kitti_step.py")  # needs no model
    assert tool.main([dataset, "--out", str(out), "--num", "1", "--split", "train"]) == 0
    assert f"{out}: 1 pictures" in capsys.readouterr().out
    assert tool.main([quickstart, "--out", str(world)]) == 1
    assert "holds other things" in capsys.readouterr().err
    assert tool.main(["nowhere.py", "--out", str(out)]) == 1
