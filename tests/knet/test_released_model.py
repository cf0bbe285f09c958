"""The released image model (ResNet-50, Cityscapes-STEP) with all its weights: losses, gradients, stages, result."""

import pytest
import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from knet import KNet
from knet.checkpoint import Converted, convert
from knet.knet import INSTANCE_OFFSET
from tests.golden import loaders, recipe
from tests.tiny import build

NAME = "image_knet_step_r50"
IO, LOSS = f"released_models/{NAME}_io", f"released_models/{NAME}_loss"


@pytest.fixture(scope="module")
def converted() -> Converted:
    return convert(recipe.released_state(NAME))


@pytest.fixture(scope="module")
def model(converted) -> KNet:
    model = build("knet_r50")
    model.load_state_dict(converted.state_dict)
    return model.train()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return loaders.released_images(NAME)


def test_losses_and_gradients(model, converted, images):
    losses = model.loss(images, [loaders.released_frame(NAME, which) for which in ("0", "1")])
    loaders.assert_same_losses(losses, loaders.released_losses(NAME), video=False, rel=1e-3)
    sum(losses.values()).backward()
    source = loaders.archive(LOSS)
    wanted = dict(zip(source["grad_names"].tolist(), source["grad_norms"].tolist(), strict=True))
    assert set(wanted) <= set(converted.used)
    loaders.assert_same_gradients(model, converted.used, wanted, rel=1e-3)
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trainable == {converted.used[name] for name in wanted}
    model.zero_grad()


@torch.no_grad()
@pytest.mark.parametrize("i", [0, 1])
def test_stages_and_panoptic_map(model, images, i):
    meta = loaders.read(IO, "meta")
    levels = model.extract_feat(images[i : i + 1])
    initial, output = model.segment(levels)
    loaders.assert_same_forward(levels, initial, output, IO, f"f{i}/")

    (sample,) = model.eval().predict(images[i : i + 1], [DetDataSample(metainfo=meta)])
    loaders.assert_same_panoptic(model.labels, sample.pred_panoptic.semantic, IO, f"f{i}/")
    assert sample.pred_panoptic.semantic.shape == tuple(meta["ori_shape"])
    codes = sample.pred_panoptic_seg.sem_seg[0] // INSTANCE_OFFSET  # segments by falling score, 0 for void
    same = codes == loaders.read(IO, f"f{i}/panoptic_seg")
    assert same.float().mean() >= 0.999
