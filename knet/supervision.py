"""Losses of every stage against the ground truth (deep supervision).

B batch*frames, N kernels, K classes, T thing classes, (h, w) stride-8 grid of the predictions, (h', w') grid of the
losses, P pixels of a batch on it, M masks that are asked for.
"""

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample
from mmdet.utils import ConfigType, reduce_mean
from mmengine.model import BaseModule
from torch import Tensor

from knet.labels import LabelSpace
from knet.segments import InitialSegments, Segments
from knet.targets import (
    FrameTruth,
    KernelTargets,
    Match,
    frame_truth,
    kernel_targets,
    rank_map,
    resize,
    resize_pixels,
    semantic_map,
)

NO_KERNEL = 255


@MODELS.register_module()
class SegmentLoss(BaseModule):
    """Classification, mask and rank losses of one stage. A loss that is None is not computed.

    Args:
        loss_cls: Per class score, one-hot targets.
        loss_mask: Per pixel of the masks that are asked for.
        loss_dice: Per mask that is asked for.
        loss_rank: Per pixel, which of the kernels owns it.
    """

    def __init__(
        self,
        loss_cls: ConfigType | None = None,
        loss_mask: ConfigType | None = None,
        loss_dice: ConfigType | None = None,
        loss_rank: ConfigType | None = None,
    ) -> None:
        super().__init__()
        self.loss_cls, self.loss_mask, self.loss_dice, self.loss_rank = (
            None if loss is None else MODELS.build(loss) for loss in (loss_cls, loss_mask, loss_dice, loss_rank)
        )

    def forward(self, segments: Segments, targets: list[KernelTargets], size: tuple[int, int]) -> dict[str, Tensor]:
        """Compare predictions with their targets.

        Args:
            segments: Mask logits (B, N, h, w), class logits (B, N, K) or None.
            targets: One per frame.
            size: Grid (h', w') of the target masks.

        Returns:
            Scalars by name.
        """
        losses = {}
        if self.loss_cls is not None and segments.class_logits is not None:
            losses["loss_cls"] = self._classification(segments.class_logits, targets)
        num_kernels = segments.mask_logits.shape[1]
        wanted = torch.cat([frame * num_kernels + t.kernels for frame, t in enumerate(targets)])  # (M,)
        predicted = resize(segments.mask_logits.flatten(0, 1)[wanted][None], size)[0]  # (M, h', w')
        masks = torch.cat([t.masks for t in targets])
        for name in ("loss_mask", "loss_dice"):
            loss = getattr(self, name)
            if loss is not None and len(masks):
                losses[name] = loss(predicted.flatten(1), masks.flatten(1))
            elif loss is not None:
                losses[name] = segments.mask_logits.sum() * 0
        if self.loss_rank is not None:
            owners = torch.stack([rank_map(t.masks, t.kernels, NO_KERNEL) for t in targets])  # (B, h', w')
            pixels = resize_pixels(segments.mask_logits, size)  # (B*h'*w', N)
            losses["loss_rank"] = self.loss_rank(pixels, owners.flatten(), ignore_index=NO_KERNEL)
        return losses

    def _classification(self, class_logits: Tensor, targets: list[KernelTargets]) -> Tensor:
        """Averaged over the kernels, of all processes, that have something to find."""
        classes = torch.cat([t.classes for t in targets])  # (B*N, K)
        weights = torch.cat([t.class_weights for t in targets])
        positives = class_logits.new_tensor(sum(len(t.kernels) for t in targets))
        return self.loss_cls(
            class_logits.flatten(0, 1), classes, weights, avg_factor=reduce_mean(positives).clamp(min=1)
        )


@MODELS.register_module()
class SemanticFocalLoss(BaseModule):
    """Per-pixel focal loss over classes, averaged over the annotated pixels (image K-Net).

    The value of the host's `FocalLoss`, in a third of the time: nearly every entry is of a class that its pixel does
    not have, so all are summed up as such, and one entry a pixel is corrected. No one-hot copy of the labels is made.

    Args:
        loss_weight: Weight.
        alpha: Weight of the class that a pixel has; 1 - alpha is that of the others.
        gamma: Power of what is missing to a perfect probability.
    """

    def __init__(self, loss_weight: float = 1.0, alpha: float = 0.25, gamma: float = 2.0) -> None:
        super().__init__()
        self.loss_weight, self.alpha, self.gamma = loss_weight, alpha, gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """(P, K) logits of pixels against (P,) labels, of which K is "not annotated"."""
        annotated = labels < logits.shape[1]  # (P,)
        own = logits.gather(1, labels.clamp(max=logits.shape[1] - 1)[:, None]).squeeze(1)  # (P,)
        correction = self.alpha * self._absent(-own) - (1 - self.alpha) * self._absent(own)
        total = (1 - self.alpha) * self._absent(logits).sum() + (correction * annotated).sum()
        return self.loss_weight * total / annotated.sum().clamp(min=1)

    def _absent(self, logits: Tensor) -> Tensor:
        """Focal loss, without alpha, where a class is absent; with the opposite sign, where it is present."""
        logits = logits.float()
        return logits.sigmoid() ** self.gamma * F.softplus(logits)


@MODELS.register_module()
class SemanticCrossEntropyLoss(BaseModule):
    """Per-pixel softmax cross-entropy, averaged over all pixels, annotated or not (Video K-Net)."""

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss = MODELS.build(dict(type="CrossEntropyLoss", loss_weight=loss_weight))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """(P, K) logits of pixels against (P,) labels, of which K is "not annotated"."""
        return self.loss(logits, labels, ignore_index=logits.shape[1])


@MODELS.register_module()
class DeepSupervision(BaseModule):
    """Matches kernels and objects at every stage, and sums up what is wrong.

    Args:
        labels: Things and stuff.
        stride: Input pixels per pixel of the grid on which losses are computed.
        assigner: Matches thing kernels and objects.
        initial_loss: Loss of the initial thing masks.
        semantic_loss: Loss of the per-pixel classes.
        stage_loss: Loss of each stage.
    """

    def __init__(
        self,
        labels: LabelSpace,
        initial_loss: ConfigType,
        semantic_loss: ConfigType,
        stage_loss: ConfigType,
        assigner: ConfigType = dict(type="MaskHungarianAssigner"),
        stride: int = 4,
    ) -> None:
        super().__init__()
        self.labels, self.stride = labels, stride
        self.assigner = TASK_UTILS.build(assigner)
        self.initial_loss = MODELS.build(initial_loss)
        self.semantic_loss = MODELS.build(semantic_loss)
        self.stage_loss = MODELS.build(stage_loss)

    def truths(self, samples: list[DetDataSample], images: Tensor) -> list[FrameTruth]:
        """The annotation of each of the (B, 3, H, W) images on the grid of the losses."""
        shape = tuple(images.shape[2:])
        return [frame_truth(sample, shape, self.stride, self.labels, images.device) for sample in samples]

    def match(self, segments: Segments, truths: list[FrameTruth]) -> list[Match]:
        """Match the thing kernels of each frame with its objects."""
        return self.assigner(self.things(segments), truths)

    def things(self, segments: Segments) -> Segments:
        """The thing kernels, with scores of thing classes only."""
        num_things, num_thing_kernels = self.labels.num_things, self._num_thing_kernels(segments)
        logits = segments.class_logits
        return Segments(
            kernels=segments.kernels[:, :num_thing_kernels],
            mask_logits=segments.mask_logits[:, :num_thing_kernels],
            class_logits=None if logits is None else logits[:, :num_thing_kernels, :num_things],
        )

    def forward(self, initial: InitialSegments, stages: list[Segments], truths: list[FrameTruth]) -> dict[str, Tensor]:
        """Losses of the initial masks and of every stage.

        A stage is matched by what the stage before it predicted.

        Returns:
            `init.loss_*`, `s0.loss_*`, `s1.loss_*`, ...
        """
        matches = self.match(initial.segments, truths)
        losses = {f"init.{name}": loss for name, loss in self._initial(initial, truths, matches).items()}
        size = tuple(truths[0].masks.shape[1:])
        for s, segments in enumerate(stages):
            if s > 0:
                matches = self.match(stages[s - 1], truths)
            targets = [
                kernel_targets(truth, match, self._num_thing_kernels(segments), self.labels)
                for truth, match in zip(truths, matches, strict=True)
            ]
            losses |= {f"s{s}.{name}": loss for name, loss in self.stage_loss(segments, targets, size).items()}
        return losses

    def _initial(self, initial: InitialSegments, truths: list[FrameTruth], matches: list[Match]) -> dict[str, Tensor]:
        """Thing masks only, and the per-pixel classes, which the stuff masks are part of."""
        count = self._num_thing_kernels(initial.segments)
        things = LabelSpace(self.labels.num_things)
        targets = [
            kernel_targets(without_stuff(truth), match, count, things)
            for truth, match in zip(truths, matches, strict=True)
        ]
        size = tuple(truths[0].masks.shape[1:])
        segments = Segments(initial.segments.kernels[:, :count], initial.segments.mask_logits[:, :count])
        losses = self.initial_loss(segments, targets, size)
        semantic = torch.stack([semantic_map(t, m, self.labels) for t, m in zip(truths, matches, strict=True)])
        losses["loss_seg"] = self.semantic_loss(resize_pixels(initial.semantic_logits, size), semantic.flatten())
        return losses

    def _num_thing_kernels(self, segments: Segments) -> int:
        return segments.kernels.shape[1] - self.labels.num_stuff


def without_stuff(truth: FrameTruth) -> FrameTruth:
    """The objects of a frame only."""
    return FrameTruth(truth.labels, truth.masks, truth.stuff_labels[:0], truth.stuff_masks[:0], truth.ids)
