"""Video K-Net's head on a semantic segmentation network (Sec. 3.3): every class is a kernel.

B clips, T frames, K classes and kernels, C channels, H W size of the padded batch, (h, w) grid of the features.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.utils import ConfigType
from mmengine.structures import BaseDataElement
from torch import Tensor

from knet.class_supervision import AUXILIARY
from knet.kernel_decoder import DecoderOutput
from knet.labels import LabelSpace
from knet.segment_merging import ImageSize, rescale
from knet.segments import InitialSegments
from video_knet.models.frame_pairs import KEYS, REFERENCES, check_pairs, decode_pairs
from video_knet.models.state import OnlineModel, VideoState


@MODELS.register_module()
class VideoSegmentor(OnlineModel, BaseDetector):
    """Online video semantic segmentation: a network alone, K-Net on each of its frames, or Video K-Net.

    Without a decoder it is the network. With one, the kernels of its classes are refined, and with fusion or linking
    they see those of the previous frame. There is no association embedding that linking could serve: linked kernels
    give masks of their own, which are the result where there is a previous frame.

    Args:
        labels: Config of the label space; things and stuff are classes alike.
        backbone: Config of the backbone.
        kernel_head: Config of what gives features, class kernels and first masks: the network's own head.
        supervision: Config of the losses.
        neck: Config of the neck; None passes the backbone's levels on.
        decoder: Config of the stages.
        kernel_linking: Config of kernel linking (Eq. 3).
        kernel_fusion: Config of kernel fusion.
        auxiliary_head: Config of a second head of the network, which only training uses.
        ref_loss: Config of the losses on reference frames. Without it they are given, not learned from.
        windows: Config of the parts of an image that are segmented at a time; where they overlap, logits are averaged.
        data_preprocessor: Config of normalisation and padding.
    """

    def __init__(
        self,
        labels: ConfigType,
        backbone: ConfigType,
        kernel_head: ConfigType,
        supervision: ConfigType = dict(type="ClassSupervision"),
        neck: ConfigType | None = None,
        decoder: ConfigType | None = None,
        kernel_linking: ConfigType | None = None,
        kernel_fusion: ConfigType | None = None,
        auxiliary_head: ConfigType | None = None,
        ref_loss: ConfigType | None = dict(type="ReferenceLoss"),
        windows: ConfigType = dict(type="WholeImage"),
        data_preprocessor: ConfigType | None = None,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.labels: LabelSpace = TASK_UTILS.build(labels)
        count = dict(num_classes=self.labels.num_classes)
        self.backbone = MODELS.build(backbone)
        self.neck = None if neck is None else MODELS.build(neck)
        self.kernel_head = MODELS.build({**kernel_head, **count})
        parts = dict(kernel_linking=kernel_linking, kernel_fusion=kernel_fusion)
        if decoder is None and any(parts.values()):
            raise ValueError(
                f"{' and '.join(name for name, part in parts.items() if part)} need a decoder, but decoder is None; "
                "set them to None, too, or give the stages"
            )
        if decoder is not None:
            last = decoder.get("num_stages", 3) - 1
            stage = {**decoder["stage"], "num_classes": 0}  # a kernel is its class
            decoder = MODELS.build({"link_stages": (last,), **decoder, **parts, "stage": stage})
        self.decoder = decoder
        self.auxiliary_head = None if auxiliary_head is None else MODELS.build({**auxiliary_head, **count})
        self.supervision = MODELS.build({**supervision, **count})
        self.ref_loss = None if ref_loss is None else MODELS.build(ref_loss)
        self.windows = TASK_UTILS.build(windows)
        dataset_ids = torch.tensor(self.labels.dataset_ids, dtype=torch.uint8)
        self.register_buffer("dataset_ids", dataset_ids, persistent=False)

    def extract_feat(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) images to the levels of the backbone, or of the neck."""
        levels = self.backbone(images)
        return list(levels if self.neck is None else self.neck(levels))

    def segment(self, levels: list[Tensor], previous: Tensor | None = None) -> tuple[InitialSegments, DecoderOutput]:
        """Levels to initial segments and those of every stage; without a decoder there is none.

        Args:
            levels: Of B frames.
            previous: (B, K, C) output kernels of the frames before.
        """
        initial = self.kernel_head(levels)
        return initial, DecoderOutput([]) if self.decoder is None else self.decoder(initial, previous)

    def logits(self, initial: InitialSegments, output: DecoderOutput) -> dict[str, Tensor]:
        """(B, K, h, w) class logits by what predicts them, the result last: `init`, `s0`, `s1`, ..., `linked`."""
        maps = {"init": initial.semantic_logits}
        maps |= {f"s{s}": segments.mask_logits for s, segments in enumerate(output.stages)}
        if output.linked is not None:
            features = initial.features
            masks = self.decoder.stages[-1].segment(output.linked, features.flatten(2))  # (B, K, P)
            maps["linked"] = masks.unflatten(2, features.shape[2:])
        return maps

    # Training

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of clips: of frame pairs where kernels see other frames, else of any frames.

        Args:
            batch_inputs: (B, T, 3, H, W); of a pair, the reference frame comes first.
            batch_data_samples: Their ground truth, in the same order.

        Returns:
            `init.loss_seg`, `s0.loss_seg`, ..., `aux.loss_seg`; of pairs `ref.init.loss_seg`, ..., `key.init.loss_seg`.
        """
        images = batch_inputs.flatten(0, 1)  # (B*T, 3, H, W)
        frames = [frame for clip in batch_data_samples for frame in clip.video_data_samples]
        targets = self.supervision.targets(frames, images)  # (B*T, H, W)
        levels = self.extract_feat(images)
        extra = {} if self.auxiliary_head is None else {AUXILIARY: self.auxiliary_head(levels)}
        initial = self.kernel_head(levels)
        if self.decoder is None or not self.decoder.uses_previous:
            output = DecoderOutput([]) if self.decoder is None else self.decoder(initial)
            return self.supervision(self.logits(initial, output) | extra, targets)

        check_pairs(batch_inputs)
        pairs = decode_pairs(self.decoder, initial, learn_references=self.ref_loss is not None)
        losses = {}
        for name, which, pair in zip(("ref", "key"), (REFERENCES, KEYS), pairs, strict=True):
            if name == "ref" and self.ref_loss is None:
                continue
            maps = self.logits(*pair) | {head: logits[which] for head, logits in extra.items()}
            found = self.supervision(maps, targets[which])
            found = self.ref_loss(found) if name == "ref" else found
            losses |= {f"{name}.{loss}": value for loss, value in found.items()}
        return losses

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None) -> tuple:
        """Raw class logits (B, K, h, w) of the last stage; clips are folded."""
        maps = self.logits(*self.segment(self.extract_feat(batch_inputs.flatten(0, -4))))
        return (list(maps.values())[-1],)

    # Online inference

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample], rescale: bool = True
    ) -> list[TrackDataSample]:
        """Classes of every pixel, frame by frame. What is remembered between calls is `self.state`.

        Args:
            batch_inputs: (B, T, 3, H, W), successive frames; a video starts with frame_id 0.
            batch_data_samples: Metainfo with `frame_id`, and `video_id` where there are several videos.
            rescale: Must be True: results always have the original size.

        Returns:
            The samples; each frame has `pred_panoptic`: semantic (H, W) uint8 dataset ids, track (H, W) int32, all 0.

        Raises:
            ValueError: A frame was skipped, or the video changed midway.
        """
        assert rescale, "results always have the size of the original image"
        frames = [frame for clip in batch_data_samples for frame in clip.video_data_samples]
        for image, frame in zip(batch_inputs.flatten(0, 1), frames, strict=True):
            self.advance(frame, image.shape[-2:], image[None])
        return batch_data_samples

    def step(self, image: Tensor, sample: DetDataSample, state: VideoState) -> tuple[DetDataSample, VideoState]:
        """Segment one frame; pure in `state`.

        Args:
            image: (1, 3, H, W) the frame.
            sample: Its metainfo; receives the result.
            state: After the previous frame.

        Returns:
            The sample with its result, and the state after this frame.

        Raises:
            ValueError: The frame has other windows than the one before.
        """
        shape = tuple(image.shape[-2:])
        windows = self.windows(shape)
        if state.kernels is not None and len(state.kernels) != len(windows):
            raise ValueError(
                f"frame {state.frame_id} of video {state.video} has {len(windows)} windows, the frame before had "
                f"{len(state.kernels)}: all frames of a video need one size"
            )
        total = image.new_zeros(self.labels.num_classes, *shape)
        count = image.new_zeros(shape)
        kernels = []
        for i, (rows, columns) in enumerate(windows):
            previous = None if state.kernels is None else state.kernels[i : i + 1]
            initial, output = self.segment(self.extract_feat(image[..., rows, columns]), previous)
            (*_, logits) = self.logits(initial, output).values()
            inside = total[:, rows, columns]
            inside += F.interpolate(logits, inside.shape[1:], mode="bilinear", align_corners=False)[0]
            count[rows, columns] += 1
            if output.stages:
                kernels.append(output.last.kernels.detach())
        sample.pred_panoptic = self._result(total.div_(count), ImageSize.of(sample.metainfo))
        remembered = self.decoder is not None and self.decoder.uses_previous
        return sample, replace(state, kernels=torch.cat(kernels) if remembered else None)

    def _result(self, logits: Tensor, size: ImageSize) -> BaseDataElement:
        """(K, H, W) class logits of the padded image to maps of the original one, in dataset ids."""
        best, labels = rescale(logits, size).max(dim=0)  # (H, W); NaN is above everything
        if not torch.isfinite(best).all():
            raise FloatingPointError(
                "the network predicts NaN or infinity: its weights have diverged, or half precision overflows; test an "
                "earlier checkpoint, or without --amp"
            )
        semantic = self.dataset_ids[labels]
        return BaseDataElement(semantic=semantic, track=torch.zeros_like(semantic, dtype=torch.int32))
