"""Golden values of the released models as tensors, and their annotations as data samples."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from knet.checkpoint import convert
from knet.kernel_decoder import DecoderOutput
from knet.labels import LabelSpace
from knet.segments import InitialSegments
from tests.golden.recipe import FOLDER, fill, rectangles, semantic_map
from tests.tiny import clip
from video_knet.formats import KittiStep

LABEL_OF_ID = torch.from_numpy(KittiStep.classes.id_to_label())
MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
PADDED = (128, 256)  # of the whole released models


@cache
def archive(name: str) -> dict[str, np.ndarray]:
    """All arrays of `NAME.npz`; read-only by agreement."""
    with np.load(FOLDER / f"{name}.npz") as values:
        return dict(values)


def read(name: str, key: str) -> Any:
    """One value of `NAME.npz`: a tensor, or what a string holds as JSON."""
    value = archive(name)[key]
    return json.loads(str(value)) if value.dtype.kind == "U" else torch.from_numpy(value)


def unit(key: str) -> Any:
    """One value of the small modules of `released_models/unit.npz`."""
    return read("released_models/unit", key)


def vps(key: str) -> Tensor:
    """One value of `vps_modules.npz`."""
    return read("vps_modules", key)


@cache
def vps_facts() -> dict[str, Any]:
    """`vps_modules.json`."""
    return json.loads((FOLDER / "vps_modules.json").read_text())


def close(found: Tensor, wanted: Tensor, atol: float = 1e-4) -> None:
    """Assert that two tensors hold the same numbers."""
    torch.testing.assert_close(found, wanted.to(found.dtype), rtol=1e-4, atol=atol)


def unit_weights(keys: str, prefix: str) -> dict[str, Tensor]:
    """Weights of a small module under released names: the list stored at `keys`, filled as PREFIX + name."""
    return {name: fill(prefix + name, tuple(shape)) for name, shape in unit(keys)}


def ours(weights: dict[str, Tensor], released_prefix: str, prefix: str) -> dict[str, Tensor]:
    """Weights of one module under our names.

    Args:
        weights: Released names below `released_prefix`.
        released_prefix: Where the module is in a released model, as "roi_head.mask_head.0.".
        prefix: Where it is in ours, as "decoder.".
    """
    converted = convert({released_prefix + name: value for name, value in weights.items()})
    assert not converted.dropped
    return {name.removeprefix(prefix): value for name, value in converted.state_dict.items()}


def released_loss_name(name: str, video: bool) -> str:
    """`ref.s0.loss_mask` to `s0_loss_mask_ref`, and so on."""
    if not video:
        name = f"key.{name}"
    frame, rest = name.split(".", 1)
    if frame == "track":
        return {"loss_contrast": "loss_track", "loss_aux": "loss_track_aux"}[rest]
    stage, loss = rest.split(".")
    is_ref = frame == "ref"
    if stage == "init":
        return loss.replace("loss_", "loss_rpn_") + "_ref_rpn" * is_ref
    return f"{stage}_{loss}" + "_ref" * is_ref


def annotated(masks: Tensor, labels: Tensor, ids: Tensor, semantic: Tensor, padded: tuple[int, int]) -> DetDataSample:
    """A frame with its annotation.

    Args:
        masks: (G, H, W) of 0 and 1.
        labels: (G,).
        ids: (G,).
        semantic: (H, W) dataset ids.
        padded: Size of the batch it will be in.
    """
    shape = tuple(semantic.shape)
    sample = DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, batch_input_shape=padded))
    sample.gt_instances = InstanceData(masks=BitmapMasks(masks.numpy(), *shape), labels=labels, instances_ids=ids)
    sample.gt_sem_seg = PixelData(sem_seg=LABEL_OF_ID[semantic.long()][None])
    return sample


def vps_clip() -> TrackDataSample:
    """Reference and key frame of the `train.*` cases."""

    def frame(tag: str, labels: list[int], ids: list[int], classes: list[int]) -> DetDataSample:
        masks, semantic = rectangles(f"m.{tag}", 3), semantic_map(f"sem.{tag}", [0, 1, 2, 8, 10, 12])
        for mask, dataset_id in zip(masks, classes, strict=True):
            semantic[mask.bool()] = dataset_id
        return annotated(masks, torch.tensor(labels), torch.tensor(ids), semantic, tuple(semantic.shape))

    ref = frame("ref", [1, 0, 0], [130001, 110002, 110009], [13, 11, 11])
    key = frame("key", [0, 0, 1], [110001, 110002, 130001], [11, 11, 13])
    return clip(ref, key)


def released_frame(name: str, which: str) -> DetDataSample:
    """Frame `which` of the annotation in `released_models/NAME_loss.npz`."""
    source = f"released_models/{name}_loss"
    count, height, width = read(source, f"gt/{which}/mask_shape").tolist()
    bits = np.unpackbits(archive(source)[f"gt/{which}/masks"], axis=-1)[:, : height * width]
    labels, ids, semantic = (read(source, f"gt/{which}/{key}") for key in ("labels", "ids", "sem"))
    return annotated(torch.from_numpy(bits).reshape(count, height, width), labels, ids, semantic, PADDED)


def released_images(name: str) -> Tensor:
    """(T, 3, *PADDED) normalised frames of `released_models/NAME_io.npz`."""
    frames = read(f"released_models/{name}_io", "frames_u8")  # (T, H, W, 3)
    images = ((frames.float() - MEAN) / STD).permute(0, 3, 1, 2)
    return F.pad(images, (0, PADDED[1] - images.shape[3], 0, PADDED[0] - images.shape[2]))


def released_losses(name: str) -> dict[str, float]:
    """Loss by released name."""
    source = archive(f"released_models/{name}_loss")
    values = dict(zip(source["loss_keys"].tolist(), source["loss_values"].tolist(), strict=True))
    return {key: value for key, value in values.items() if "loss" in key}


def assert_same_losses(losses: dict[str, Tensor], wanted: dict[str, float], video: bool, rel: float) -> None:
    """Each loss is there and no other, and so is their sum."""
    found = {released_loss_name(name, video): float(loss.detach()) for name, loss in losses.items()}
    assert found == pytest.approx(wanted, rel=rel)


def assert_same_gradients(model: nn.Module, used: dict[str, str], wanted: dict[str, float], rel: float) -> None:
    """Gradient norms by released name; `used` says what we call each."""
    parameters = dict(model.named_parameters())
    gradients = {name: parameters[used[name]].grad for name in wanted if name in used}
    found = {name: 0.0 if grad is None else float(grad.norm()) for name, grad in gradients.items()}
    assert found == pytest.approx({name: wanted[name] for name in found}, rel=rel, abs=1e-6)


def relative_error(value: Tensor, source: str, key: str) -> float:
    """Mean difference from a large tensor of which every `step`-th number is stored, over their mean size."""
    wanted, step = read(source, f"{key}/sub"), int(read(source, f"{key}/step"))
    assert tuple(value.shape) == tuple(read(source, f"{key}/shape").tolist()[: value.dim()])
    found = value.detach().flatten()[::step]
    return float((found - wanted).abs().mean() / wanted.abs().mean())


def assert_same_forward(
    levels: list[Tensor], initial: InitialSegments, output: DecoderOutput, source: str, at: str
) -> None:
    """One frame, from the pyramid to the last stage, against `source`, where its keys start with `at`."""
    found = {f"neck/{i}": level for i, level in enumerate(levels)}
    found["rpn/x_feats"], found["rpn/seg_preds"] = initial.features, initial.semantic_logits
    found["rpn/proposal_feats"], found["rpn/mask_preds"] = initial.segments.kernels, initial.segments.mask_logits
    for s, stage in enumerate(output.stages):
        found[f"stage{s}/cls_score"] = stage.class_logits
        found[f"stage{s}/mask_preds"] = stage.mask_logits
        found[f"stage{s}/obj_feats"] = stage.kernels
    errors = {key: relative_error(value, source, at + key) for key, value in found.items()}
    assert max(errors.values()) < 5e-3, errors  # of rounding, where a pixel lies on the border of a mask


def assert_same_panoptic(labels: LabelSpace, semantic: Tensor, source: str, at: str) -> None:
    """A (H, W) map in dataset ids, 255 where nothing is, against the released segments."""
    segments, index = read(source, f"{at}segments_info"), read(source, f"{at}panoptic_seg").long()
    ids = torch.full((len(segments) + 1,), 255)
    for segment in segments:
        # The released code counts stuff classes from 1, and things come first.
        label = segment["category_id"] + (0 if segment["isthing"] else labels.num_things - 1)
        ids[segment["id"]] = labels.dataset_ids[label]
    assert (semantic == ids[index]).float().mean() >= 0.999
