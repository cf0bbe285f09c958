"""Tracks with masks: what is compared with what on YouTube-VIS."""

from pathlib import Path

from ..formats.coding.tracks import TrackTruth, VideoTracks, by_video
from ..formats.youtube_vis import YouTubeVIS
from ..formats.youtube_vis.tree import find_json
from .benchmark import TRACKS, Benchmark, Sources, only
from .instance import VideoAP
from .report import format_tracks


class TrackEvaluator(VideoAP):
    """AP with the interface of the other evaluators: the tracks of a video are its one "frame"."""

    def update(self, video: str, truth: VideoTracks, prediction: VideoTracks) -> None:
        """Add a video."""
        super().update(truth.video, truth.tracks, prediction.tracks)

    def close(self, video: str) -> None:
        """A video is complete as it comes."""


class YouTubeVisBenchmark(Benchmark):
    """AP of tracks on YouTube-VIS. Categories are those of the truth's json; a video without prediction has none."""

    name, headline, protocols = "youtube-vis", ("AP", "AP50", "AP75", "AR1", "AR10"), ("standard",)
    frame_scores, association, class_score, unit = (), ("AP",), "AP", "video"
    bounded = ("AR1", "AR10")  # by the best prediction, or ten, of a category in a video
    style, classes = YouTubeVIS(), YouTubeVIS().classes
    categories: dict[int, str] = {}
    _listed: TrackTruth | None = None

    def __getstate__(self) -> dict:
        return {**vars(self), "_listed": None}  # jobs of other processes bring their own tracks

    def truth(self, path: Path, split: Path | None) -> Sources:
        """A json with annotations; ROOT/valid.json is also found where the other layouts have it."""
        return self._list(self.style.read_truth(find_json(path)), split)

    def videos(self, path: Path, split: Path | None) -> Sources:
        """A json with or without annotations."""
        return self._list(self.style.read_videos(find_json(path)), split)

    def _list(self, listed: TrackTruth, split: Path | None) -> Sources:
        self._listed, self.categories, tracks = listed, listed.categories, by_video(listed.tracks)
        videos = {
            v.name: {TRACKS: VideoTracks(v, tuple(tracks.get(v.id, ())))} for _, v in sorted(listed.videos.items())
        }
        return only(videos, split)

    def prediction(self, path: Path, truth: Sources) -> Sources:
        """`results.json`, a zip that holds it, or its folder."""
        path = path / "results.json" if path.is_dir() else path
        tracks = by_video(self.style.read_predictions(path, self._listed))
        entries = [frames[TRACKS].video for frames in truth.values()]
        return {video.name: {TRACKS: VideoTracks(video, tuple(tracks.get(video.id, ())))} for video in entries}

    def read_truth(self, source: VideoTracks) -> VideoTracks:
        """The tracks of a video, which were read with the json."""
        return source

    read_prediction = read_truth

    def size(self, labels: VideoTracks) -> tuple[int, int]:
        """(H, W) of a video; masks were compared with it when they were read."""
        return labels.video.height, labels.video.width

    def class_id(self, name: str) -> int:
        """Category id."""
        return next(i for i, category in self.categories.items() if category == name)

    def evaluator(self) -> TrackEvaluator:
        """AP and AR."""
        return TrackEvaluator(self.categories)

    def format(self, result: dict) -> str:
        """A result as text."""
        return format_tracks(result)
