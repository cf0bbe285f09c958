"""The clip-level model at its released size against a second, slow writing of it, through the converter."""

import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from torch import Tensor

from knet.checkpoint import Converted, convert
from tests.golden import recipe
from tests.tiny import SIZE, Thing, build, clip, frame
from tests.video_knet.clip_reference import Annotation, ReleasedClipModel
from video_knet.models import ClipKNet
from video_knet.models.tubes import as_tubes, tube_truth

NUM_FRAMES = 2
# Two clips: objects that come, stay and overlap others; a frame without any.
CLIPS = [
    [
        [Thing(5, 0, 10, 10), Thing(7, 39, 34, 50)],
        [Thing(9, 21, 2, 60), Thing(5, 0, 12, 16, (30, 20)), Thing(7, 39, 34, 40)],
    ],
    [[], [Thing(9, 0, 20, 30, (40, 50)), Thing(5, 3, 24, 40)]],
]


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    names = recipe.released_names("youtube_vis_r50")
    return with_varied_masks({name: recipe.weight(name, shape) for name, shape in names.items()})


@torch.no_grad()
def with_varied_masks(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Features that masks are products with, centred: random masks then cover about half of the pixels each."""
    model, (levels,) = ReleasedClipModel(weights), by_frame(pyramid("clip", 1))
    x = model.initial(levels)[0].mean((1, 2))  # (C,)
    things = model.conv(model.features(levels)[0], "rpn_head.loc_convs.0").mean((1, 2))
    kernels = weights["rpn_head.init_kernels.weight"]
    kernels -= torch.einsum("ncij,c,d->ndij", kernels, things, things) / things.square().sum()
    for name in [name for name in weights if name.endswith("feat_transform.conv.bias")]:
        weights[name] = -weights[name.replace("bias", "weight")][:, :, 0, 0] @ x
    return weights


@pytest.fixture(scope="module")
def converted(weights) -> Converted:
    result = convert(weights)
    assert (result.dropped, result.missing) == ({}, [])
    return result


@pytest.fixture(scope="module")
def model(converted) -> ClipKNet:
    labels = dict(type="FormatLabels", format="youtube_vis_2019")
    model = build("clip_knet_r50", {"backbone.depth": 18, "neck": None, "labels": labels})
    keys = model.load_state_dict(converted.state_dict, strict=False)
    assert all(name.startswith("backbone.") for name in keys.missing_keys)
    assert all(name.startswith("neck.") for name in keys.unexpected_keys)
    return model


def pyramid(tag: str, count: int) -> list[Tensor]:
    """Levels of 64x96 images, (count, 256, 16 >> i, 24 >> i)."""
    return [recipe.tensor(f"{tag}.{i}", count, 256, 16 >> i, 24 >> i, std=0.5) for i in range(4)]


def by_frame(levels: list[Tensor]) -> list[list[Tensor]]:
    return [[level[t] for level in levels] for t in range(len(levels[0]))]


def batch() -> tuple[list[TrackDataSample], list[Annotation]]:
    clips = [clip(*(frame(things) for things in frames)) for frames in CLIPS]
    return clips, [Annotation([objects_of(sample) for sample in c.video_data_samples]) for c in clips]


def objects_of(sample: DetDataSample) -> dict[int, tuple[int, Tensor]]:
    truth = sample.gt_instances
    masks = torch.from_numpy(truth.masks.masks)
    return {int(i): (int(k), mask) for i, k, mask in zip(truth.instances_ids, truth.labels, masks)}


def released_name(ours: str) -> str:
    stage, loss = ours.rsplit(".", 1)
    return loss.replace("loss_", "loss_rpn_") if stage == "init" else f"{stage.replace('clip.', 'tracker_')}_{loss}"


def test_losses_gradients_and_assignment(model, converted, weights, monkeypatch):
    levels = [level.requires_grad_() for level in pyramid("clip", 2 * NUM_FRAMES)]
    monkeypatch.setattr(model, "extract_feat", lambda images: levels)
    samples, annotations = batch()
    losses = model.train().loss(torch.zeros(2, NUM_FRAMES, 3, *SIZE), samples)

    twins = {name: value.clone().requires_grad_() for name, value in weights.items()}
    inputs = [level.detach().clone().requires_grad_() for level in levels]
    frames, reference = by_frame(inputs), ReleasedClipModel(twins)
    wanted = reference.losses([frames[:NUM_FRAMES], frames[NUM_FRAMES:]], annotations)
    assert len(wanted) == 20
    assert {released_name(name): float(loss) for name, loss in losses.items()} == pytest.approx(
        {name: float(loss) for name, loss in wanted.items()}, rel=1e-4
    )

    sum(losses.values()).backward()
    sum(wanted.values()).backward()
    own = dict(model.named_parameters())
    for released, ours in converted.used.items():
        if not released.startswith("neck."):
            same_direction(own[ours].grad, twins[released].grad, released)
    for level, twin in zip(levels, inputs, strict=True):
        same_direction(level.grad, twin.grad, "input")

    model.zero_grad()
    with torch.no_grad():
        initial, output = model.segment(levels)
        *_, gathered, _ = model.clip_decoder(output.last, initial.features, NUM_FRAMES)
        truths = model.supervision.truths([f for c in samples for f in c.video_data_samples], torch.zeros(4, 3, *SIZE))
        tubes = [tube_truth(truths[:NUM_FRAMES]), tube_truth(truths[NUM_FRAMES:])]
        matches = model.supervision.match(as_tubes(gathered, (16, 24)), tubes)
    found = [list(zip(match.kernels.tolist(), match.objects.tolist())) for match in matches]
    assert found == reference.matches


def same_direction(found: Tensor, wanted: Tensor, name: str) -> None:
    """Gradients are the same tensor."""
    error = (found.flatten() - wanted.flatten()).norm() / wanted.norm().clamp(min=1e-8)
    assert error < 1e-3, (name, float(error))


@torch.no_grad()
def test_tracks(model, weights, monkeypatch):
    """Scores, labels, kernels, masks and ids of a video that is padded and resized."""
    levels = pyramid("clip", 3)
    monkeypatch.setattr(model, "extract_feat", lambda images: levels)
    meta = dict(img_shape=(60, 90), ori_shape=(120, 171), video_id=0, video_length=3)
    frames = [DetDataSample(metainfo={**meta, "frame_id": t}) for t in range(3)]
    (result,) = model.eval().predict(torch.zeros(1, 3, 3, *SIZE), [clip(*frames)])
    wanted = ReleasedClipModel(weights).tracks(by_frame(levels), (60, 90), (120, 171), 10)
    for t, found in enumerate(result.video_data_samples):
        tracks = found.pred_track_instances
        torch.testing.assert_close(tracks.scores, wanted["scores"], rtol=1e-4, atol=1e-5)
        assert tracks.kernel_indices.tolist() == wanted["kernels"].tolist()
        assert tracks.labels.tolist() == wanted["labels"].tolist()
        assert tracks.instances_id.tolist() == [number + 1 for number in wanted["ids"]]
        assert (tracks.masks != wanted["masks"][t]).float().mean() < 1e-4
        assert 0.01 < tracks.masks.float().mean() < 0.99
