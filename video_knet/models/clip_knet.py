"""Clip-level Video K-Net for video instance segmentation (Sec. 3.3): a kernel is an object in all frames of a clip.

B clips, T frames, N kernels, C channels, K classes, H W size of the padded batch.
"""

from dataclasses import replace

import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.utils import ConfigType
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from knet.knet import KNet
from knet.segment_merging import ImageSize, InstanceSegments
from knet.segments import Segments
from knet.targets import FrameTruth, kernel_targets
from video_knet.models.clip_decoder import ClipSegments
from video_knet.models.data_preprocessor import without_batch_padding
from video_knet.models.state import BufferedFrame, ClipState, ClipTracks, OnlineModel
from video_knet.models.tubes import as_tubes, tube_truth, without_padding


@MODELS.register_module()
class ClipKNet(OnlineModel, KNet):
    """K-Net on every frame, then stages that fuse the kernels of a clip; identity is the index of the kernel.

    Args:
        clip_decoder: Config of the stages over a clip.
        window: Frames that are segmented together; None takes a video as a whole, as the authors do, in memory that
            grows with its length.
        stitcher: Config of what joins the objects of one window to those of the one before.
        **knet: Arguments of `KNet`. The label space has things only, and `merging` gives instances.
    """

    first_state = ClipState

    def __init__(
        self,
        clip_decoder: ConfigType = dict(type="ClipDecoder"),
        window: int | None = None,
        stitcher: ConfigType = dict(type="WindowStitcher"),
        **knet,
    ) -> None:
        super().__init__(**knet)
        if self.labels.num_stuff:
            raise ValueError(
                f"ClipKNet segments instances, but its labels have {self.labels.num_stuff} stuff classes; choose a "
                "dataset of instances, or VideoKNet"
            )
        stage = {**knet["decoder"]["stage"], **clip_decoder.get("stage", {}), "num_classes": self.labels.num_classes}
        self.clip_decoder = MODELS.build({**clip_decoder, "stage": stage})
        self.stitcher = TASK_UTILS.build(stitcher)
        if window is not None and window <= self.stitcher.overlap:
            raise ValueError(
                f"window is {window} frames, of which {self.stitcher.overlap} are shared with the window before; make "
                "it longer, or stitcher.overlap smaller"
            )
        self.window = window

    # Training

    def loss(self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of clips.

        Args:
            batch_inputs: (B, T, 3, H, W).
            batch_data_samples: Their ground truth.

        Returns:
            Of per-frame K-Net `init.loss_*`, `s0.loss_*`, ...; of the clip `clip.s0.loss_*`, ...
        """
        num_frames = batch_inputs.shape[1]
        images = batch_inputs.flatten(0, 1)  # (B*T, 3, H, W)
        frames = [frame for clip in batch_data_samples for frame in clip.video_data_samples]
        truths = self.supervision.truths(frames, images)
        initial, output = self.segment(self.extract_feat(images))
        losses = self.supervision(initial, output.stages, truths)
        tubes = [tube_truth(truths[i : i + num_frames]) for i in range(0, len(truths), num_frames)]
        stages = self.clip_decoder(output.last, initial.features, num_frames)
        return losses | self._clip_loss(stages, tubes, tuple(truths[0].masks.shape[1:]))

    def _clip_loss(
        self, stages: list[ClipSegments], tubes: list[FrameTruth], frame_size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Losses of the tubes. A stage is matched by its own prediction; the last, without classes, keeps the match."""
        losses, size = {}, tuple(tubes[0].masks.shape[1:])
        for s, stage in enumerate(stages):
            segments = as_tubes(stage, frame_size)
            if segments.class_logits is not None:
                matches = self.supervision.match(segments, tubes)
            targets = [
                kernel_targets(tube, match, segments.kernels.shape[1], self.labels)
                for tube, match in zip(tubes, matches, strict=True)
            ]
            stage_losses = self.supervision.stage_loss(segments, targets, size)
            losses |= {f"clip.s{s}.{name}": loss for name, loss in stage_losses.items()}
        return losses

    # Inference, window by window

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[TrackDataSample], rescale: bool = True
    ) -> list[TrackDataSample]:
        """Tracks, as soon as a window is full or a video ends. What is remembered between calls is `self.state`.

        Args:
            batch_inputs: (B, T, 3, H, W), successive frames; a video starts with frame_id 0.
            batch_data_samples: Metainfo with `frame_id`, `video_length`, and `video_id` where there are several videos.
            rescale: Must be True: results always have the original size.

        Returns:
            One clip of the frames that are done, an empty one where none is. Each has `pred_track_instances`: masks
            (n, H, W) bool at the original size, labels, scores, instances_id from 1, kernel_indices.

        Raises:
            ValueError: A frame was skipped, or the video changed midway.
        """
        assert rescale, "results always have the size of the original image"
        divisor = getattr(self.data_preprocessor, "pad_size_divisor", 1)
        done: list[DetDataSample] = []
        for padded, clip in zip(batch_inputs, batch_data_samples, strict=True):
            # What the other clips of the batch have padded this one to would change its features, and so its tracks.
            images = without_batch_padding(padded, clip[0].metainfo["img_shape"], divisor)  # (T, 3, H', W')
            levels = self.extract_feat(images)
            for i, frame in enumerate(clip.video_data_samples):
                self._check_finished(frame)
                done += self.advance(frame, images.shape[-2:], [x[i : i + 1] for x in levels])
        return [as_clip(done)]

    def _check_finished(self, frame: DetDataSample) -> None:
        waiting = 0 if self.state is None else len(self.state.frames) - self.state.num_done
        if waiting and frame.metainfo.get("frame_id") == 0:
            raise ValueError(
                f"{waiting} frames of video {self.state.video} still wait for their window, and another video starts: "
                "give video_length in the metainfo of frames, or call finish_video"
            )

    @torch.no_grad()
    def finish_video(self) -> TrackDataSample:
        """The frames that still wait, of a video whose length nobody knew."""
        state, self.state = self.state, None
        return as_clip([] if state is None else self.finish(state)[0])

    def step(
        self, levels: list[Tensor], sample: DetDataSample, state: ClipState
    ) -> tuple[list[DetDataSample], ClipState]:
        """Take in one frame; pure in `state`.

        Args:
            levels: Pyramid levels of the frame, (1, C, h_i, w_i) each.
            sample: Its metainfo; receives the result later.
            state: After the previous frame.

        Returns:
            The samples of the frames that are done now, and the state after this frame.
        """
        initial, output = self.segment(levels)
        frames = (*state.frames, BufferedFrame(sample, initial.features, output.last))
        state = replace(state, frames=frames)
        is_last = sample.metainfo.get("video_length") == state.frame_id + 1
        return self.finish(state) if is_last or len(frames) == self.window else ([], state)

    def finish(self, state: ClipState) -> tuple[list[DetDataSample], ClipState]:
        """Segment the window of the frames that are there, and remember what it shares with the next one."""
        waiting = range(state.num_done, len(state.frames))
        if not waiting:
            return [], state
        features = torch.cat([frame.features for frame in state.frames])  # (T, C, h, w)
        kernels, masks = (
            torch.cat([getattr(frame.segments, name) for frame in state.frames]) for name in ("kernels", "mask_logits")
        )
        *_, gathered, last = self.clip_decoder(Segments(kernels, masks), features, len(features))
        results = [self._merge(gathered, last, t, state.frames[t].sample) for t in waiting]

        objects, shared = results[0], min(self.stitcher.overlap, len(features))
        clip_kernels = gathered.kernels[0, objects.kernels]  # (M, C)
        logits = without_padding(last.mask_logits[0, :, objects.kernels], ImageSize.of(state.frames[0].sample.metainfo))
        object_masks = (logits > 0).transpose(0, 1)  # (M, T, h, w)
        before = object_masks[:, : state.num_done].flatten(1)  # (M, P)
        ids, num_tracks = self.stitcher(clip_kernels, objects.labels, before, state.clip_tracks)
        for t, result in zip(waiting, results, strict=True):
            state.frames[t].sample.pred_track_instances = track_instances(result, ids)
        tracks = ClipTracks(ids, objects.labels, clip_kernels, object_masks[:, -shared:].flatten(1), num_tracks)
        done = [state.frames[t].sample for t in waiting]
        return done, replace(state, frames=state.frames[-shared:], num_done=shared, clip_tracks=tracks)

    def _merge(self, gathered: ClipSegments, last: ClipSegments, frame: int, sample: DetDataSample) -> InstanceSegments:
        """The objects of one frame; since classes are those of the clip, they are the same in every frame."""
        segments = Segments(gathered.kernels, last.mask_logits[:, frame], gathered.class_logits)
        return self.merging(segments, ImageSize.of(sample.metainfo))


def track_instances(objects: InstanceSegments, ids: Tensor) -> InstanceData:
    """What metrics and overlays read of a frame."""
    return InstanceData(
        masks=objects.masks,
        labels=objects.labels,
        scores=objects.scores,
        instances_id=ids,
        kernel_indices=objects.kernels,
    )


def as_clip(frames: list[DetDataSample]) -> TrackDataSample | BaseDataElement:
    """Frames as one clip. The host's loops want a result for each batch, but its clips refuse to be empty."""
    if not frames:
        return BaseDataElement(video_data_samples=[])
    clip = TrackDataSample()
    clip.video_data_samples = frames
    return clip
