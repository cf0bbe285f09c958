"""The evaluation cores as metrics of the host's validation and test loops.

H W size.
"""

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric

from video_knet.evaluation.benchmark import Benchmark
from video_knet.evaluation.benchmarks import CityscapesVpsBenchmark, KittiStepBenchmark, VipsegBenchmark, VspwBenchmark
from video_knet.formats import SegmentMap
from video_knet.formats.cityscapes_vps import CityscapesVps
from video_knet.formats.cityscapes_vps.names import is_labelled
from video_knet.formats.coding.id_maps import IdMap, to_id_map
from video_knet.formats.kitti_step import KittiStep
from video_knet.formats.vipseg import Vipseg
from video_knet.formats.vspw import Vspw

Entries = dict[str, dict[str, dict]]  # {video: {frame: what a list of predictions says of it}}


class VideoMetric(BaseMetric):
    """Scores of whole videos, in one process or several, and predictions on disk.

    Each frame is counted when it is predicted; only counters are gathered, so results need no memory and do not depend
    on the number of processes. Frames without truth are only written. `WholeVideoSampler` provides what is needed: each
    video on one process, in order.

    Attributes:
        benchmark: What is measured.
        report: All that the cores reported at the last evaluation, per class and per video too; empty before.

    Args:
        out_dir: Folder to write predictions to, in the layout that the benchmark asks for; None writes none.
        ann_file: The truth, as `tools/evaluate.py --gt` takes it, where frames do not bring it as `label_source`.
        protocol: "standard" or "released", as in `tools/evaluate.py`.
        prefix: Put before the names of the metrics, with a slash.
    """

    benchmark_type: type[Benchmark]
    default_prefix = ""

    def __init__(
        self,
        out_dir: str | None = None,
        ann_file: str | None = None,
        protocol: str = "standard",
        prefix: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(prefix=prefix, **kwargs)
        self.out_dir = None if out_dir is None else Path(out_dir)
        self.benchmark = self.benchmark_type(protocol)
        self.listed = {} if ann_file is None else self.benchmark.truth(Path(ann_file), None)
        self.report: dict = {}
        self._reset()

    def _reset(self) -> None:
        self._evaluator = self.benchmark.evaluator()
        self._seen: Counter[str] = Counter()  # frames of each video so far
        self._lengths: dict[str, int] = {}  # frames that each video has
        self._labelled = 0
        self._entries: Entries = {}

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
        name = self.benchmark.name
        dataset = (self.dataset_meta or {}).get("dataset", name)
        if dataset != name:
            raise ValueError(
                f"{type(self).__name__} measures {name!r}, but the dataset is {dataset!r}: "
                "choose the metric of that dataset"
            )
        for sample in data_samples:
            for frame in get_field(sample, "video_data_samples", [sample]):
                self._process_frame(frame)

    def _process_frame(self, frame: Any) -> None:
        video, _ = self._expect(frame)
        name, panoptic = get_field(frame, "frame_name"), get_field(frame, "pred_panoptic")
        segments = SegmentMap(_to_map(panoptic, "semantic", np.uint8), _to_map(panoptic, "track", np.int32))
        prediction, source = self.prediction(segments), self.truth_source(frame, video, name)
        if self.out_dir is not None and self.is_written(frame, source):
            self._enter(video, name, self.write(video, name, prediction), source)
        if source is not None:
            self._evaluator.update(video, self.benchmark.read_truth(source), prediction)
            self._labelled += 1
        if self._advance(frame, video):
            self._evaluator.close(video)

    def _expect(self, frame: Any) -> tuple[str, int]:
        """Video and position of a frame, which must be the next of its video."""
        video, frame_id = get_field(frame, "video_name"), get_field(frame, "frame_id")
        if frame_id != self._seen[video]:
            raise ValueError(
                f"video {video}: frame {frame_id} came where {self._seen[video]} was due; use WholeVideoSampler, "
                "and videos of different names"
            )
        return video, frame_id

    def _advance(self, frame: Any, video: str) -> bool:
        """Count a frame; returns whether its video is complete."""
        self._seen[video] += 1
        self._lengths[video] = get_field(frame, "video_length")
        return self._seen[video] == self._lengths[video]

    def prediction(self, segments: SegmentMap) -> Any:
        """What the benchmark's evaluator reads, from classes and tracks."""
        return segments

    def truth_source(self, frame: Any, video: str, name: str) -> Any:
        """Where the truth of a frame is; None where it has none."""
        if self.listed:
            return self.listed.get(video, {}).get(name)
        source = get_field(frame, "label_source", None)
        return (Path(source),) if isinstance(source, str) else source

    def is_written(self, frame: Any, source: Any) -> bool:
        """Whether the prediction of a frame is written: of all frames, or of those that `ann_file` lists."""
        return source is not None or not self.listed

    def _enter(self, video: str, name: str, entry: dict | None, source: Any) -> None:
        """Keep the entry of a frame that was written."""
        self._entries.setdefault(video, {})[name] = entry

    @abstractmethod
    def write(self, video: str, name: str, prediction: Any) -> dict | None:
        """Write a frame; returns its entry for `finish`."""

    def finish(self, entries: Entries) -> None:
        """Write what belongs to all frames, on one process."""

    def evaluate(self, size: int) -> dict[str, float]:
        """Gathers the counters of all processes.

        Args:
            size: Number of frames of the dataset.

        Returns:
            Scores as fractions by name (STQ, AQ, SQ, VPQ, VPQ_1, ...), NaN where undefined; empty without annotations.

        Raises:
            ValueError: Frames of the dataset are missing.
        """
        shares = all_gather_object((self._evaluator, self._seen, self._lengths, self._labelled, self._entries))
        self._reset()
        seen, lengths, entries = Counter(), {}, {}
        evaluator, labelled = self.benchmark.evaluator(), 0
        for share_evaluator, share_seen, share_lengths, share_labelled, share_entries in shares:
            evaluator.merge(share_evaluator)
            seen += share_seen
            lengths |= share_lengths
            labelled += share_labelled
            entries |= share_entries
        _check_complete(seen, lengths, size)
        if self.out_dir is not None and is_main_process():
            self.finish(dict(sorted(entries.items())))
        self.report = evaluator.result() if labelled else {}
        prefix = f"{self.prefix}/" if self.prefix else ""
        return {
            prefix + name: math.nan if value is None else value
            for name, value in self.report.items()
            if value is None or isinstance(value, float)
        }

    def compute_metrics(self, results: list) -> dict:
        """Not used: `evaluate` gathers counters, not results."""
        raise NotImplementedError("VideoMetric keeps counters instead of results; call evaluate")


@METRICS.register_module()
class KittiStepMetric(VideoMetric):
    """STQ and VPQ on KITTI-STEP; predictions are written as `OUT_DIR/SEQ/FRAME.png`."""

    benchmark_type = KittiStepBenchmark

    def write(self, video: str, name: str, prediction: SegmentMap) -> None:
        """Write the PNG of a frame."""
        style = KittiStep()
        style.write(style.prediction_path(self.out_dir, video, name), prediction)


@METRICS.register_module()
class CityscapesVpsMetric(VideoMetric):
    """VPQ on Cityscapes-VPS; `OUT_DIR/pred.json` and `OUT_DIR/pan_pred/IMAGE_ID.png` are written.

    Frames with truth are measured and written, whatever lies between them; a frame's name is its image id. Of videos
    without any truth, as in the test split, every fifth frame is written: those that the server asks for.
    """

    benchmark_type = CityscapesVpsBenchmark

    def prediction(self, segments: SegmentMap) -> IdMap:
        """Ids that persist over a video."""
        return to_id_map(segments, self.benchmark.classes)

    def is_written(self, frame: Any, source: Any) -> bool:
        """Frames with truth, and as long as there was none those that might have one."""
        if source is not None or self.listed or self._labelled:
            return source is not None
        return is_labelled(get_field(frame, "frame_id"), get_field(frame, "video_length"))

    def _enter(self, video: str, name: str, entry: dict, source: Any) -> None:
        super()._enter(video, name, {**entry, "labelled": source is not None}, source)

    def write(self, video: str, name: str, prediction: IdMap) -> dict:
        """Write the PNG of a frame."""
        return CityscapesVps().write_frame(self.out_dir, name, prediction)

    def finish(self, entries: Entries) -> None:
        """Write `pred.json`, in the order of the images of `ann_file`, or of their names."""
        order = {name: frame.position for frames in self.listed.values() for name, frame in frames.items()}
        frames = [frame for video in entries.values() for frame in video.items()]
        frames.sort(key=lambda item: order.get(item[0], len(order)))
        labelled = [entry.pop("labelled") for _, entry in frames]
        listed = [entry for (_, entry), one in zip(frames, labelled) if one or not any(labelled)]
        CityscapesVps().write_list(self.out_dir, listed)


@METRICS.register_module()
class VipsegMetric(VideoMetric):
    """STQ and VPQ on VIPSeg; `OUT_DIR/pred.json` and `OUT_DIR/pan_pred/VIDEO/FRAME.png` are written."""

    benchmark_type = VipsegBenchmark

    def prediction(self, segments: SegmentMap) -> IdMap:
        """Ids that persist over a video."""
        return to_id_map(segments, self.benchmark.classes)

    def write(self, video: str, name: str, prediction: IdMap) -> dict:
        """Write the PNG of a frame."""
        return Vipseg().write_frame(self.out_dir, video, name, prediction)

    def finish(self, entries: Entries) -> None:
        """Write `pred.json`."""
        Vipseg().write_list(self.out_dir, {video: list(frames.values()) for video, frames in entries.items()})


@METRICS.register_module()
class VspwMetric(VideoMetric):
    """mIoU and mVC on VSPW; predictions are written as `OUT_DIR/VIDEO/FRAME.png`."""

    benchmark_type = VspwBenchmark

    def write(self, video: str, name: str, prediction: SegmentMap) -> None:
        """Write the PNG of a frame."""
        style = Vspw()
        style.write_prediction(style.prediction_path(self.out_dir, video, name), prediction)


def get_field(element: Any, name: str, default: Any = ...) -> Any:
    """A field of a dict or of an object."""
    if isinstance(element, dict):
        return element[name] if default is ... else element.get(name, default)
    return getattr(element, name) if default is ... else getattr(element, name, default)


def _to_map(panoptic: Any, name: str, dtype: type) -> np.ndarray:
    """(H, W) array of `dtype` from a tensor or array of (H, W) or (1, H, W)."""
    values = get_field(panoptic, name)
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
