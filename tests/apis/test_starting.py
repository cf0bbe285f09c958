"""Training starts from image checkpoints by `load_from` alone, and resumes only from what it saved."""

import pickle
import struct
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config, ConfigDict

from knet.checkpoint import RefusedCheckpointError, under_our_names
from tests.tiny import mmdet_scope, one_thread_and_seed, tiny_image_model, tiny_video_model  # noqa: F401
from video_knet.apis.class_names import checkpoint_class_names, config_class_names, label_names
from video_knet.apis.runner import distribute_on_cpu, load_from_openmmlab, load_from_safe_url, load_from_torchvision
from video_knet.apis.starting_hook import StartingWeightsHook
from video_knet.apis.training import spare_pretraining, starting_shapes
from video_knet.datasets.base import VideoDataset
from video_knet.formats import get_format

LABELS = dict(type="FormatLabels", format="kitti_step")
KITTI = {"labels": {"_delete_": True, **LABELS}}


def meta_of(name: str) -> dict:
    """What a checkpoint that was trained on a dataset says of it."""
    dataset = SimpleNamespace(format=get_format(name), format_name=name)
    return {"dataset_meta": VideoDataset._format_metainfo(dataset)}


def start(model: torch.nn.Module, checkpoint: dict, resume: bool = False) -> dict:
    """What the host would copy into the model."""
    settings = ConfigDict(model=dict(labels=LABELS))
    runner = SimpleNamespace(model=model, cfg=settings, _load_from="image.pth", _resume=resume)
    StartingWeightsHook().after_load_checkpoint(runner, checkpoint)
    return checkpoint["state_dict"]


def test_a_video_model_starts_from_an_image_model():
    image, video = tiny_image_model(**KITTI), tiny_video_model(**KITTI)
    state = start(video, {"state_dict": image.state_dict(), "meta": meta_of("cityscapes_step")})
    video.load_state_dict(state)  # strictly
    for name, value in image.state_dict().items():
        assert torch.equal(video.state_dict()[name], value)


def test_classes_of_another_dataset_are_found_by_name():
    """Cityscapes with eight things has as many classes as KITTI-STEP, in another order."""
    image, video = tiny_image_model(**KITTI), tiny_video_model(**KITTI)
    names, ours = (label_names(get_format(name).classes) for name in ("cityscapes_panoptic", "kitti_step"))
    assert set(names) == set(ours)
    assert names != ours
    state = start(video, {"state_dict": image.state_dict(), "meta": meta_of("cityscapes_panoptic")})
    bias = "kernel_head.semantic_kernels.weight"
    for label, name in enumerate(ours):
        assert torch.equal(state[bias][label], image.state_dict()[bias][names.index(name)])


def test_a_released_coco_file_gives_its_classes_by_their_names():
    rows = "roi_head.mask_head.0.fc_cls.bias"
    weights = {rows: torch.arange(133.0), "rpn_head.conv_seg.weight": torch.zeros(133, 256, 1, 1)}
    video = tiny_video_model(**KITTI)
    state = start(video, {"state_dict": weights, "meta": {}})
    coco, ours = (label_names(get_format(name).classes) for name in ("coco_panoptic", "kitti_step"))
    found = dict(zip(ours, state["decoder.stages.0.class_layer.bias"].tolist(), strict=True))
    assert {name: found[name] for name in ("person", "car", "truck", "road")} == {
        name: coco.index(name) for name in ("person", "car", "truck", "road")
    }
    fresh = video.decoder.stages[0].class_layer.bias[ours.index("vegetation")]
    assert found["vegetation"] == fresh


def test_released_files_with_classes_of_their_own_have_no_names():
    checkpoint = {"state_dict": {"rpn_head.conv_seg.weight": torch.zeros(19, 1)}}
    converted = under_our_names(checkpoint, "x.pth")
    assert checkpoint_class_names(converted) == label_names(get_format("cityscapes_step").classes)
    assert checkpoint_class_names({**converted, "meta": {"CLASSES": [f"part {i}" for i in range(19)]}}) is None
    assert checkpoint_class_names({**converted, "meta": {"CLASSES": "dummy"}}) is not None
    assert checkpoint_class_names({"state_dict": {}, "meta": {"dataset_meta": {"classes": ["a"]}}}) is None
    assert config_class_names({"labels": dict(type="LabelSpace", num_things=2)}) is None


def test_nothing_in_common_is_an_error():
    with pytest.raises(ValueError, match=r"load_from=image\.pth: none of its 1 weights fits"):
        start(tiny_video_model(**KITTI), {"state_dict": {"layer1.weight": torch.zeros(1)}})


def test_resuming_wants_everything():
    model = tiny_video_model(**KITTI)
    whole = {"state_dict": model.state_dict(), "meta": {}, "message_hub": {}, "optimizer": {}}
    assert start(model, dict(whole), resume=True).keys() == model.state_dict().keys()
    with pytest.raises(ValueError, match=r"holds no message_hub, no optimizer\. Start from its weights with"):
        start(model, {"state_dict": model.state_dict(), "meta": {}}, resume=True)
    other = {name: value for name, value in model.state_dict().items() if "kernel_fusion" not in name}
    with pytest.raises(ValueError, match="resume with the config it was trained with"):
        start(model, whole | {"state_dict": other}, resume=True)


def test_pretraining_is_loaded_only_where_the_checkpoint_lacks_the_backbone(tmp_path):
    model, path = tiny_image_model(), tmp_path / "image.pth"
    model.backbone.init_cfg = dict(type="Pretrained", checkpoint="of another origin")
    torch.save(model.state_dict(), path)
    shapes = starting_shapes(Config(dict(load_from=str(path))))
    spare_pretraining(model, dict(list(shapes.items())[1:]))
    assert not model.backbone.is_init
    spare_pretraining(model, shapes)
    assert model.backbone.is_init
    assert starting_shapes(Config(dict(load_from=None))) == {}
    assert starting_shapes(Config(dict(load_from="https://example.org/model.pth"))) == {}


DAMAGE = [UnicodeDecodeError("utf-8", b"a", 0, 1, ""), struct.error("unpack"), IndexError("pop"), ValueError("size")]


@pytest.mark.parametrize("error", [pickle.UnpicklingError("Unsupported global"), EOFError("Ran out of input"), *DAMAGE])
def test_downloads_that_would_execute_something_are_refused(error, monkeypatch):
    def fail(url: str, **settings) -> None:
        assert settings["weights_only"]
        raise error

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    with pytest.raises(RefusedCheckpointError, match=r"https://example\.org/model\.pth: refused"):
        load_from_safe_url("https://example.org/model.pth")


def test_weights_by_their_names_at_openmmlab_are_downloaded_like_any_others(monkeypatch):
    urls = []
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **settings: urls.append((url, settings)))
    load_from_openmmlab("open-mmlab://resnet101_v1c")
    ((url, settings),) = urls
    assert url.startswith("https://")
    assert "resnet101_v1c" in url
    assert settings["weights_only"]


def test_names_that_the_host_does_not_know():
    with pytest.raises(ValueError, match=r"open-mmlab://resnet101_v1d0: .*Write 'resnet101_v1c'"):
        load_from_openmmlab("open-mmlab://resnet101_v1d0")
    with pytest.raises(ValueError, match=r"torchvision://resnet500: the host knows no weights of this name"):
        load_from_torchvision("torchvision://resnet500")


def test_statistics_of_batches_are_not_shared_by_processes_on_cpu(monkeypatch):
    """torch's layer for it refuses them."""
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    config = Config(dict(sync_bn="torch"))
    distribute_on_cpu(config)
    assert config.sync_bn is None
