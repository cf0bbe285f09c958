"""Released names, and files that are refused."""

import contextlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from knet.checkpoint import UnsafeCheckpointError, convert, is_released, load_weights, read_checkpoint
from tests.golden import recipe
from tests.tiny import build

VIDEO, IMAGE = "kitti_step_r50", "cityscapes_step_r50"
LAST = "roi_head.mask_head.2."


def released(checkpoint: str) -> dict[str, Tensor]:
    """All names of a released model but those of the backbone; values that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in recipe.released_names(checkpoint).items()}


def keys(name: str) -> list[str]:
    return [key for key, *_ in json.loads((recipe.FOLDER / f"released_models/{name}_keys.json").read_text())]


@pytest.mark.parametrize(("name", "count"), [("image_knet_step_r50", 502), ("video_kitti_r50", 549)])
def test_every_released_name_is_used_or_dropped_for_a_reason(name, count):
    names = keys(name)
    assert len(names) == count
    converted = convert({key: torch.zeros(1, 1) for key in names})
    assert set(converted.used) | set(converted.dropped) == set(names)
    assert not set(converted.used) & set(converted.dropped)
    assert set(converted.state_dict) == set(converted.used.values())
    assert len(converted.state_dict) == len(converted.used)  # no two of them under one name
    assert converted.missing == []
    # Stages 0 and 1 of the video model have link modules that never saw a previous kernel: 12 weights each.
    assert len(converted.dropped) == (24 if "video" in name else 0)
    for key, reason in converted.dropped.items():
        assert "link_ffn" in key or "attention_previous" in key
        assert "never used" in reason


def test_parts_of_the_image_model():
    assert convert(released(IMAGE)).parts == dict(
        type="KNet",
        backbone=None,  # is not in this list
        neck="FPN",
        num_stages=3,
        num_clip_stages=0,
        num_kernels=100,
        num_classes=19,
        kernel_linking=None,
        kernel_fusion=None,
        track_head=None,
    )


def test_parts_of_the_video_model_build_it():
    converted = convert(released(VIDEO))
    assert converted.parts == dict(
        type="VideoKNet",
        backbone=None,
        neck="FPN",
        num_stages=3,
        num_clip_stages=0,
        num_kernels=100,
        num_classes=19,
        kernel_linking=dict(type="KernelLinking"),
        kernel_fusion=None,
        track_head=dict(embed=dict(type="KernelEmbedding", num_fcs=2)),
    )
    parts = {key: converted.parts[key] for key in ("kernel_linking", "kernel_fusion")}
    model = build("video_knet_r50", parts, {"track_head.embed.num_fcs": 2})
    own = {name: value.shape for name, value in model.state_dict().items() if not name.startswith("backbone.")}
    assert own == {name: value.shape for name, value in converted.state_dict.items()}


def test_the_clip_level_model_is_known_by_all_its_names():
    converted = convert(released("youtube_vis_r50"))
    assert (converted.dropped, converted.missing) == ({}, [])
    assert (converted.parts["num_clip_stages"], converted.parts["num_classes"]) == (3, 40)
    model = build("clip_knet_r50", {"labels": dict(type="FormatLabels", format="youtube_vis_2019")})
    own = {name: value.shape for name, value in model.state_dict().items() if not name.startswith("backbone.")}
    assert own == {name: value.shape for name, value in converted.state_dict.items()}
    assert sum(value.numel() for value in model.parameters()) == 43_521_328


def test_one_embedding_layer_is_recognised():
    weights = {name: value for name, value in released(VIDEO).items() if not name.startswith("track_head.fcs.1.")}
    converted = convert(weights)
    assert converted.parts["track_head"]["embed"]["num_fcs"] == 1
    assert converted.missing == []


@pytest.mark.parametrize("update", [True, False])
def test_other_variants_are_recognised(update):
    """Fusion with and without the update of previous kernels; linking of updated kernels."""
    names = dict.fromkeys(released(VIDEO), torch.zeros(1, 1))
    for name in [n for n in names if n.startswith(LAST)]:
        root, rest = name.removeprefix(LAST).split(".", 1)
        if root.startswith(("attention_previous", "link_ffn")):
            names[f"{LAST}{root}_link.{rest}"] = names[f"{LAST}{root}_track.{rest}"] = names.pop(name)
        if root == "kernel_update_conv":
            names[f"{LAST}attention_previous_update_track.{rest}"] = names[name]
            if update:
                names[f"{LAST}attention_previous_update_link.{rest}"] = names[name]
    converted = convert(names)
    assert converted.parts["kernel_linking"] == dict(type="KernelFusion")
    assert converted.parts["kernel_fusion"] == dict(type="KernelFusion") | ({} if update else {"update": None})
    assert converted.missing == []
    assert not [name for name in converted.dropped if name.startswith(LAST)]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("rpn_head.init_kernels.weight", "kernel_head.thing_kernels.weight"),
        (f"{LAST}fc_cls.bias", "decoder.stages.2.class_layer.bias"),
        (f"{LAST}link_ffn_norm.weight", "decoder.kernel_linking.2.ffn_norm.weight"),
        ("embed_fcs.0.weight", "track_head.embed.kernel_branch.0.weight"),
        ("track_head.fcs.0.bias", "track_head.embed.fcs.0.bias"),
    ],
)
def test_a_missing_weight_is_listed(name, missing):
    weights = released(VIDEO)
    del weights[name]
    assert convert(weights).missing == [missing]


def test_an_unknown_weight_is_dropped():
    names = ("rpn_head.nothing.weight", f"{LAST}kernel_update_conv.nothing.weight", "semantic_head.weight")
    converted = convert(released(VIDEO) | dict.fromkeys(names, torch.zeros(1)))
    assert {name: converted.dropped[name] for name in names} == dict.fromkeys(
        names, "no such name in the released models"
    )
    assert converted.missing == []


def test_a_leading_module_is_ignored():
    plain, wrapped = (convert({prefix + n: v for n, v in released(IMAGE).items()}) for prefix in ("", "module."))
    assert plain.used == wrapped.used


def test_values_are_kept_and_convolutions_become_matrices():
    weight = torch.arange(16.0).view(4, 4, 1, 1)
    bias = torch.ones(4)
    state = convert({f"{LAST}feat_transform.conv.weight": weight, f"{LAST}feat_transform.conv.bias": bias}).state_dict
    assert torch.equal(state["decoder.stages.2.pixel_layer.weight"], weight[..., 0, 0])
    assert torch.equal(state["decoder.stages.2.pixel_layer.bias"], bias)


def test_released_names_are_told_from_ours():
    assert is_released(released(IMAGE))
    assert is_released({f"module.{name}": value for name, value in released(VIDEO).items()})
    assert not is_released(convert(released(VIDEO)).state_dict)


# Files


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.write_text, (self.target, "executed"))


@pytest.mark.parametrize("plain_pickle", [True, False])
def test_a_file_that_would_run_code_is_refused(tmp_path, plain_pickle):
    path, target = tmp_path / "evil.pth", tmp_path / "executed"
    content = {"state_dict": {"weight": torch.zeros(1)}, "meta": Malicious(target)}
    if plain_pickle:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(UnsafeCheckpointError, match=r"evil\.pth: refused"):
        read_checkpoint(path)
    assert not target.exists()
    with contextlib.suppress(Exception):  # the host's fallback would have run it
        torch.load(path, weights_only=False)
    assert target.exists()


@pytest.mark.parametrize("content", ["truncated", "cut in the middle", "empty", "text"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "model.pth"
    torch.save({"state_dict": {f"weight{i}": torch.zeros(100) for i in range(100)}}, path)
    whole = path.read_bytes()
    cut = {"truncated": whole[:1000], "cut in the middle": whole[: len(whole) // 2]}
    path.write_bytes({**cut, "empty": b"", "text": b"404: not found\n"}[content])
    with pytest.raises(UnsafeCheckpointError, match=r"model\.pth: refused"):
        read_checkpoint(path)


def test_a_file_without_a_dict_is_refused(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(UnsafeCheckpointError, match="holds a list, not a dict"):
        read_checkpoint(tmp_path / "list.pth")


def test_weights_below_another_key_and_prefix_are_found(tmp_path):
    """Swin's authors save `model`, distributed training puts `module.` before each name."""
    torch.save({"model": {"module.weight": torch.ones(1)}}, tmp_path / "0.pth")
    assert read_checkpoint(tmp_path / "0.pth")["state_dict"] == {"weight": torch.ones(1)}


def test_a_file_without_weights_is_refused(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "nothing.pth")
    with pytest.raises(UnsafeCheckpointError, match="'state_dict' is empty"):
        read_checkpoint(tmp_path / "nothing.pth")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pth: no such checkpoint file"):
        read_checkpoint(tmp_path / "nothing.pth")


def test_files_are_read_under_our_names(tmp_path):
    weights = {"roi_head.mask_head.0.fc_cls.bias": torch.tensor([1.0, 2.0])}
    ours = {"decoder.stages.0.class_layer.bias": torch.tensor([1.0, 2.0])}
    contents = ({"state_dict": weights, "meta": {"epoch": 3}}, weights, {"state_dict": ours}, ours)
    for i, content in enumerate(contents):
        torch.save(content, tmp_path / f"{i}.pth")
        checkpoint = read_checkpoint(tmp_path / f"{i}.pth")
        assert {name: value.tolist() for name, value in checkpoint["state_dict"].items()} == {
            name: value.tolist() for name, value in ours.items()
        }
    assert read_checkpoint(tmp_path / "0.pth")["meta"] == {"epoch": 3}


def test_loading_lists_every_mismatch(tmp_path):
    model, path = nn.Linear(3, 2), tmp_path / "model.pth"
    torch.save({"state_dict": {"weight": torch.zeros(2, 4), "gamma": torch.zeros(1)}}, path)
    before = model.weight.clone()
    with pytest.raises(ValueError, match="does not fit the config's model") as error:
        load_weights(model, path)
    for line in (
        "weight: (2, 4) in the file, (2, 3) in the model",
        "bias: not in the file",
        "gamma: not in the model",
    ):
        assert line in str(error.value)
    assert torch.equal(model.weight, before)


def test_loading(tmp_path):
    model, path = nn.Linear(3, 2), tmp_path / "model.pth"
    torch.save({"state_dict": nn.Linear(3, 2).state_dict(), "meta": {"epoch": 3}}, path)
    assert load_weights(model, path) == {"meta": {"epoch": 3}}
    assert torch.equal(model.weight, torch.load(path)["state_dict"]["weight"])


def test_released_swin_backbones_fit_the_host():
    """The released code has Swin under its authors' names, with another order of channels where patches merge."""
    from mmdet.models.backbones import SwinTransformer

    host = SwinTransformer(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), window_size=7)
    wanted = host.state_dict()
    theirs = {}
    for name, value in wanted.items():
        old = name.replace("stages.", "layers.").replace("projection", "proj").replace("attn.w_msa.", "attn.")
        old = old.replace("ffn.layers.0.0", "mlp.fc1").replace("ffn.layers.1", "mlp.fc2")
        theirs[f"backbone.{old}"] = torch.randn_like(value) if value.is_floating_point() else value
    converted = convert({**theirs, "rpn_head.conv_seg.weight": torch.zeros(1, 1)})
    found = {name.removeprefix("backbone."): value for name, value in converted.state_dict.items()}
    assert {name for name in converted.used if name.startswith("backbone.")} == set(theirs)
    assert set(wanted) <= set(found)
    assert all(found[name].shape == value.shape for name, value in wanted.items())
    # The four neighbours of a merged patch come column by column in the file, in the host row by row for each channel.
    given = theirs["backbone.layers.0.downsample.norm.weight"].view(4, 8)
    torch.testing.assert_close(found["stages.0.downsample.norm.weight"], given[[0, 2, 1, 3]].T.flatten())
    # So merging gives what its authors compute: neighbours (0, 0), (1, 0), (0, 1), (1, 1), normed and reduced.
    host.load_state_dict({name: found[name] for name in wanted})
    image = torch.randn(1, 4, 6, 8)
    rows, columns = (0, 1, 0, 1), (0, 0, 1, 1)
    patches = torch.cat([image[:, r::2, c::2] for r, c in zip(rows, columns, strict=True)], dim=-1)  # (1, 2, 3, 32)
    at = "backbone.layers.0.downsample."
    normed = nn.functional.layer_norm(patches, (32,), theirs[f"{at}norm.weight"], theirs[f"{at}norm.bias"])
    merged, size = host.stages[0].downsample(image.flatten(1, 2), (4, 6))
    assert size == (2, 3)
    torch.testing.assert_close(merged, (normed @ theirs[f"{at}reduction.weight"].T).flatten(1, 2))
