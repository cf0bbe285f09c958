"""Video K-Net: K-Net on every frame, with kernels embedded, linked and fused across frames (Sec. 3.2 and 3.3).

B clips, T frames, N kernels, C channels, H W size of the padded batch.
"""

from dataclasses import replace

import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.utils import ConfigType
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from knet.kernel_decoder import DecoderOutput
from knet.knet import KNet
from knet.segment_merging import ImageSize, PanopticSegments
from knet.segments import InitialSegments
from knet.targets import FrameTruth
from video_knet.models.frame_pairs import KEYS, REFERENCES, check_pairs, decode_pairs
from video_knet.models.kernel_sampling import KernelSamples
from video_knet.models.state import OnlineModel, VideoState
from video_knet.models.track_head import EmbeddingInput, mean_losses


@MODELS.register_module()
class ReferenceLoss(BaseModule):
    """Segmentation losses on reference frames too (Table 7e, "joint training").

    Args:
        loss_weight: Weight of each of them.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same losses, weighted."""
        return {name: loss * self.loss_weight for name, loss in losses.items()}


@MODELS.register_module()
class VideoKNet(OnlineModel, KNet):
    """Online video panoptic segmentation. Every part that K-Net does not have may be None.

    Args:
        kernel_linking: Config of kernel linking (Eq. 3).
        kernel_fusion: Config of kernel fusion.
        track_head: Config of the association embedding. Without it the tracker compares kernels.
        tracker: Config of the tracker. Without it objects get no ids.
        ref_loss: Config of the losses on reference frames. Without it they are given, not learned from.
        track_boxes: Config of the boxes by which the tracker tells duplicates.
        **knet: Arguments of `KNet`.
    """

    def __init__(
        self,
        kernel_linking: ConfigType | None = dict(type="KernelLinking"),
        kernel_fusion: ConfigType | None = dict(type="KernelFusion"),
        track_head: ConfigType | None = dict(type="TrackHead"),
        tracker: ConfigType | None = dict(type="QuasiDenseTracker"),
        ref_loss: ConfigType | None = dict(type="ReferenceLoss"),
        track_boxes: ConfigType = dict(type="SemanticBoxes"),
        **knet,
    ) -> None:
        decoder = dict(knet.pop("decoder"))
        decoder.setdefault("link_stages", (decoder.get("num_stages", 3) - 1,))
        super().__init__(decoder={**decoder, "kernel_linking": kernel_linking, "kernel_fusion": kernel_fusion}, **knet)
        self.track_head = None if track_head is None else MODELS.build(track_head)
        last = str(len(self.decoder.stages) - 1)
        if last in self.decoder.kernel_linking and (self.track_head is None or self.track_head.sampler is None):
            print_log(
                "kernel linking in the last stage is left out: without a track_head that learns nothing would train it",
                "current",
            )
            del self.decoder.kernel_linking[last]
        self.tracker = None if tracker is None else TASK_UTILS.build(tracker)
        self.ref_loss = None if ref_loss is None else MODELS.build(ref_loss)
        self.track_boxes = TASK_UTILS.build(track_boxes)

    # Training

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of frame pairs.

        Args:
            batch_inputs: (B, 2, 3, H, W), the reference frame first.
            batch_data_samples: Their ground truth, in the same order.

        Returns:
            `ref.init.loss_*`, `ref.s0.loss_*`, ..., `key.init.loss_*`, ..., `track.loss_*`.
        """
        check_pairs(batch_inputs)
        levels = self.extract_feat(batch_inputs.flatten(0, 1))  # (B*2, C, h_i, w_i) each
        initial = self.kernel_head(levels)
        pairs = decode_pairs(self.decoder, initial, learn_references=self.ref_loss is not None)
        (ref_initial, ref_output), (key_initial, key_output) = pairs

        ref_truths, key_truths = (
            self.supervision.truths([clip[frame] for clip in batch_data_samples], batch_inputs[:, frame])
            for frame in (0, 1)
        )
        losses = {}
        if self.ref_loss is not None:
            ref_losses = self.supervision(ref_initial, ref_output.stages, ref_truths)
            losses |= {f"ref.{name}": loss for name, loss in self.ref_loss(ref_losses).items()}
        key_losses = self.supervision(key_initial, key_output.stages, key_truths)
        losses |= {f"key.{name}": loss for name, loss in key_losses.items()}
        if self.track_head is not None and self.track_head.sampler is not None:
            ref_images, key_images = batch_inputs.unbind(1)
            ref_levels, key_levels = ([x[frames] for x in levels] for frames in (REFERENCES, KEYS))
            if self.ref_loss is None:
                ref_levels = [x.detach() for x in ref_levels]
            keys = self._embed_samples(key_images, key_levels, key_initial, key_output, key_truths)
            refs = self._embed_samples(ref_images, ref_levels, ref_initial, ref_output, ref_truths)
            track_losses = [self.track_head.loss(*k, *r) for k, r in zip(keys, refs, strict=True)]
            losses |= {f"track.{name}": loss for name, loss in mean_losses(track_losses).items()}
        return losses

    def _embed_samples(
        self,
        images: Tensor,
        levels: list[Tensor],
        initial: InitialSegments,
        output: DecoderOutput,
        truths: list[FrameTruth],
    ) -> list[tuple[Tensor, Tensor]]:
        """Embeddings and identities of the kernels of each frame that learn to be told apart."""
        matches, things = self.supervision.match(output.last, truths), self.supervision.things(output.last)
        embedded = []
        for b, (match, truth) in enumerate(zip(matches, truths, strict=True)):
            samples: KernelSamples = self.track_head.sampler(things.frames(slice(b, b + 1)), match, truth)
            embedded.append((self.embed(images, levels, initial, output, b, samples.kernels), samples.ids))
        return embedded

    def embed(
        self,
        images: Tensor,
        levels: list[Tensor],
        initial: InitialSegments,
        output: DecoderOutput,
        frame: int,
        kernels: Tensor,
    ) -> Tensor:
        """(n,) kernel indices of one frame of the batch to (n, C) association embeddings."""
        chosen = output.association_kernels[frame, kernels]
        if self.track_head is None:
            return chosen
        return self.track_head(
            EmbeddingInput(
                kernels=chosen,
                mask_logits=output.last.mask_logits[frame, kernels],
                features=initial.features[frame],
                levels=[x[frame] for x in levels],
                image=images[frame],
            )
        )

    # Online inference

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample], rescale: bool = True
    ) -> list[TrackDataSample]:
        """Segments and tracks, frame by frame. What is remembered between calls is `self.state`.

        Args:
            batch_inputs: (B, T, 3, H, W), successive frames; a video starts with frame_id 0.
            batch_data_samples: Metainfo with `frame_id`, and `video_id` where there are several videos.
            rescale: Must be True: results always have the original size.

        Returns:
            The samples; each frame has `pred_track_instances` (masks (n, H, W) bool, labels, scores, instances_id from
            1 with 0 for none, kernel_indices) and `pred_panoptic` (semantic (H, W) uint8 dataset ids with 255 void,
            track (H, W) int32 with 0 none).

        Raises:
            ValueError: A frame was skipped, or the video changed midway.
        """
        assert rescale, "results always have the size of the original image"
        images = batch_inputs.flatten(0, 1)  # (B*T, 3, H, W)
        levels = self.extract_feat(images)
        frames = [frame for clip in batch_data_samples for frame in clip.video_data_samples]
        for i, frame in enumerate(frames):
            self.advance(frame, images.shape[-2:], images[i : i + 1], [x[i : i + 1] for x in levels])
        return batch_data_samples

    def step(
        self, image: Tensor, levels: list[Tensor], sample: DetDataSample, state: VideoState
    ) -> tuple[DetDataSample, VideoState]:
        """Segment one frame and continue its tracks; pure in `state`.

        Args:
            image: (1, 3, H, W) the frame.
            levels: Pyramid levels of the frame, (1, C, h_i, w_i) each.
            sample: Its metainfo; receives the result.
            state: After the previous frame.

        Returns:
            The sample with its result, and the state after this frame.
        """
        size = ImageSize.of(sample.metainfo)
        initial, output = self.segment(levels, previous=state.kernels)
        segments = self.merging(output.last, size)
        if not isinstance(segments, PanopticSegments):
            raise TypeError(f"online tracking needs panoptic segments, not those of {type(self.merging).__name__}")

        things = segments.is_thing.nonzero().flatten()
        kernels, scores, labels = segments.kernels[things], segments.scores[things], segments.labels[things]
        masks = segments.masks(things)  # (n, H, W)
        ids, tracks = torch.zeros_like(labels), None
        if self.tracker is not None:
            boxes = self.track_boxes(masks, initial.semantic_logits[0], self.labels.num_things, size)
            embeddings = self.embed(image, levels, initial, output, 0, kernels)
            ids, tracks = self.tracker(boxes, scores, labels, embeddings, state.frame_id, state.tracks)

        sample.pred_track_instances = InstanceData(
            masks=masks, labels=labels, scores=scores, instances_id=ids, kernel_indices=kernels
        )
        all_ids = torch.zeros_like(segments.labels).index_copy(0, things, ids)
        sample.pred_panoptic = self.panoptic_result(segments, all_ids)
        remembered = output.last.kernels.detach() if self.decoder.uses_previous else None
        return sample, replace(state, kernels=remembered, tracks=tracks)
