"""The evaluation cores as metrics of the host's validation and test loops.

H W size.
"""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.dist import all_gather_object
from mmengine.evaluator import BaseMetric

from video_knet.evaluation import PanopticEvaluator
from video_knet.evaluation.vpq import WINDOWS
from video_knet.formats import SegmentMap, get_format


class VideoPanopticMetric(BaseMetric):
    """STQ and VPQ of whole videos, in one process or several, and predictions on disk.

    Each frame is counted when it is predicted; only counters are gathered, so results need no memory and do not depend
    on the number of processes. Ground truth is read through the format from the `label_path` of a frame; frames
    without one are only written. `WholeVideoSampler` provides what is needed: each video on one process, in order.

    Attributes:
        format_name: Name of the format of truth and predictions. Subclasses say no more than this.
        report: All that the cores reported at the last evaluation, per class and per video too; empty before.

    Args:
        out_dir: Folder to write predictions to, in the format's layout; None writes none.
        windows: Window lengths of VPQ in frames.
        prefix: Put before the names of the metrics, with a slash.
    """

    format_name: str
    default_prefix = ""

    def __init__(
        self, out_dir: str | None = None, windows: Sequence[int] = WINDOWS, prefix: str | None = None, **kwargs
    ) -> None:
        super().__init__(prefix=prefix, **kwargs)
        self.out_dir = None if out_dir is None else Path(out_dir)
        self.format = get_format(self.format_name)
        self.windows = tuple(windows)
        self.report: dict = {}
        self._reset()

    def _reset(self) -> None:
        self._evaluator = PanopticEvaluator(self.format.classes, self.windows)
        self._seen: Counter[str] = Counter()  # frames of each video so far
        self._lengths: dict[str, int] = {}  # frames that each video has
        self._labelled = 0

    def process(self, data_batch: Any, data_samples: Sequence) -> None:
        """Counts and writes the frames of a batch.

        Args:
            data_batch: Not used.
            data_samples: Clips (`TrackDataSample`) or frames (`DetDataSample`), as objects or dicts. Each frame has
                `pred_panoptic` with `semantic`, (H, W) dataset class ids with 255 for void, and `track`, (H, W) track
                ids with 0 for none, at the original size.

        Raises:
            ValueError: A video's frames do not come in order, or the dataset has another format.
        """
        dataset_format = (self.dataset_meta or {}).get("format", self.format_name)
        if dataset_format != self.format_name:
            raise ValueError(
                f"{type(self).__name__} measures {self.format_name!r}, but the dataset is {dataset_format!r}: "
                "choose the metric of that dataset"
            )
        for sample in data_samples:
            for frame in _get(sample, "video_data_samples", [sample]):
                self._process_frame(frame)

    def _process_frame(self, frame: Any) -> None:
        video, frame_id = _get(frame, "video_name"), _get(frame, "frame_id")
        if frame_id != self._seen[video]:
            raise ValueError(
                f"video {video}: frame {frame_id} came where {self._seen[video]} was due; use WholeVideoSampler, "
                "and videos of different names"
            )
        panoptic = _get(frame, "pred_panoptic")
        prediction = SegmentMap(
            semantic=_to_map(panoptic, "semantic", np.uint8), track=_to_map(panoptic, "track", np.int32)
        )
        if self.out_dir is not None:
            path = self.format.prediction_path(self.out_dir, video, _get(frame, "frame_name"))
            self.format.write(path, prediction)
        if (label_path := _get(frame, "label_path")) is not None:
            self._evaluator.update(video, self.format.read(label_path), prediction)
            self._labelled += 1
        self._seen[video] += 1
        self._lengths[video] = _get(frame, "video_length")
        if self._seen[video] == self._lengths[video]:
            self._evaluator.close(video)

    def evaluate(self, size: int) -> dict[str, float]:
        """Gathers the counters of all processes.

        Args:
            size: Number of frames of the dataset.

        Returns:
            Scores as fractions by name (STQ, AQ, SQ, VPQ, VPQ_1, ...), NaN where undefined; empty without annotations.

        Raises:
            ValueError: Frames of the dataset are missing.
        """
        shares = all_gather_object((self._evaluator, self._seen, self._lengths, self._labelled))
        self._reset()
        seen, lengths = Counter(), {}
        evaluator, labelled = PanopticEvaluator(self.format.classes, self.windows), 0
        for share_evaluator, share_seen, share_lengths, share_labelled in shares:
            evaluator.merge(share_evaluator)
            seen += share_seen
            lengths |= share_lengths
            labelled += share_labelled
        _check_complete(seen, lengths, size)
        self.report = evaluator.result() if labelled else {}
        prefix = f"{self.prefix}/" if self.prefix else ""
        return {
            prefix + name: math.nan if value is None else value
            for name, value in self.report.items()
            if value is None or isinstance(value, float)
        }

    def compute_metrics(self, results: list) -> dict:
        """Not used: `evaluate` gathers counters, not results."""
        raise NotImplementedError("VideoPanopticMetric keeps counters instead of results; call evaluate")


@METRICS.register_module()
class KittiStepMetric(VideoPanopticMetric):
    """STQ and VPQ on KITTI-STEP; predictions are written as `OUT_DIR/SEQ/FRAME.png`."""

    format_name = "kitti-step"


def _get(element: Any, name: str, default: Any = ...) -> Any:
    """A field of a dict or of an object."""
    if isinstance(element, dict):
        return element[name] if default is ... else element.get(name, default)
    return getattr(element, name) if default is ... else getattr(element, name, default)


def _to_map(panoptic: Any, name: str, dtype: type) -> np.ndarray:
    """(H, W) array of `dtype` from a tensor or array of (H, W) or (1, H, W)."""
    values = _get(panoptic, name)
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    if array.size and not 0 <= int(array.min()) <= int(array.max()) <= np.iinfo(dtype).max:
        raise ValueError(
            f"pred_panoptic.{name} holds {array.min()} to {array.max()}, outside 0..{np.iinfo(dtype).max}: "
            "predict dataset class ids (255 void) and track ids (0 none)"
        )
    return array.reshape(array.shape[-2:]).astype(dtype)


def _check_complete(seen: dict[str, int], lengths: dict[str, int], size: int) -> None:
    for video, length in lengths.items():
        if seen[video] != length:
            raise ValueError(
                f"video {video}: {seen[video]} of {length} frames were evaluated; use WholeVideoSampler, which gives "
                "each video to one process as a whole"
            )
    if sum(seen.values()) != size:
        raise ValueError(
            f"{sum(seen.values())} frames were evaluated, but the dataset has {size}; use WholeVideoSampler, and one "
            "dataset with a name for each video"
        )
