"""Inference is lazy, gives results at the size of the frames, and tells the model what the datasets tell it."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from video_knet.apis.config_options import parse_options
from video_knet.apis.inferencer import VideoInferencer, choose_device, kernel_of_track, score_of_track, segments_of
from video_knet.formats import FormatError, get_format

SIZE = (80, 120)


def frames(number: int, seen: list | None = None):
    """A red square that moves right by 10 pixels per frame."""
    for i in range(number):
        if seen is not None:
            seen.append(i)
        image = np.full((*SIZE, 3), 90, np.uint8)
        image[20:40, 10 + 10 * i : 30 + 10 * i] = (250, 10, 10)
        yield f"{i:06d}", image


def test_results_have_the_size_of_the_frame_and_dataset_ids(red_square):
    inferencer = VideoInferencer(*red_square, device="cpu")
    assert inferencer.classes == get_format("kitti_step").classes
    results = list(inferencer(frames(3), "drive"))
    assert [r.name for r in results] == ["000000", "000001", "000002"]
    for (_, image), result in zip(frames(3), results):
        red = image[..., 0] > 200
        assert np.array_equal(result.segments.semantic, np.where(red, 13, 0))
        assert np.array_equal(result.segments.track, np.where(red, 3, 0))
        assert (result.segments.semantic.dtype, result.segments.track.dtype) == (np.uint8, np.int32)
        assert np.array_equal(result.image, image)
        assert result.instances.masks.shape == (1, *SIZE)
        assert result.kernel_of_track == {3: 17}
        assert result.score_of_track == pytest.approx({3: 0.9})


def test_model_sees_what_testing_shows_it(red_square):
    inferencer = VideoInferencer(*red_square, device="cpu")
    list(inferencer(frames(2), "drive"))
    list(inferencer(frames(1), "other"))
    half_padded = (1, 3, 64, 64)  # 40 x 60 after Resize, padded to 32
    assert inferencer.model.seen == [
        (0, "drive", half_padded, SIZE),
        (1, "drive", half_padded, SIZE),
        (0, "other", half_padded, SIZE),
    ]


def test_frames_are_taken_one_by_one(red_square):
    taken = []
    results = VideoInferencer(*red_square, device="cpu")(frames(1000, taken))
    assert taken == []
    next(results)
    assert taken == [0]
    next(results)
    assert taken == [0, 1]
    assert torch.is_grad_enabled()


def test_options_override_the_config(red_square):
    options = parse_options(["model.data_preprocessor.pad_size_divisor=128"])
    inferencer = VideoInferencer(*red_square, device="cpu", cfg_options=options)
    list(inferencer(frames(1)))
    assert inferencer.model.seen[0][2] == (1, 3, 128, 128)


def test_a_loaded_config_stays_as_it_is(red_square):
    config = Config.fromfile(red_square[0])
    before = config.to_dict()
    VideoInferencer(config, red_square[1], device="cpu", cfg_options={"model.data_preprocessor.pad_size_divisor": 128})
    assert config.to_dict() == before


def test_options_that_nothing_reads_are_refused(red_square):
    for config in (red_square[0], Config.fromfile(red_square[0])):
        with pytest.raises(ValueError, match=r"there is no key 'modelx'. Write 'model'"):
            VideoInferencer(config, red_square[1], device="cpu", cfg_options={"modelx.window": 12})


def test_options_are_read_by_the_rules_of_the_host():
    assert parse_options(["a.b=1", "c=[1,(2,x)]", "d=True", "e=None", "f=g=h"]) == {
        "a.b": 1,
        "c": [1, (2, "x")],
        "d": True,
        "e": None,
        "f": "g=h",
    }
    with pytest.raises(ValueError, match="'a' must be KEY=VALUE"):
        parse_options(["a"])
    with pytest.raises(ValueError, match="brackets do not match"):
        parse_options(["a=[1,2"])


def test_classes_come_from_the_checkpoint_where_the_config_names_no_format(red_square):
    config, checkpoint = red_square
    config.write_text(config.read_text().replace('labels=dict(type="FormatLabels", format="kitti_step"),', ""))
    with pytest.raises(ValueError, match=r"neither the config .* nor the checkpoint .*model\.labels\.format"):
        VideoInferencer(config, checkpoint, device="cpu")
    meta = {"dataset_meta": {"classes": ("a", "b"), "palette": [[1, 2, 3], [4, 5, 6]], "thing_ids": (1,)}}
    torch.save({"state_dict": {"scale": torch.ones(1)}, "meta": meta}, checkpoint)
    classes = VideoInferencer(config, checkpoint, device="cpu").classes
    assert (classes.names, classes.thing_ids, classes.palette[1]) == (("a", "b"), (1,), (4, 5, 6))


def test_faults_are_named(red_square, tmp_path):
    config, checkpoint = red_square
    with pytest.raises(ValueError, match=r"'tpu:x' is not known"):
        choose_device("tpu:x")
    with pytest.raises(ValueError, match=r"'cuda:99' is not there"):
        choose_device("cuda:99")
    with pytest.raises(ValueError, match=r"frame f is float32"):
        next(VideoInferencer(config, checkpoint, device="cpu")([("f", np.zeros((4, 4, 3), np.float32))]))
    torch.save({"state_dict": {"other": torch.ones(1)}}, checkpoint)
    with pytest.raises(ValueError, match="does not fit"):
        VideoInferencer(config, checkpoint, device="cpu")
    assert kernel_of_track(None) == {}


def test_objects_alone_are_painted_by_score():
    """Labels 0, 1 of KITTI-STEP are its things, person (11) and car (13)."""
    masks = torch.zeros(3, 2, 4, dtype=torch.bool)
    masks[0, :, :3], masks[1, 0, 1:], masks[2] = True, True, True
    objects = {"masks": masks, "labels": torch.tensor([0, 1, 1]), "scores": torch.tensor([0.5, 0.9, 0.29])}
    classes = get_format("kitti-step").classes
    found = segments_of({"pred_instances": objects}, classes)
    assert (found.semantic.dtype, found.track.dtype) == (np.uint8, np.int32)
    assert found.semantic.tolist() == [[11, 13, 13, 13], [11, 11, 11, 255]]
    assert found.track.tolist() == [[2, 1, 1, 1], [2, 2, 2, 0]]
    assert segments_of({"pred_instances": objects}, classes, least_score=0.2).semantic[1, 3] == 13
    tracked = {**objects, "instances_id": torch.tensor([7, 0, 8])}
    found = segments_of({"pred_track_instances": tracked, "pred_instances": objects}, classes)
    assert found.track.tolist() == [[7, 0, 0, 0], [7, 7, 7, 0]]
    assert score_of_track({"pred_track_instances": tracked, "pred_panoptic": {}}) == pytest.approx({7: 0.5, 8: 0.29})
    assert score_of_track({"pred_instances": objects}) == pytest.approx({1: 0.9, 2: 0.5, 3: 0.29})
    assert score_of_track({"pred_instances": objects, "pred_panoptic": {}}) == score_of_track({}) == {}
    assert (segments_of({"pred_instances": {k: v[:0] for k, v in objects.items()}}, classes).semantic == 255).all()
    with pytest.raises(FormatError, match="no pred_panoptic, pred_track_instances or pred_instances"):
        segments_of({}, classes)
