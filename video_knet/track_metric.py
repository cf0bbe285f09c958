"""AP of tracks in the host's loops.

H W size, n objects of a frame.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import METRICS

from video_knet.evaluation.benchmark import TRACKS
from video_knet.evaluation.benchmarks import YouTubeVisBenchmark
from video_knet.formats.coding.rle import encode_masks
from video_knet.formats.coding.tracks import PredictedTrack, VideoEntry, VideoTracks
from video_knet.formats.youtube_vis import NoAnnotationsError, YouTubeVIS
from video_knet.formats.youtube_vis.tree import plain_name
from video_knet.metrics import VideoMetric, get_field


@dataclass
class OpenTrack:
    """A track while its video runs.

    Attributes:
        masks: Run-length code of each frame in which it is seen.
        scores: Sum of its scores as each label.
    """

    masks: dict[int, dict] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def close(self, video: VideoEntry, category_of: Mapping[int, int]) -> PredictedTrack | None:
        """The track as it is judged: the label with the highest sum of scores, and the mean score over its frames.

        Returns:
            None where the truth's file does not have the category.
        """
        label = max(sorted(self.scores), key=lambda label: self.scores[label])
        if label not in category_of:
            return None
        score = sum(self.scores.values()) / len(self.masks)
        masks = tuple(self.masks.get(t) for t in range(video.length))
        return PredictedTrack(video.id, category_of[label], min(max(score, 0.0), 1.0), masks)


@METRICS.register_module()
class YouTubeVisMetric(VideoMetric):
    """AP on YouTube-VIS; `OUT_DIR/results.json` and the `results.zip` that the server takes are written.

    Each frame has `pred_track_instances`: masks (n, H, W) bool at the original size, labels (n,), scores (n,) and
    instances_id (n,) from 1, 0 for none. Frames of one id make a track. Labels become categories by the names of the
    dataset's classes; what the json has no category for is left out.

    Args:
        ann_file: The json of the split; ROOT/valid.json is also found where the other layouts have it
            (ROOT/valid/instances.json). Without annotations predictions are only written.
        out_dir, prefix: As in `VideoMetric`.
    """

    benchmark_type = YouTubeVisBenchmark

    def __init__(self, ann_file: str, out_dir: str | None = None, prefix: str | None = None, **kwargs) -> None:
        super().__init__(out_dir=out_dir, prefix=prefix, **kwargs)
        self.listed = self.benchmark.videos(Path(ann_file), None)
        self.annotated = True
        try:
            self.listed = self.benchmark.truth(Path(ann_file), None)
        except NoAnnotationsError:
            self.annotated = False
        self._reset()

    def _reset(self) -> None:
        super()._reset()
        self._tracks: dict[str, dict[int, OpenTrack]] = {}

    def _process_frame(self, frame: Any) -> None:
        video, frame_id = self._expect(frame)
        if video not in self.listed:
            raise ValueError(f"video {video} is not in the metric's ann_file; give the json of the dataset's split")
        entry = self.listed[video][TRACKS].video
        self._add(self._tracks.setdefault(video, {}), get_field(frame, "pred_track_instances"), frame_id, entry)
        if self._advance(frame, video):
            closed = [track.close(entry, self._category_of()) for _, track in sorted(self._tracks.pop(video).items())]
            tracks = VideoTracks(entry, tuple(track for track in closed if track is not None))
            if self.annotated:
                self._evaluator.update(video, self.listed[video][TRACKS], tracks)
                self._labelled += 1
            if self.out_dir is not None:
                self._entries[video] = {TRACKS: tracks}

    def _category_of(self) -> dict[int, int]:
        """Category id in the json of each network label."""
        meta = self.dataset_meta or {}
        names = meta.get("classes", self.benchmark.classes.names)
        categories = {plain_name(name): number for number, name in self.benchmark.categories.items()}
        found = {
            label: categories[plain_name(names[class_id])]
            for label, class_id in enumerate(meta.get("label_ids", range(len(names))))
            if plain_name(names[class_id]) in categories
        }
        if not found:
            raise ValueError(
                f"the json has the categories {list(categories)[:5]}, none of which is a class of the dataset "
                f"({', '.join(names[:5])}, ...); give the json of the dataset's split"
            )
        return found

    @staticmethod
    def _add(tracks: dict[int, OpenTrack], instances: Any, frame_id: int, video: VideoEntry) -> None:
        masks, labels, scores, ids = (
            np.asarray(get_field(instances, name).cpu()) for name in ("masks", "labels", "scores", "instances_id")
        )
        if len(ids) and masks.shape[1:] != (video.height, video.width):
            raise ValueError(
                f"video {video.name}, frame {frame_id}: masks are {masks.shape[1:]}, the video is "
                f"{(video.height, video.width)}; predict at the original size"
            )
        for code, label, score, number in zip(encode_masks(masks), labels.tolist(), scores.tolist(), ids.tolist()):
            if number and code is not None:
                track = tracks.setdefault(number, OpenTrack())
                track.masks[frame_id] = code
                track.scores[label] += score

    def write(self, video: str, name: str, prediction: Any) -> None:
        """Nothing: tracks are written when all are complete."""

    def finish(self, entries: dict[str, dict[str, VideoTracks]]) -> None:
        """Write `results.json` and `results.zip`."""
        tracks: Sequence[PredictedTrack] = [track for video in entries.values() for track in video[TRACKS].tracks]
        for name in ("results.json", "results.zip"):
            YouTubeVIS().write_predictions(self.out_dir / name, tracks)
