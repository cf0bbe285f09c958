"""Properties of training, whatever the weights and the annotation."""

import copy

import pytest
import torch

from tests.tiny import CHANNELS, Thing, clip, frame, images, tiny_video_model

from .videos import assert_trains, losses_of, pair


def test_names_of_losses(model):
    losses = losses_of(model, images(1, 2), [pair()])
    initial = {f"init.loss_{name}" for name in ("mask", "dice", "rank", "seg")}
    stages = {f"s{s}.loss_{name}" for s in range(3) for name in ("cls", "mask", "dice")}
    frames = {f"{frame}.{name}" for frame in ("ref", "key") for name in initial | stages}
    assert set(losses) == frames | {"track.loss_contrast", "track.loss_aux"}
    assert all(loss.shape == () for loss in losses.values())


def test_a_batch_of_two_equals_two_batches_of_one(model):
    """Losses are averaged over objects and pixels; both clips have as many of them."""
    inputs, clips = images(2, 2), [pair(6), pair(20)]
    singles = [losses_of(model, inputs[i : i + 1], clips[i : i + 1]) for i in range(2)]
    assert any(abs(singles[0][name] - singles[1][name]) > 1e-2 for name in singles[0])
    both = losses_of(model, inputs, clips)
    for name, loss in both.items():
        torch.testing.assert_close(loss, (singles[0][name] + singles[1][name]) / 2, rtol=1e-4, atol=1e-5, msg=name)


def test_ground_truth_is_not_changed(model):
    sample = pair()
    before = copy.deepcopy(sample)
    losses_of(model, images(1, 2), [sample])
    for after, kept in zip(sample.video_data_samples, before.video_data_samples):
        assert set(after.keys()) == set(kept.keys())
        assert (after.gt_instances.masks.masks == kept.gt_instances.masks.masks).all()
        assert torch.equal(after.gt_instances.instances_ids, kept.gt_instances.instances_ids)
        assert torch.equal(after.gt_sem_seg.sem_seg, kept.gt_sem_seg.sem_seg)


ONE, OTHER = Thing(5, 0, 10, 10), Thing(8, 1, 30, 40)


@pytest.mark.parametrize(
    ("ref", "key", "stuff"),
    [
        ([], [], True),
        ([ONE], [], True),
        ([], [ONE], True),
        ([ONE], [OTHER], True),
        ([], [], False),
        ([ONE], [ONE], False),
    ],
    ids=["no things", "reference only", "key only", "nothing shared", "all void", "things in void"],
)
def test_sparse_ground_truth(model, ref, key, stuff):
    sample = clip(frame(ref, stuff), frame(key, stuff))
    assert_trains(model, images(1, 2), [sample])
    losses = losses_of(model, images(1, 2), [sample])
    if not any(a.id == b.id for a in ref for b in key):
        assert losses["track.loss_contrast"] == 0
    # Beside a full clip in a batch, too, which then learns what it learns alone.
    both = losses_of(model, images(2, 2), [sample, pair()])
    assert all(torch.isfinite(loss) for loss in both.values())


def test_more_objects_than_kernels(model):
    things = [Thing(i + 1, i % 2, 8 + 10 * (i // 6), 8 + 14 * (i % 6), size=(8, 8)) for i in range(15)]
    assert_trains(model, images(1, 2), [clip(frame(things), frame(things))])


def test_a_clip_of_another_length_is_refused(model):
    with pytest.raises(ValueError, match=r"training needs clips of 2 frames.*but got 3.*ref_sampler"):
        model.train().loss(images(1, 3), [clip(*(frame([]) for _ in range(3)))])


def test_gradients_reach_the_reference_frame_through_its_kernels(model):
    """Nothing is detached: without losses of its own the reference still feeds linking, fusion and embedding."""
    inputs = images(1, 2).requires_grad_()
    losses = losses_of(model, inputs, [pair()])
    sum(loss for name, loss in losses.items() if not name.startswith("ref.")).backward()
    assert inputs.grad[0].abs().amax(dim=(1, 2, 3)).all()


@pytest.mark.parametrize("embed", ["KernelEmbedding", "MaskEmbedding", "RoIAlignEmbedding"])
def test_without_reference_loss_nothing_is_learned_from_the_reference_frame(embed):
    inputs = images(1, 2).requires_grad_()
    model = tiny_video_model(**{"ref_loss": None, "track_head.embed": dict(type=embed, channels=CHANNELS)})
    losses = losses_of(model, inputs, [pair()])
    assert not any(name.startswith("ref.") for name in losses)
    sum(losses.values()).backward()
    assert not inputs.grad[0, 0].any()
    assert inputs.grad[0, 1].any()
