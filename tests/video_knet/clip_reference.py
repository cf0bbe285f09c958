"""The clip-level model in the names and the order of the released code, written down a second time to compare with.

It is slow, takes one frame after the other, and shares nothing with the packages: weights are a dict by released name.

F frames of a clip, N kernels, C channels, (h, w) stride-8 grid, (h', w') stride-4 grid of the losses, K classes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

HEADS, GROUPS = 8, 32


@dataclass
class Annotation:
    """What is known of a clip: of each frame the label and the mask (H, W) by the id of the object."""

    frames: list[dict[int, tuple[int, Tensor]]]

    def ids(self) -> list[int]:
        return sorted({number for frame in self.frames for number in frame})

    def label(self, number: int) -> int:
        return next(frame[number][0] for frame in self.frames if number in frame)


def up(maps: Tensor, height: int, width: int) -> Tensor:
    """(N, h, w) to another size, bilinearly."""
    return F.interpolate(maps[None], (height, width), mode="bilinear", align_corners=False)[0]


class ReleasedClipModel:
    """Forward pass and losses from pyramid levels on."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    # Layers by name

    def get(self, name: str) -> Tensor:
        return self.weights[name]

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.get(f"{name}.weight"), self.weights.get(f"{name}.bias"))  # some have no bias

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.get(f"{name}.weight"), self.get(f"{name}.bias"))

    def conv(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        """Convolution without bias, group norm, ReLU."""
        weight = self.get(f"{name}.conv.weight")
        x = F.conv2d(x[None], weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.group_norm(x, GROUPS, self.get(f"{name}.gn.weight"), self.get(f"{name}.gn.bias")).relu()[0]

    # Initial kernels

    def features(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Thing and stuff features (C, h, w) from four levels (C, h_i, w_i)."""
        total, root = 0, "rpn_head.localization_fpn"
        for i, level in enumerate(levels):
            x = level + position(*level.shape) if i == 3 else level
            for j in range(max(i, 1)):
                x = self.conv(x, f"{root}.convs_all_levels.{i}.conv{j}", stride=2 if i == 0 else 1)
                if j < i - 1:
                    x = up(x, 2 * x.shape[1], 2 * x.shape[2])
            total = total + x
        return self.conv(total, f"{root}.conv_pred"), self.conv(total, f"{root}.aux_convs.0")

    def initial(self, levels: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features (C, h, w), kernels (N, C), masks (N, h, w), class maps (K, h, w)."""
        things, stuff = self.features(levels)
        things, stuff = self.conv(things, "rpn_head.loc_convs.0"), self.conv(stuff, "rpn_head.seg_convs.0")
        masks = F.conv2d(things[None], self.get("rpn_head.init_kernels.weight"))[0]
        classes = F.conv2d(stuff[None], self.get("rpn_head.conv_seg.weight"), self.get("rpn_head.conv_seg.bias"))[0]
        x = things + stuff
        kernels = self.get("rpn_head.init_kernels.weight")[:, :, 0, 0] + pool(masks, x)
        return x, kernels, masks, classes

    # One update head

    def transformed(self, x: Tensor, head: str) -> Tensor:
        name = f"{head}.feat_transform.conv"
        return F.conv2d(x[None], self.get(f"{name}.weight"), self.get(f"{name}.bias"))[0]

    def update(self, features: Tensor, kernels: Tensor, head: str) -> Tensor:
        """Group features and kernels, (N, C) each, to kernels after the gates, attention and the two-layer network."""
        p, channels = f"{head}.kernel_update_conv.", kernels.shape[1]
        p_in, p_out = self.linear(features, p + "dynamic_layer").split(channels, dim=1)
        k_in, k_out = self.linear(kernels, p + "input_layer").split(channels, dim=1)
        gate = k_in * p_in
        kernel_gate = self.norm(self.linear(gate, p + "input_gate"), p + "input_norm_in").sigmoid()
        feature_gate = self.norm(self.linear(gate, p + "update_gate"), p + "norm_in").sigmoid()
        mixed = feature_gate * self.norm(p_out, p + "norm_out") + kernel_gate * self.norm(k_out, p + "input_norm_out")
        kernels = self.norm(self.linear(mixed, p + "fc_layer"), p + "fc_norm").relu()
        kernels = self.norm(kernels + self.attention(kernels, f"{head}.attention.attn"), f"{head}.attention_norm")
        hidden = self.linear(kernels, f"{head}.ffn.layers.0.0").relu()
        return self.norm(kernels + self.linear(hidden, f"{head}.ffn.layers.1"), f"{head}.ffn_norm")

    def attention(self, x: Tensor, name: str) -> Tensor:
        size = x.shape[1] // HEADS
        q, k, v = F.linear(x, self.get(f"{name}.in_proj_weight"), self.get(f"{name}.in_proj_bias")).chunk(3, dim=1)
        parts = [slice(i * size, (i + 1) * size) for i in range(HEADS)]
        read = [(q[:, s] @ k[:, s].T / math.sqrt(size)).softmax(1) @ v[:, s] for s in parts]
        return self.linear(torch.cat(read, 1), f"{name}.out_proj")

    def classes(self, kernels: Tensor, head: str) -> Tensor:
        hidden = self.norm(self.linear(kernels, f"{head}.cls_fcs.0"), f"{head}.cls_fcs.1").relu()
        return self.linear(hidden, f"{head}.fc_cls")

    def masks(self, kernels: Tensor, x: Tensor, head: str) -> Tensor:
        """(N, C) kernels and transformed features (C, h, w) to (N, h, w)."""
        hidden = self.norm(self.linear(kernels, f"{head}.mask_fcs.0"), f"{head}.mask_fcs.1").relu()
        return F.conv2d(x[None], self.linear(hidden, f"{head}.fc_mask")[:, :, None, None])[0]

    # Stages

    def frame_stages(self, x: Tensor, kernels: Tensor, masks: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Kernels, class logits, masks of the three stages of one frame."""
        stages = []
        for s in range(3):
            head = f"roi_head.mask_head.{s}"
            y = self.transformed(x, head)
            kernels = self.update(pool(masks, y), kernels, head)
            masks = self.masks(kernels, y, head)
            stages.append((kernels, self.classes(kernels, head), masks))
        return stages

    def clip_stages(
        self, x: list[Tensor], kernels: list[Tensor], masks: list[Tensor]
    ) -> list[tuple[Tensor | None, list[Tensor]]]:
        """Class logits of the clip, and masks of each frame, of the three stages of the tracker."""
        clip, stages = sum(kernels) / len(kernels), []
        for s in (0, 1):
            head = f"tracker.mask_head.{s}"
            y = [self.transformed(frame, head) for frame in x]
            gathered = sum(pool(mask, frame) for mask, frame in zip(masks, y)) / len(y)
            clip = self.update(gathered, clip, head)
            masks = [self.masks(clip, frame, head) for frame in y]
            stages.append((self.classes(clip, head), masks))
        head = "tracker.mask_head.2"
        y = [self.transformed(frame, head) for frame in x]
        alone = [self.update(pool(mask, frame), clip, head) for mask, frame in zip(masks, y)]
        stages.append((None, [self.masks(kernel, frame, head) for kernel, frame in zip(alone, y)]))
        return stages

    # Losses

    def losses(self, clips: list[list[list[Tensor]]], truths: list[Annotation]) -> dict[str, Tensor]:
        """All losses of a batch: levels of each frame of each clip, and its annotation."""
        found = {}
        frames = [(levels, truth.frames[t]) for clip, truth in zip(clips, truths) for t, levels in enumerate(clip)]
        initial = [self.initial(levels) for levels, _ in frames]
        stages = [self.frame_stages(*values[:3]) for values in initial]
        targets = [targets_of(frame) for _, frame in frames]
        before = [(None, masks) for _, _, masks, _ in initial]
        matches = [match(*b, t) for b, t in zip(before, targets)]
        found |= mask_losses([up(b[1], 16, 24) for b in before], targets, matches, "loss_rpn_")
        found["loss_rpn_seg"] = semantic_loss([up(v[3], 16, 24) for v in initial], targets, matches)
        for s in range(3):
            matches = [match(*b, t) for b, t in zip(before, targets)]
            before = [(stage[s][1], stage[s][2]) for stage in stages]
            found[f"s{s}_loss_cls"] = class_loss([b[0] for b in before], targets, matches)
            found |= mask_losses([up(b[1], 16, 24) for b in before], targets, matches, f"s{s}_loss_")
        return found | self.clip_losses(initial, stages, truths)

    def clip_losses(self, initial: list, stages: list, truths: list[Annotation]) -> dict[str, Tensor]:
        found, results, count = {}, [], len(truths[0].frames)
        for i in range(len(truths)):
            part = slice(i * count, (i + 1) * count)
            last = [stage[2] for stage in stages[part]]
            results.append(self.clip_stages([v[0] for v in initial[part]], [v[0] for v in last], [v[2] for v in last]))
        targets = [tubes_of(truth) for truth in truths]
        for s in range(3):
            logits = [result[s][0] for result in results]
            tubes = [torch.cat([up(mask, 16, 24) for mask in result[s][1]], dim=1) for result in results]
            if s < 2:
                matches = [match(*values) for values in zip(logits, tubes, targets)]
                found[f"tracker_s{s}_loss_cls"] = class_loss(logits, targets, matches)
            found |= mask_losses(tubes, targets, matches, f"tracker_s{s}_loss_")
        self.matches = matches
        return found

    # Result

    def tracks(self, frames: list[list[Tensor]], image: tuple[int, int], original: tuple[int, int], count: int) -> dict:
        """The best pairs of kernel and label of a video, and their masks (F, count, H, W), ids from 0."""
        initial = [self.initial(levels) for levels in frames]
        last = [self.frame_stages(*values[:3])[2] for values in initial]
        stages = self.clip_stages([v[0] for v in initial], [v[0] for v in last], [v[2] for v in last])
        scores = stages[1][0].sigmoid()
        best = scores.flatten().topk(count)
        kernels, labels = best.indices // scores.shape[1], best.indices % scores.shape[1]
        masks = []
        for logits in stages[2][1]:
            maps = up(up(logits[kernels], 16, 24).sigmoid(), 64, 96)[:, : image[0], : image[1]]
            masks.append(up(maps, *original) > 0.5)
        return dict(scores=best.values, kernels=kernels, labels=labels, masks=torch.stack(masks), ids=range(count))


def pool(masks: Tensor, x: Tensor) -> Tensor:
    """(N, h, w) mask logits and (C, h, w) features to (N, C): sums of the features where a mask is likely."""
    return torch.stack([(x * (mask.detach().sigmoid() > 0.5)).sum((1, 2)) for mask in masks])


def position(channels: int, height: int, width: int) -> Tensor:
    """Sines and cosines of the row, then of the column, both counted from 1 and scaled to 2 pi."""
    half = channels // 2
    code = torch.zeros(channels, height, width)
    for i in range(half):
        wave = torch.sin if i % 2 == 0 else torch.cos
        speed = 10000 ** (2 * (i // 2) / half)
        rows = torch.arange(1, height + 1) / (height + 1e-6) * 2 * math.pi
        columns = torch.arange(1, width + 1) / (width + 1e-6) * 2 * math.pi
        code[i], code[half + i] = wave(rows / speed)[:, None], wave(columns / speed)[None]
    return code


Targets = list[tuple[int, Tensor]]  # label and mask (h', w') of each object


def targets_of(frame: dict[int, tuple[int, Tensor]]) -> Targets:
    return [(label, up(mask[None].float(), 16, 24)[0]) for _, (label, mask) in sorted(frame.items())]


def tubes_of(truth: Annotation) -> Targets:
    """Every object of the clip; an empty mask where it is absent; frames below each other."""
    targets = []
    for number in truth.ids():
        masks = [frame[number][1] if number in frame else torch.zeros(64, 96) for frame in truth.frames]
        targets.append((truth.label(number), torch.cat([up(mask[None].float(), 16, 24)[0] for mask in masks])))
    return targets


@torch.no_grad()
def match(logits: Tensor | None, masks: Tensor, targets: Targets) -> list[tuple[int, int]]:
    """Pairs of kernel and object at least cost, by kernel."""
    if not targets:
        return []
    if masks.shape[1:] != targets[0][1].shape:
        masks = up(masks, *targets[0][1].shape)
    cost = torch.zeros(len(masks), len(targets))
    for n, mask in enumerate(masks.sigmoid()):
        for g, (label, target) in enumerate(targets):
            if logits is not None:
                p = logits[n, label].sigmoid()
                positive = -(p + 1e-12).log() * 0.25 * (1 - p) ** 2
                cost[n, g] += 2 * (positive + (1 - p + 1e-12).log() * 0.75 * p**2)
            cost[n, g] -= (mask * target + (1 - mask) * (1 - target)).mean()
            cost[n, g] -= 4 * 2 * (mask * target).sum() / ((mask**2).sum() + (target**2).sum() + 2e-3)
    return sorted(zip(*(index.tolist() for index in linear_sum_assignment(cost.numpy()))))


def matched(values: list, targets: list[Targets], matches: list) -> Iterator[tuple[Tensor, int, Tensor]]:
    for value, target, pairs in zip(values, targets, matches):
        for kernel, number in pairs:
            yield value[kernel], *target[number]


def mask_losses(logits: list[Tensor], targets: list[Targets], matches: list, prefix: str) -> dict[str, Tensor]:
    pixels, dice = [], []
    for mask, _, target in matched(logits, targets, matches):
        p = mask.sigmoid()
        pixels.append((F.softplus(mask) - mask * target).mean())
        dice.append(1 - 2 * (p * target).sum() / ((p**2).sum() + (target**2).sum() + 2e-3))
    if not pixels:
        return {f"{prefix}{name}": sum(mask.sum() for mask in logits) * 0 for name in ("mask", "dice")}
    return {f"{prefix}mask": sum(pixels) / len(pixels), f"{prefix}dice": 4 * sum(dice) / len(dice)}


def focal(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.sigmoid()
    return torch.where(target > 0, 0.25 * (1 - p) ** 2 * F.softplus(-logits), 0.75 * p**2 * F.softplus(logits)).sum()


def class_loss(logits: list[Tensor], targets: list[Targets], matches: list) -> Tensor:
    total, count = 0, 0
    for scores, target, pairs in zip(logits, targets, matches):
        wanted = torch.zeros_like(scores)
        for kernel, number in pairs:
            wanted[kernel, target[number][0]] = 1
        total, count = total + focal(scores, wanted), count + len(pairs)
    return 2 * total / max(count, 1)


def semantic_loss(logits: list[Tensor], targets: list[Targets], matches: list) -> Tensor:
    total, count = 0, 0
    for maps, target, pairs in zip(logits, targets, matches):
        wanted = torch.zeros_like(maps)
        for _, number in pairs:  # by kernel: a later one lies on top
            label, mask = target[number]
            wanted[:, mask > 0] = 0
            wanted[label, mask > 0] = 1
        total, count = total + focal(maps, wanted), count + int(wanted.sum())
    return total / max(count, 1)
