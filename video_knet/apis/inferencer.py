"""Inference on frames that come one by one: config and checkpoint in, segments with track ids out.

Legend: H W size of a frame, M tracks in it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import knet  # noqa: F401  must come before mmdet

# isort: split
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from knet.checkpoint import load_weights
from video_knet.apis.dataset_meta import classes_from_meta, with_known_labels
from video_knet.apis.runner import load_config, with_options
from video_knet.formats import is_format
from video_knet.formats.base import VOID, ClassTable, FormatError, SegmentMap

WINDOW = 36  # frames of the longest video of YouTube-VIS: none of them is cut
LEAST_SCORE = 0.3  # objects below are not shown


@dataclass(frozen=True)
class FrameResult:
    """What a model says about one frame.

    Attributes:
        name: Name of the frame.
        image: (H, W, 3) uint8 RGB, as it was given.
        segments: Dataset class ids and track ids, (H, W). Of a model that finds objects only, see `paint_instances`.
        instances: `masks` (M, H, W) bool, `labels` (M,), `scores` (M,), `instances_id` (M,), on the CPU; None where
            the model does not track.
        score_of_track: Score in [0, 1] of each track; empty where the model does not say.
    """

    name: str
    image: np.ndarray
    segments: SegmentMap
    instances: InstanceData | None = None
    score_of_track: dict[int, float] = field(default_factory=dict)

    @property
    def kernel_of_track(self) -> dict[int, int]:
        """Index of the kernel that made each track; empty where the model does not say."""
        return kernel_of_track(self.instances)


class VideoInferencer:
    """Runs a trained model on videos, in constant memory.

    Frames pass through the config's test pipeline (its resizing, too); results have the size of the frames given.

    Args:
        config: Config file, or a loaded config.
        checkpoint: Weights, loaded without executing anything in the file.
        device: "cpu", "cuda", "cuda:1", ...; None takes CUDA where there is one.
        cfg_options: Overrides of the config, by dotted name.

    Attributes:
        model: The model, in evaluation mode.
        classes: Classes and colours of the dataset it was trained for.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The device is not there, the checkpoint does not fit the config, or neither says the classes.

    Example:
        >>> frames = read_frames("drive.mp4")
        >>> for result in VideoInferencer("config.py", "checkpoint.pth")(frames):
        ...     print(result.name, np.unique(result.segments.track))
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | None = None,
        cfg_options: dict[str, Any] | None = None,
    ) -> None:
        self.device = choose_device(device)
        options = cfg_options or {}
        self.config = (
            with_options(config, options) if isinstance(config, Config) else load_config(config, None, options)
        )
        init_default_scope(self.config.get("default_scope", "mmdet"))
        self.model = MODELS.build(with_known_labels(self.config.model, checkpoint))
        meta = load_weights(self.model, checkpoint).get("meta") or {}
        self.model.to(self.device).eval()
        if getattr(self.model, "window", WINDOW) is None:  # a video as a whole: memory must not grow with it
            self.model.window = WINDOW
        self.classes = classes_from_meta(self._dataset_meta(meta.get("dataset_meta") or {}))
        self.pipeline = build_frame_pipeline(self.config)
        self._video_ids = count()

    def __call__(
        self, frames: Iterable[tuple[str, np.ndarray]], video_name: str | None = None
    ) -> Iterator[FrameResult]:
        """Predict the frames of one video in order, as they are asked for.

        Run one video to its end before the next begins: the model remembers one video at a time. A model that works on
        windows of frames gives the results of a window when it is full.

        Args:
            frames: Names and (H, W, 3) uint8 RGB images; `read_frames` gives them.
            video_name: Name of the video; by default that of `frames`, if it has one.

        Yields:
            One result per frame.
        """
        video_id, length = next(self._video_ids), getattr(frames, "length", None)
        video_name = video_name or getattr(frames, "name", f"video_{video_id}")
        if hasattr(self.model, "state"):
            self.model.state = None  # of a video that was not run to its end
        waiting: deque[tuple[str, np.ndarray]] = deque()
        for frame_id, (name, image) in enumerate(frames):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise ValueError(f"frame {name} is {image.dtype} {image.shape}, but must be uint8 (H, W, 3) RGB")
            info = dict(
                img_id=frame_id,
                img_path=name,
                label_source=None,
                video_id=video_id,
                video_name=video_name,
                video_length=length,
                frame_id=frame_id,
                frame_name=name,
            )
            waiting.append((name, image))
            for frame in self._predict(image, info):
                yield self._result(*waiting.popleft(), frame)
        if waiting:
            for frame in self.model.finish_video().video_data_samples:
                yield self._result(*waiting.popleft(), frame)

    @torch.no_grad()
    def _predict(self, image: np.ndarray, info: dict[str, Any]) -> list[DetDataSample]:
        """The frames that are done with this one."""
        bgr, size = np.ascontiguousarray(image[..., ::-1]), image.shape[:2]  # networks read BGR, as the host loads it
        info.update(img=bgr, img_shape=size, ori_shape=size)
        clip = {key: [value] for key, value in info.items()}
        sample = self.pipeline({**clip, "key_frame_flags": [True]})
        (output,) = self.model.test_step(pseudo_collate([sample]))
        return [output] if isinstance(output, DetDataSample) else output.video_data_samples

    def _result(self, name: str, image: np.ndarray, frame: DetDataSample) -> FrameResult:
        instances = frame.get("pred_track_instances")
        segments = segments_of(frame, self.classes)
        instances = None if instances is None else instances.detach().to("cpu")
        return FrameResult(name, image, segments, instances, score_of_track(frame))

    def _dataset_meta(self, trained_for: dict[str, Any]) -> dict[str, Any]:
        """The format that the config names, else what the checkpoint was trained for."""
        name = self.config.model.get("labels", {}).get("format")
        return {"format": name} if name and is_format(name) else trained_for


def segments_of(
    frame: BaseDataElement | dict[str, Any], classes: ClassTable, least_score: float = LEAST_SCORE
) -> SegmentMap:
    """The result of a frame as numpy arrays: the panoptic one, or objects painted over each other.

    Args:
        frame: A data sample with `pred_panoptic`, `pred_track_instances` or `pred_instances`, the first of them that is
            there counting; or what mmengine's evaluator makes of it.
        classes: The classes of the dataset.
        least_score: Objects below this score are left out, where there is no panoptic result.

    Raises:
        FormatError: The model gave no result.
    """
    if (panoptic := frame.get("pred_panoptic")) is not None:
        semantic, track = panoptic.get("semantic"), panoptic.get("track")
        return SegmentMap(semantic.cpu().numpy().astype(np.uint8), track.cpu().numpy().astype(np.int32))
    for name in ("pred_track_instances", "pred_instances"):
        if (instances := frame.get(name)) is not None:
            return paint_instances(instances, classes, least_score)
    raise FormatError(
        "the model's result has no pred_panoptic, pred_track_instances or pred_instances: use a config whose model "
        "segments"
    )


def paint_instances(
    instances: InstanceData | dict[str, Any], classes: ClassTable, least_score: float = LEAST_SCORE
) -> SegmentMap:
    """Objects of a frame as a map, those with higher scores on top; void where there is none.

    Args:
        instances: `masks` (n, H, W) bool, `labels` (n,), `scores` (n,), and `instances_id` (n,) where the model tracks;
            elsewhere objects are numbered from 1 in the order of their scores.
        classes: The classes of the dataset.
        least_score: Objects below this score are left out.
    """
    masks, labels, scores = (torch.as_tensor(instances.get(name)).cpu() for name in ("masks", "labels", "scores"))
    order, tracks = by_score(instances)
    count = int((scores >= least_score).sum())
    order, tracks = order[:count], tracks[:count]
    shown = torch.cat([masks[order].bool(), masks.new_ones((1, *masks.shape[1:]), dtype=torch.bool)])
    first = shown.numpy().argmax(axis=0)  # (H, W), the last one where no object is
    class_ids = np.array(classes.label_ids, np.uint8)[labels[order].numpy()]
    return SegmentMap(np.append(class_ids, np.uint8(VOID))[first], np.append(tracks.numpy(), 0).astype(np.int32)[first])


def by_score(instances: InstanceData | dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Objects by falling score: (n,) their places, (n,) their track ids; 1, 2, ... where the model does not track."""
    order = torch.as_tensor(instances.get("scores")).cpu().argsort(descending=True, stable=True)
    ids = instances.get("instances_id")
    return order, torch.arange(1, len(order) + 1) if ids is None else ids.cpu()[order]


def score_of_track(frame: BaseDataElement | dict[str, Any]) -> dict[int, float]:
    """Score of each track in the map that `segments_of` gives of a frame; empty where the result does not say."""
    instances = frame.get("pred_track_instances")
    if instances is None and frame.get("pred_panoptic") is None:
        instances = frame.get("pred_instances")
    if instances is None or instances.get("scores") is None:
        return {}
    order, tracks = by_score(instances)
    scores = torch.as_tensor(instances.get("scores")).cpu()[order]
    return {track: score for track, score in zip(tracks.tolist(), scores.tolist()) if track}


def kernel_of_track(instances: InstanceData | dict[str, Any] | None) -> dict[int, int]:
    """Index of the kernel that made each track of a frame; empty where the result does not say."""
    kernels = None if instances is None else instances.get("kernel_indices")
    if kernels is None:
        return {}
    return {track: kernel for track, kernel in zip(instances.get("instances_id").tolist(), kernels.tolist()) if track}


def build_frame_pipeline(config: Config) -> Compose:
    """The test pipeline of a config for frames in memory: nothing is loaded, the rest is as in testing."""
    dataset = config.test_dataloader.dataset
    while "pipeline" not in dataset and "dataset" in dataset:
        dataset = dataset.dataset
    return Compose(_without_loading(dataset.pipeline))


def _without_loading(transforms: list[ConfigDict]) -> list[dict[str, Any]]:
    kept = []
    for transform in transforms:
        if transform["type"].rpartition(".")[2].startswith("Load"):
            continue
        if "transforms" in transform:
            inner = _without_loading(transform["transforms"])
            if not inner:
                continue
            transform = {**transform, "transforms": inner}
        kept.append(dict(transform))
    return kept


def choose_device(device: str | None) -> torch.device:
    """The device asked for, or CUDA where there is one.

    Raises:
        ValueError: The device is unknown or not there.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device {device!r} is not known; use cpu, cuda or cuda:N") from error
    number = torch.cuda.device_count()
    if chosen.type == "cuda" and (chosen.index or 0) >= number:
        raise ValueError(f"device {device!r} is not there: torch sees {number} CUDA devices; use device 'cpu'")
    return chosen
