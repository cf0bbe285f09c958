"""Checkpoints of every released model fit the config that is named for them, and `tools/convert_checkpoint.py`."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from knet.checkpoint import RefusedCheckpointError, convert, load_weights, misfits, read_checkpoint, under_our_names
from knet.checkpoint_parts import recognise
from knet.class_rows import plain_name
from tests.golden.released_shapes import released_model, without_memory
from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from tools import convert_checkpoint
from video_knet.apis.class_names import checkpoint_class_names, config_class_names
from video_knet.apis.conversion import describe_configs
from video_knet.apis.shipped_configs import CONFIGS, match_configs, weights_of

IMAGE, KITTI, VIPSEG, CLIP = "cityscapes_step_r50", "kitti_step_r50", "vipseg_r50", "youtube_vis_r50"
FUSED = dict(fuse="update_dynamic_cov")
VIDEO, VIS = "video_knet", "video_knet/youtube_vis_2019/clip_knet"
RELEASED = {  # config: backbone, list of the heads, classes, neck, variants; number of weights, where it is published
    "knet/knet_r50_cityscapes_step": ("r50", IMAGE, 19, "fpn", {}, 502),
    "knet/knet_swin_b_cityscapes_step": ("swin_b", IMAGE, 19, "fpn", {}, None),
    "knet/knet_swin_l_cityscapes_step": ("swin_l", IMAGE, 19, "fpn", {}, None),
    "knet/knet_r50_coco_panoptic": ("r50", IMAGE, 133, "fpn", {}, 502),
    "knet/knet_swin_b_coco_panoptic": ("swin_b", IMAGE, 133, "fpn", {}, None),
    "knet/knet_r50_coco_instance": ("r50", IMAGE, 80, "fpn", {}, 502),
    "knet/knet_r50_deformable_coco_instance": ("r50", IMAGE, 80, "deformable", {}, None),
    "knet/knet_swin_b_deformable_coco_instance": ("swin_b", IMAGE, 80, "deformable", {}, None),
    f"{VIDEO}/kitti_step/video_knet_r50_kitti_step_released": ("r50", KITTI, 19, "fpn", {}, 549),
    f"{VIDEO}/kitti_step/video_knet_swin_b_kitti_step_released": (
        "swin_b", KITTI, 19, "fpn", FUSED | dict(link="update"), None,
    ),
    f"{VIDEO}/kitti_step/video_knet_swin_l_kitti_step_released": (
        "swin_l", KITTI, 19, "fpn", FUSED | dict(num_fcs=1), None,
    ),
    f"{VIDEO}/kitti_step/video_knet_swin_l_kitti_step_released_update": (
        "swin_l", KITTI, 19, "fpn", FUSED | dict(link="update"), None,
    ),
    f"{VIDEO}/vipseg/video_knet_r50_vipseg_released": ("r50", VIPSEG, 124, "fpn", {}, 549),
    f"{VIDEO}/vipseg/video_knet_swin_b_vipseg_released": ("swin_b", VIPSEG, 124, "fpn", {}, None),
    f"{VIS}_r50_youtube_vis_2019": ("r50", CLIP, 40, "fpn", {}, 629),
    f"{VIS}_swin_b_youtube_vis_2019": ("swin_b", CLIP, 40, "fpn", {}, None),
    f"{VIS}_r50_deformable_youtube_vis_2019": ("r50", CLIP, 40, "deformable", {}, None),
    f"{VIS}_swin_b_deformable_youtube_vis_2019": ("swin_b", CLIP, 40, "deformable", {}, None),
}  # fmt: skip


@pytest.mark.parametrize("config", RELEASED)
def test_every_released_model_fits_the_config_that_is_named(config):
    *arguments, variants, count = RELEASED[config]
    shapes = released_model(*arguments, **variants)
    assert count is None or len(shapes) == count
    checkpoint = under_our_names({"state_dict": without_memory(shapes)}, "released.pth")
    converted = checkpoint["released"]
    assert len(converted.used) + len(converted.dropped) == len(shapes)
    assert not converted.missing
    assert all("never used" in reason and ".2." not in name for name, reason in converted.dropped.items())
    fitting = match_configs(checkpoint).fitting
    assert fitting[0] == CONFIGS / f"{config}.py"
    names = checkpoint_class_names(checkpoint)
    assert len(names) == arguments[2]
    for path in fitting:  # --config takes each of them
        own = config_class_names(Config.fromfile(path).model)
        assert [plain_name(name) for name in own] == [plain_name(name) for name in names]


def test_parts_that_no_shipped_config_has_are_a_child_of_the_nearest():
    shapes = released_model("r50", VIPSEG, 124, link="update", fuse="link_atten", num_fcs=1)
    match = match_configs(under_our_names({"state_dict": without_memory(shapes)}, "odd.pth"))
    assert match.nearest is not None
    assert "vipseg" in match.nearest.name
    (said,) = describe_configs(match)
    assert "kernel_linking=dict(_delete_=True, type='KernelFusion')" in said
    assert "num_fcs=1" in said
    other = {
        name: (21, *shape[1:]) if "fc_cls" in name or "conv_seg" in name else shape for name, shape in shapes.items()
    }
    shapes = released_model("r50", VIPSEG, 124)
    del shapes["neck.fpn_convs.0.conv.bias"]
    match = match_configs(under_our_names({"state_dict": without_memory(shapes)}, "incomplete.pth"))
    said = describe_configs(match)[0]
    assert "video_knet_r50_vipseg_released.py has these parts, but does not fit:" in said
    assert said.endswith("\n  neck.fpn_convs.0.conv.bias: not in the file")
    assert match.missing == ["neck.fpn_convs.0.conv.bias"]
    match = match_configs(under_our_names({"state_dict": without_memory(other)}, "own_classes.pth"))
    assert "none of the shipped configs" in describe_configs(match)[0]


# The tool


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A released KITTI-STEP file, its optimizer with it."""
    path = tmp_path_factory.mktemp("released") / "released.pth"
    weights = without_memory(released_model("r50", KITTI, 19))
    weights["roi_head.mask_head.2.fc_cls.bias"] = torch.arange(19.0)
    torch.save({"meta": {"epoch": 12}, "state_dict": weights, "optimizer": {"state": {}}}, path)
    return path


def config(name: str) -> str:
    return str(CONFIGS / "video_knet" / f"{name}.py")


def test_the_tool_reports_and_writes_weights_alone(released, tmp_path, capsys):
    target = tmp_path / "new" / "ours.pth"
    named = config("kitti_step/video_knet_r50_kitti_step_released")
    assert convert_checkpoint.main([str(released), str(target), "--config", named]) == 0
    said = capsys.readouterr().out
    assert "used: 525" in said
    assert "dropped: 24" in said
    assert "roi_head.mask_head.0.attention_previous (4 weights): stage 0 never receives previous kernels" in said
    assert "missing: 0" in said
    assert "config: configs/video_knet/kitti_step/video_knet_r50_kitti_step_released.py" in said
    assert "every weight of its model is there and fits" in said
    written = torch.load(target, weights_only=True)
    assert set(written) == {"meta", "state_dict"}
    assert written["meta"]["epoch"] == 12
    assert written["meta"]["dataset_meta"]["format"] == "kitti_step"
    assert written["state_dict"]["decoder.stages.2.class_layer.bias"].tolist() == list(range(19))
    # What was written converts to itself.
    assert convert_checkpoint.main([str(target), str(tmp_path / "again.pth")]) == 0
    assert "525 weights under this project's names" in capsys.readouterr().out
    again = torch.load(tmp_path / "again.pth", weights_only=True)
    assert again["meta"] == written["meta"]
    assert again["state_dict"].keys() == written["state_dict"].keys()


def test_scores_that_are_numbers_of_numpy(released, tmp_path):
    """As hooks of the host leave them."""
    source, target = tmp_path / "in.pth", tmp_path / "out.pth"
    scores = {"best": np.float64(0.5), "epoch": np.int64(3), "ema": np.bool_(False)}
    torch.save(torch.load(released, weights_only=True) | {"meta": {"hook_msgs": scores}}, source)
    assert convert_checkpoint.main([str(source), str(target)]) == 0
    found = torch.load(target, weights_only=True)["meta"]["hook_msgs"]
    assert found == scores
    assert not any(isinstance(value, np.generic) for value in found.values())


def test_what_does_not_fit_the_config_is_listed_and_nothing_is_written(released, tmp_path, capsys):
    target = tmp_path / "ours.pth"
    named = config("kitti_step/video_knet_r50_kitti_step")
    assert convert_checkpoint.main([str(released), str(target), "--config", named]) == 1
    said = capsys.readouterr().out
    assert "decoder.kernel_fusion.2.update.feature_layer.weight: not in the file" in said
    assert "not written" in said
    named = config("cityscapes_vps/video_knet_r50_cityscapes_vps")  # as many classes, in another order
    assert convert_checkpoint.main([str(released), str(target), "--config", named]) == 1
    assert "classes are others, or in another order" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        *("foreign", "detr", "hostile", "truncated", "empty", "text", "list", "numbers"),
        *("number as name", "sparse", "twice"),
    ],
)
def test_files_of_another_kind_are_refused(content, released, tmp_path, capsys):
    source, target = tmp_path / "in.pth", tmp_path / "out.pth"
    contents = {
        "foreign": {"layer1.0.conv1.weight": torch.zeros(1)},
        "hostile": {"state_dict": {"rpn_head.conv_seg.bias": torch.zeros(1)}, "meta": Path},
        "list": [1, 2],
        "numbers": {"state_dict": {"rpn_head.conv_seg.bias": 1}},
        "detr": {"state_dict": {"decoder.layers.0.norms.0.weight": torch.zeros(1)}},
        "number as name": {"rpn_head.conv_seg.bias": torch.zeros(1), 7: torch.zeros(1)},
        "sparse": {"rpn_head.conv_seg.weight": torch.zeros(2, 2).to_sparse()},
        "twice": {"rpn_head.conv_seg.bias": torch.zeros(1), "module.rpn_head.conv_seg.bias": torch.ones(1)},
    }
    raw = {"truncated": released.read_bytes()[:5000], "empty": b"", "text": b"<html>404</html>"}
    if content in raw:
        source.write_bytes(raw[content])
    else:
        torch.save(contents[content], source)
    assert convert_checkpoint.main([str(source), str(target)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"convert_checkpoint: {source}")
    assert len(said.err.splitlines()) == 1
    assert not said.out
    assert not target.exists()


SWIN_LAYER = "backbone.layers.0.downsample.reduction.weight"


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("roi_head.mask_head.0.feat_transform.conv.weight", (), "of shape (), and no convolution of 1x1"),
        ("roi_head.mask_head.0.feat_transform.conv.weight", (4, 4, 3, 3), "and no convolution of 1x1"),
        ("backbone.head.weight", (9, 4), "the classifier of the backbone"),
        (SWIN_LAYER, (255, 511), "of shape (255, 511), which no weight of that name has"),
    ],
)
def test_weights_of_no_released_shape_are_dropped(name, shape, reason):
    other = {"backbone.layers.0.blocks.0.norm1.weight": torch.zeros(4), "rpn_head.conv_seg.weight": torch.zeros(())}
    converted = under_our_names(other | {name: torch.zeros(shape)}, "odd.pth")["released"]
    assert reason in converted.dropped[name]
    assert len(converted.used) + len(converted.dropped) == 3
    assert converted.parts["num_classes"] is None


def test_shapes_that_no_config_has_are_listed():
    shapes = released_model("r50", VIPSEG, 124)
    shapes["roi_head.mask_head.1.fc_mask.weight"] = (128, 256)
    match = match_configs(under_our_names({"state_dict": without_memory(shapes)}, "odd.pth"))
    wanted = "decoder.stages.1.mask_layer.weight: (128, 256) in the file, (256, 256) in the model"
    assert wanted in describe_configs(match)[0]
    assert not match.missing


def test_weights_that_are_integers_do_not_fit():
    weights, own = {"a": torch.zeros(2, dtype=torch.int32)}, {"a": torch.zeros(2)}
    assert misfits(weights, own) == ["a: torch.int32 in the file, torch.float32 in the model"]
    assert misfits({"a": torch.zeros(2, dtype=torch.float16)}, own) == []


def test_stages_without_those_before_are_not_counted():
    name = "roi_head.mask_head.{}.fc_cls.bias"
    converted = convert({name.format(i): torch.zeros(3) for i in (0, 1, 9999, 10**9)})
    assert converted.parts["num_stages"] == 2
    assert converted.dropped == {name.format(10**9): "no such name in the released models"}


@pytest.mark.parametrize("format_name", [3, None, ["vspw"]])
def test_classes_of_another_origin_are_not_looked_up(format_name, released):
    checkpoint = {**read_checkpoint(released), "meta": {"dataset_meta": {"format": format_name}}}
    del checkpoint["released"]
    assert match_configs(checkpoint).fitting


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("video_knet/vspw/video_knet_pspnet_r18_vspw", "VideoSegmentor"),
        ("video_knet/vspw/deeplabv3plus_r101_vspw", "VideoSegmentor"),
        ("video_knet/kitti_step/video_knet_tiny_kitti_step", "VideoKNet"),
    ],
)
def test_our_own_checkpoints_name_their_config(path, row):
    weights = weights_of(Config.fromfile(CONFIGS / f"{path}.py").model)
    match = match_configs({"state_dict": weights})
    assert CONFIGS / f"{path}.py" in match.fitting
    assert recognise(weights)["type"] == row


def test_another_linking_stage_is_a_change_of_the_nearest():
    weights = weights_of(Config.fromfile(CONFIGS / "ablations/stage_1.py").model)
    match = match_configs({"state_dict": weights})
    assert match.changes == {"decoder": {"link_stages": (0,)}}


@pytest.mark.parametrize(("make", "kind"), [(os.mkdir, "a folder"), (os.mkfifo, "no file")])
def test_a_target_that_is_no_file_stays(make, kind, released, tmp_path, capsys):
    target = tmp_path / "target"
    make(target)
    assert convert_checkpoint.main([str(released), str(target)]) == 1
    assert f"{target}: exists and is {kind}; name a file to write" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [target]
    assert not target.is_file()


def test_a_released_file_loads_converted_or_not(released, tmp_path):
    shapes = {name: value.shape for name, value in read_checkpoint(released)["state_dict"].items()}
    module = torch.nn.Module()
    module.state_dict = lambda: {name: torch.zeros(shape) for name, shape in shapes.items()}
    module.load_state_dict = lambda weights: None
    assert load_weights(module, released)["meta"] == {"epoch": 12}
    with pytest.raises(RefusedCheckpointError):
        read_checkpoint(__file__)
