"""Modules of the video model against the released ones, on seeded weights.

Not covered, since no released config uses it and it is no part of ours: a linked update that reads the kernels instead
of the features (`head/updateobj_dyn`). Boxes of empty masks and kernels larger than 1x1: see `tests/knet`.
"""

import pytest
import torch
from mmdet.registry import MODELS
from torch import Tensor, nn

from knet.checkpoint import convert
from knet.kernel_decoder import DecoderOutput, KernelDecoder
from knet.segments import InitialSegments, Segments
from tests.golden import recipe
from tests.golden.loaders import close, ours, unit, unit_weights, vps, vps_facts
from video_knet.models.state import Tracks
from video_knet.models.track_head import AssociationL2Loss, EmbeddingInput, KernelEmbedding, TrackHead, mean_losses
from video_knet.models.tracker import QuasiDenseTracker

# One stage, with and without previous kernels. The parts are those that the converter recognises.


def one_stage(weights: dict[str, Tensor], channels: int, num_heads: int, ffn_channels: int) -> KernelDecoder:
    """A decoder of one stage from the released names of one stage."""
    prefix = "roi_head.mask_head.0."
    parts = convert({prefix + name: value for name, value in weights.items()}).parts
    sizes = dict(channels=channels, ffn_channels=ffn_channels)
    linking, fusion = (
        # Attention to previous kernels always has 8 heads in the released code.
        None if parts[key] is None else {**sizes, "num_heads": 8, **parts[key]}
        for key in ("kernel_linking", "kernel_fusion")
    )
    stage = dict(type="KernelUpdateStage", num_classes=5, num_heads=num_heads, **sizes)
    decoder = KernelDecoder(stage, num_stages=1, kernel_fusion=fusion, kernel_linking=linking, link_stages=(0,))
    decoder.load_state_dict(ours(weights, prefix, "decoder."))
    return decoder


def assert_same_stage(output: DecoderOutput, wanted: dict[str, Tensor]) -> None:
    """`wanted`: cls, mask, obj and, where previous kernels were given and linked, track, with trailing 1x1."""
    close(output.last.class_logits, wanted["cls"])
    close(output.last.mask_logits, wanted["mask"])
    close(output.last.kernels, wanted["obj"][..., 0, 0])
    if "track" in wanted:
        close(output.linked, wanted["track"][..., 0, 0])
        close(output.association_kernels, wanted["track"][..., 0, 0])
    else:
        assert output.linked is None
        assert output.association_kernels is output.last.kernels


@pytest.mark.parametrize("variant", ["none", "ffn", "update", "ffn_linkatten", "ffn_dyn", "update_dyn"])
def test_stage_of_16_channels(variant):
    decoder = one_stage(unit_weights(f"head/{variant}/keys", f"head.{variant}."), 16, 4, 32)
    kernels, masks, features, previous = (unit(f"head/in/{key}") for key in ("proposal", "mask_preds", "x", "prev_obj"))
    initial = InitialSegments(Segments(kernels[..., 0, 0], masks), features, masks)
    runs = {"first": None} | ({} if variant == "none" else {"linked": previous[..., 0, 0]})
    for run, before in runs.items():
        keys = ("cls", "mask", "obj") + (("track",) if run == "linked" else ())
        assert_same_stage(decoder(initial, before), {key: unit(f"head/{variant}/{run}/{key}") for key in keys})
    groups = decoder.stages[0].assemble(masks.flatten(2), features.flatten(2))
    close(groups, unit(f"head/{variant}/first/x_feat"), atol=1e-3)


LINK_ROOTS = ("attention_previous.", "attention_previous_norm.", "link_ffn.", "link_ffn_norm.")


def stage_names(link: bool, fuse: str | None) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the last stage of the released model, with the modules of other variants."""
    prefix = "roi_head.mask_head.2."
    names = recipe.released_names("kitti_step_r50").items()
    local = {name.removeprefix(prefix): shape for name, shape in names if name.startswith(prefix)}
    local = {name: (5, *shape[1:]) if name.startswith("fc_cls.") else shape for name, shape in local.items()}
    plain = {name: shape for name, shape in local.items() if not name.startswith(LINK_ROOTS)}
    if not link:
        return plain
    return local | fusion_names(local, fuse)


def fusion_names(names: dict[str, tuple[int, ...]], fuse: str | None) -> dict[str, tuple[int, ...]]:
    """Names that kernel fusion adds to those of a stage; its modules have the shapes of linking and update."""
    if fuse is None:
        return {}
    added = {}
    for name, shape in names.items():
        root, rest = name.split(".", 1)
        if name.startswith(LINK_ROOTS):
            added[f"{root}_link.{rest}"] = shape
        elif root == "kernel_update_conv" and fuse == "update_dynamic_cov":
            added[f"attention_previous_update_link.{rest}"] = shape
    return added


@pytest.mark.parametrize(
    ("case", "link", "fuse"),
    [
        ("update_head", False, None),
        ("video_update_head[ffn,None]", True, None),
        ("video_update_head[ffn,update_dynamic_cov]", True, "update_dynamic_cov"),
        ("video_update_head[ffn,link_atten]", True, "link_atten"),
    ],
)
@torch.no_grad()
def test_stage_of_256_channels(case, link, fuse):
    weights = {name: recipe.weight(name, shape) for name, shape in stage_names(link, fuse).items()}
    decoder = one_stage(weights, 256, 8, 2048)
    kernels, previous = (recipe.tensor(f"head.{tag}", 2, 7, 256, 1, 1)[..., 0, 0] for tag in ("k", "prev"))
    features, masks = recipe.tensor("head.x", 2, 256, 8, 12), recipe.tensor("head.m", 2, 7, 8, 12, std=2)
    output = decoder(InitialSegments(Segments(kernels, masks), features, masks), previous)
    keys = ("cls", "mask", "obj", "track") if link else ("cls", "mask", "obj")
    assert_same_stage(output, {key: vps(f"{case}.{key}") for key in keys})


# Association embedding and its losses


def embedding(weights: dict[str, Tensor]) -> KernelEmbedding:
    """The released `track_head` alone, that is without the layers that come before it."""
    out_channels, channels = weights["fc_embed.weight"].shape
    module = KernelEmbedding(channels)
    module.kernel_branch = module.kernel_layer = nn.Identity()
    module.out_layer = nn.Linear(channels, out_channels)
    module.load_state_dict(ours(weights, "track_head.", "track_head.embed."))
    return module


def objects(kernels: Tensor) -> EmbeddingInput:
    nothing = kernels.new_zeros(0)
    return EmbeddingInput(kernels, nothing, nothing, [])


def identities(key_objects: Tensor, ref_objects: Tensor, ref_of_key: Tensor) -> tuple[Tensor, Tensor]:
    """Ids from the released coding: objects by index, and which reference object each key object is (-1: none)."""
    found = ref_of_key[key_objects]
    return torch.where(found >= 0, found, 100 + key_objects), ref_objects


def test_embedding_losses_and_their_gradients():
    """Two pairs of frames: their kernels lie one after the other, losses are averaged over pairs."""
    embed = embedding(unit_weights("track/keys", "track."))
    key, ref = (unit(f"track/in/{name}").requires_grad_() for name in ("key", "ref"))
    key_embeds, ref_embeds = embed(objects(key)), embed(objects(ref))
    close(key_embeds, unit("track/embed_key"))
    close(ref_embeds, unit("track/embed_ref"))

    head, losses = TrackHead(), []
    for i, (k, r) in enumerate(zip(key_embeds.split([5, 4]), ref_embeds.split([4, 4]))):
        close(k @ r.T, unit(f"track/dists{i}"))
        ids = identities(*(unit(f"track/in/{name}{i}") for name in ("key_gt", "ref_gt", "gt_match")))
        assert (ids[0][:, None] == ids[1]).int().tolist() == unit(f"track/targets{i}").tolist()
        losses.append(head.loss(k, ids[0], r, ids[1]))
    mean = mean_losses(losses)
    close(mean["loss_contrast"], unit("track/loss_track"))
    close(mean["loss_aux"], unit("track/loss_track_aux"))
    sum(mean.values()).backward()
    close(key.grad, unit("track/grad_key"), atol=1e-6)
    close(ref.grad, unit("track/grad_ref"), atol=1e-6)


@torch.no_grad()
def test_embedding_of_256_channels():
    names = recipe.released_names("kitti_step_r50")
    local = {name.removeprefix("track_head."): shape for name, shape in names.items() if name.startswith("track_head.")}
    embed = embedding({name: recipe.weight(name, shape) for name, shape in local.items()})
    key, ref = embed(objects(recipe.tensor("qd.k", 5, 256))), embed(objects(recipe.tensor("qd.r", 6, 256)))
    close(key, vps("qd.key"), atol=1e-3)
    close(key @ ref.T, vps("qd.dist"), atol=1e-3)
    close(torch.cosine_similarity(key[:, None], ref, dim=2), vps("qd.cos"))
    ids = identities(torch.tensor([3, 0, 1, 2, 4]), torch.tensor([2, 1, 0, 5, 4, 3]), torch.tensor([1, -1, 0, 5, 3]))
    same = ids[0][:, None] == ids[1]
    assert same.int().tolist() == vps("qd.targets").tolist()
    assert same.any(1).float().tolist() == vps("qd.weights").tolist()
    losses, wanted = TrackHead().loss(key, ids[0], ref, ids[1]), vps_facts()["qd.loss"]
    assert losses["loss_contrast"].item() == pytest.approx(wanted["loss_track"], rel=1e-4)
    assert losses["loss_aux"].item() == pytest.approx(wanted["loss_track_aux"], rel=1e-4)


def test_contrastive_loss_with_several_positives():
    """The host's loss; rows without a positive do not count."""
    weight = unit("mpce/weight")
    loss = MODELS.build(dict(type="MultiPosCrossEntropyLoss", loss_weight=0.25))
    found = loss(unit("mpce/pred"), unit("mpce/target").int(), weight, reduction_override="none")
    close(found, unit("mpce/loss_none"))
    found = loss(unit("mpce/pred"), unit("mpce/target").int(), weight, avg_factor=weight.sum())
    close(found, unit("mpce/loss"))


@pytest.mark.parametrize("case", ["mined", "notmined"])
def test_l2_loss(case):
    close(AssociationL2Loss()(unit(f"l2/{case}/pred"), unit(f"l2/{case}/target").bool()), unit(f"l2/{case}/loss"))


def test_l2_loss_without_a_positive_pair():
    """Released: not a number, as nothing is left after mining."""
    assert unit("l2/nopos/loss").isnan()
    assert AssociationL2Loss()(unit("l2/nopos/pred"), unit("l2/nopos/target").bool()) == 0


# Tracker


def expected_ids(boxes: Tensor, kept_boxes: Tensor, kept_ids: Tensor) -> list[int]:
    """Released ids at the objects they belong to; there they come sorted, without duplicates, and from 0."""
    ids = torch.zeros(len(boxes), dtype=torch.int64)
    for box, track in zip(kept_boxes, kept_ids, strict=True):
        (position,) = (boxes == box).all(1).nonzero().flatten()
        ids[position] = max(int(track) + 1, 0)
    return ids.tolist()


SIMILARITY = {"bisoftmax": "bidirectional_softmax", "softmax": "softmax", "cosine": "cosine"}


@pytest.mark.parametrize("case", ["config", "softmax_nocats", "cosine_bd2"])
def test_tracker_over_8_frames(case):
    params = unit(f"tracker/{case}/params")
    tracker = QuasiDenseTracker(
        similarity=SIMILARITY[params["match_metric"]],
        match_thr=params["match_score_thr"],
        object_thr=params["obj_score_thr"],
        new_thr=params["init_score_thr"],
        duplicate_iou=params["nms_class_iou_thr"],
        backdrop_iou=params["nms_backdrop_iou_thr"],
        memory_frames=params["memo_tracklet_frames"],
        backdrop_frames=params["memo_backdrop_frames"],
        momentum=params["memo_momentum"],
        same_class=params["with_cats"],
    )
    tracks: Tracks | None = None
    for frame in range(8):
        read = {
            key: unit(f"tracker/{case}/f{frame}/{key}")
            for key in ("bboxes", "labels", "embeds", "out_bboxes", "out_ids", "memo_ids", "n_backdrops")
        }
        boxes, scores = read["bboxes"][:, :4], read["bboxes"][:, 4]
        ids, tracks = tracker(boxes, scores, read["labels"], read["embeds"], frame, tracks)
        assert ids.tolist() == expected_ids(read["bboxes"], read["out_bboxes"], read["out_ids"])
        assert tracks.ids.tolist() == (read["memo_ids"] + 1).tolist()
        assert sum(len(labels) for _, labels in tracks.backdrops) == read["n_backdrops"]
        assert tracks.num_tracks == unit(f"tracker/{case}/f{frame}/num_tracklets")
    embeds, labels, memo_ids = (unit(f"tracker/{case}/final_memo/{key}") for key in ("embeds", "labels", "ids"))
    known = memo_ids >= 0  # the rest are backdrops
    close(tracks.embeddings, embeds[known])
    assert tracks.labels.tolist() == labels[known].tolist()
    close(torch.cat([tracks.embeddings, *(e for e, _ in tracks.backdrops)]), embeds)


def test_tracker_of_vps_modules():
    corners = [[0, 0, 20, 20], [1, 1, 21, 21], [40, 0, 60, 30], [80, 10, 99, 40], [5, 60, 30, 90], [50, 60, 80, 99]]
    scores, labels = torch.tensor([0.9, 0.8, 0.7, 0.5, 0.33, 0.28]), torch.tensor([0, 0, 1, 1, 0, 1])
    tracks = None
    for frame in (0, 1, 2, 4, 5, 9, 16):
        k = 3 if frame == 5 else 6
        embeddings = recipe.tensor("trk.e", 6, 256, std=0.35)[:k] + recipe.tensor(f"trk.n{frame}", k, 256, std=0.1)
        boxes = torch.tensor(corners, dtype=torch.float32)[:k] + recipe.tensor(f"trk.b{frame}", k, 4)
        ids, tracks = QuasiDenseTracker()(boxes, scores[:k], labels[:k], embeddings, frame, tracks)
        kept = vps(f"tracker.{frame}.boxes")
        wanted = expected_ids(torch.cat([boxes, scores[:k, None]], 1), kept, vps(f"tracker.{frame}.ids"))
        assert ids.tolist() == wanted
