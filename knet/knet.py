"""K-Net: features -> initial kernels -> S stages -> segments.

B images, C channels, H W size of the padded batch.
"""

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample
from mmdet.utils import ConfigType
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from knet.kernel_decoder import DecoderOutput
from knet.labels import VOID, LabelSpace
from knet.segment_merging import ImageSize, InstanceSegments, PanopticSegments
from knet.segments import InitialSegments

INSTANCE_OFFSET = 1000  # mmdet's coding of panoptic maps: class + INSTANCE_OFFSET * segment


@MODELS.register_module()
class KNet(BaseDetector):
    """Image segmentation with learnable kernels: panoptic, or instance where there is no stuff.

    Args:
        labels: Config of the label space (things, stuff, dataset ids); parts take their class counts from it.
        backbone: Config of the backbone.
        neck: Config of the neck; None passes the backbone's levels on.
        kernel_head: Config of the initial kernels.
        decoder: Config of the stages.
        supervision: Config of the losses.
        merging: Config of what turns the last stage into a result.
        void_id: Dataset id of pixels that no segment won.
        data_preprocessor: Config of normalisation and padding.
    """

    def __init__(
        self,
        labels: ConfigType,
        backbone: ConfigType,
        kernel_head: ConfigType,
        decoder: ConfigType,
        supervision: ConfigType,
        merging: ConfigType,
        neck: ConfigType | None = None,
        void_id: int = VOID,
        data_preprocessor: ConfigType | None = None,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.labels: LabelSpace = TASK_UTILS.build(labels)
        counts = dict(num_things=self.labels.num_things, num_stuff=self.labels.num_stuff)
        self.backbone = MODELS.build(backbone)
        self.neck = None if neck is None else MODELS.build(neck)
        self.kernel_head = MODELS.build({**kernel_head, **counts})
        stage = {**decoder["stage"], "num_classes": self.labels.num_classes}
        self.decoder = MODELS.build({**decoder, "stage": stage})
        self.supervision = MODELS.build({**supervision, "labels": self.labels})
        self.merging = TASK_UTILS.build({**merging, "labels": self.labels, "stride": self.supervision.stride})
        # Index 0 is void, index 1 + label a class.
        dataset_ids = torch.tensor([void_id, *self.labels.dataset_ids], dtype=torch.uint8)
        self.register_buffer("dataset_ids", dataset_ids, persistent=False)

    def extract_feat(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) images to pyramid levels (B, C, H/4, W/4), (B, C, H/8, W/8), ..."""
        levels = self.backbone(images)
        return list(levels if self.neck is None else self.neck(levels))

    def segment(self, levels: list[Tensor], previous: Tensor | None = None) -> tuple[InitialSegments, DecoderOutput]:
        """Pyramid levels to initial segments and those of every stage."""
        initial = self.kernel_head(levels)
        return initial, self.decoder(initial, previous)

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            batch_inputs: (B, 3, H, W).
            batch_data_samples: With ground truth.

        Returns:
            `init.loss_*`, `s0.loss_*`, ...
        """
        truths = self.supervision.truths(batch_data_samples, batch_inputs)
        initial, output = self.segment(self.extract_feat(batch_inputs))
        return self.supervision(initial, output.stages, truths)

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """Segments of a batch, at the size of the original images.

        Args:
            batch_inputs: (B, 3, H, W).
            batch_data_samples: Their metainfo.
            rescale: Must be True: results always have the original size.

        Returns:
            The samples, with `pred_panoptic` and `pred_panoptic_seg`, or with `pred_instances`.
        """
        assert rescale, "results always have the size of the original image"
        _, output = self.segment(self.extract_feat(batch_inputs))
        for i, sample in enumerate(batch_data_samples):
            result = self.merging(
                output.last.frames(slice(i, i + 1)), ImageSize.of(sample.metainfo, batch_inputs.shape[-2:])
            )
            if isinstance(result, InstanceSegments):
                sample.pred_instances = instance_result(result)
            else:
                sample.pred_panoptic = self.panoptic_result(result, result.is_thing.cumsum(0) * result.is_thing)
                sample.pred_panoptic_seg = self._host_panoptic(result)
        return batch_data_samples

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None) -> tuple:
        """Raw outputs of the last stage: class logits (B, N, K) and mask logits (B, N, h, w); clips are folded."""
        _, output = self.segment(self.extract_feat(batch_inputs.flatten(0, -4)))
        return output.last.class_logits, output.last.mask_logits

    def panoptic_result(self, segments: PanopticSegments, tracks: Tensor) -> BaseDataElement:
        """Maps in dataset ids.

        Args:
            segments: M segments of one image.
            tracks: (M,) track id of each, 0 for none.

        Returns:
            `semantic` (H, W) uint8 dataset ids, 255 void; `track` (H, W) int32, 0 none.
        """
        nothing = tracks.new_zeros(1)
        classes = self.dataset_ids[torch.cat([nothing, segments.labels + 1])]  # (1 + M,)
        tracks = torch.cat([nothing, tracks]).to(torch.int32)
        return BaseDataElement(semantic=classes[segments.index], track=tracks[segments.index])

    def _host_panoptic(self, segments: PanopticSegments) -> PixelData:
        """The coding that mmdet's metrics read: label + INSTANCE_OFFSET * segment, number of classes where void."""
        codes = segments.labels + INSTANCE_OFFSET * torch.arange(1, len(segments.labels) + 1).to(segments.labels)
        codes = torch.cat([codes.new_full((1,), self.labels.num_classes), codes])
        return PixelData(sem_seg=codes[segments.index][None])


def instance_result(segments: InstanceSegments) -> InstanceData:
    """Objects as mmdet's metrics read them: masks, labels, scores, and boxes around the masks."""
    return InstanceData(
        masks=segments.masks, labels=segments.labels, scores=segments.scores, bboxes=mask_boxes(segments.masks)
    )


def mask_boxes(masks: Tensor) -> Tensor:
    """(M, H, W) bool masks to (M, 4) float boxes x1, y1, x2, y2 of their outermost pixels; 0 where a mask is empty."""
    if not len(masks):
        return masks.new_zeros((0, 4), dtype=torch.float32)
    columns, rows = masks.any(dim=1), masks.any(dim=2)  # (M, W), (M, H)
    sides = [first_true(columns), first_true(rows), last_true(columns), last_true(rows)]
    return torch.stack(sides, dim=1).float() * columns.any(dim=1, keepdim=True)


def first_true(rows: Tensor) -> Tensor:
    """(M, L) bool to (M,) index of the first True."""
    return rows.int().argmax(dim=1)


def last_true(rows: Tensor) -> Tensor:
    """(M, L) bool to (M,) index of the last True."""
    return rows.shape[1] - 1 - rows.flip(1).int().argmax(dim=1)
