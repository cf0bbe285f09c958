"""AP of tracks with masks, as YouTube-VIS defines it (Yang et al., ICCV 2019), on masks that stay runs of pixels.

    IoU      of a true and a predicted track of one category: sum of intersections over all frames of the video,
             divided by the sum of unions; 0 where both are empty
    match    at each threshold 0.50, 0.55, ..., 0.95 the 100 best predictions of a category in a video choose in order
             of score: the free truth with the highest IoU that reaches the threshold, the later one among equals.
             Crowds, and truths outside the area range, are chosen only where no other fits; then the prediction is
             neither true nor false, and so is one outside the area range without a match. Crowds are never used up
    AP       mean over categories with truth, thresholds and recalls 0, 0.01, ..., 1 of the best precision at that
             recall or a higher one; predictions of all videos by score, equal ones by video id
    AR n     mean over categories and thresholds of the recall by the n best predictions of each category in each video

Legend: A area ranges, T thresholds, D predictions, G truths.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..formats.coding.tracks import PredictedTrack, TrueTrack, VideoEntry
from .track_overlaps import Overlaps, sum_overlaps

AREAS = {"all": (0, 1e10), "small": (0, 128**2), "medium": (128**2, 256**2), "large": (256**2, 1e10)}  # ends included
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
COUNTS = (1, 10, 100)
FALSE, TRUE, IGNORED = 0, 1, 2  # verdicts on a prediction

DEFINITION = (
    "AP: YouTube-VIS, IoU of tracks over whole videos at 0.50:0.05:0.95, 100 predictions for each video and category, "
    "101 recalls, mean over the categories with truth; crowds are ignored; areas are means over the frames with mask, "
    "of truths as the file says them; AR n: the n best predictions for each video and category."
)


@dataclass(frozen=True)
class CategoryMatches:
    """What became of the predictions of one category in one video; all that is kept of them.

    Attributes:
        scores: (D,) float64, descending.
        verdicts: (A, T, D) int8.
        regular: (A,) int64 truths that are to be found.
    """

    scores: np.ndarray
    verdicts: np.ndarray
    regular: np.ndarray


@dataclass(frozen=True)
class VideoMatches:
    """Counts of one video, and the matches of each category id that it has."""

    name: str
    frames: int
    truths: int
    predictions: int
    matches: dict[int, CategoryMatches]


@dataclass(frozen=True)
class CategoryAP:
    """Scores of one category.

    Attributes:
        ap: AP at each threshold, for each area range with truth.
        recall: Mean recall over the thresholds by the n best predictions, for each n; all areas.
        area_recall: The same by the 100 best, for each area range with truth.
    """

    ap: dict[str, tuple[float, ...]]
    recall: dict[int, float]
    area_recall: dict[str, float]


class VideoAP:
    """Evaluator of AP.

    Keeps verdicts, a few kB for each category in a video, never masks.

    Args:
        categories: Names by category id; they are those of the truth.
    """

    def __init__(self, categories: Mapping[int, str]):
        self.categories = dict(sorted(categories.items()))
        self._videos: dict[int, VideoMatches] = {}

    def update(
        self, video: VideoEntry, truth_tracks: Iterable[TrueTrack], predicted_tracks: Iterable[PredictedTrack]
    ) -> None:
        """Add a video with everything in it; equal scores rank as the predictions are given.

        Raises:
            ValueError: The video was added before, or a track does not fit to it.
        """
        truths, predictions = list(truth_tracks), list(predicted_tracks)
        if video.id in self._videos:
            raise ValueError(f"video {video.id} ({video.name}) was added before; add all its tracks at once")
        for track in (*truths, *predictions):
            self._check_track(video, track)
        true, predicted = _by_category(truths), _by_category(predictions)
        for category, tracks in predicted.items():
            predicted[category] = sorted(tracks, key=lambda t: -t.score)[: COUNTS[-1]]
        # Categories that have truth come first: only their predictions are compared with anything.
        order = sorted(true.keys() | predicted.keys(), key=lambda c: (c not in true, c))
        ranked = [track for category in order for track in predicted.get(category, [])]
        rivals = sum(len(predicted.get(category, [])) for category in true)
        listed = [track for category in order for track in true.get(category, [])]
        overlaps = sum_overlaps(video, listed, ranked, rivals)
        matches, d, g = {}, 0, 0
        for category in order:
            tracks, chosen = true.get(category, []), predicted.get(category, [])
            part = overlaps.part(slice(d, d + len(chosen)), slice(g, g + len(tracks)))
            matches[category] = match(tracks, np.array([t.score for t in chosen], np.float64), part)
            d, g = d + len(chosen), g + len(tracks)
        self._videos[video.id] = VideoMatches(video.name, video.length, len(truths), len(predictions), matches)

    def merge(self, other: "VideoAP") -> None:
        """Take over the videos of another evaluator; numbers do not depend on how videos were distributed.

        Raises:
            ValueError: Both have seen the same video, or their categories differ.
        """
        if self.categories != other.categories:
            raise ValueError("the evaluators have different categories; take those of one truth file")
        if both := self._videos.keys() & other._videos.keys():
            raise ValueError(f"video {min(both)} is in both evaluators; a video goes to one of them as a whole")
        self._videos |= other._videos

    def category_scores(self) -> dict[int, CategoryAP]:
        """Scores of each category id with truth."""
        return self._score([video for _, video in sorted(self._videos.items())])

    def result(self) -> dict:
        """Scores as fractions, None where undefined.

        Returns:
            AP, AP50, AP75, AR1, AR10, AR100; AP and AR with `_small`, `_medium`, `_large`; `per_class` and `per_video`
            {name: {...}}; `definition`. The AP of a single video is for information: the total is not their mean.
        """
        scores = self.category_scores()
        per_class = {name: _totals([scores[i]] if i in scores else []) for i, name in self.categories.items()}
        per_video = {}
        for _, video in sorted(self._videos.items()):
            counts = {"frames": video.frames, "truth_tracks": video.truths, "predictions": video.predictions}
            per_video[video.name] = counts | {"AP": _totals(self._score([video]).values())["AP"]}
        return {
            **_totals(scores.values()),
            **_area_totals(scores.values()),
            "per_class": per_class,
            "per_video": per_video,
            "definition": DEFINITION,
        }

    def _score(self, videos: list[VideoMatches]) -> dict[int, CategoryAP]:
        found = {}
        for category in self.categories:
            matches = [video.matches[category] for video in videos if category in video.matches]
            if sum(int(m.regular[0]) for m in matches):
                found[category] = _score_category(matches)
        return found

    def _check_track(self, video: VideoEntry, track: TrueTrack | PredictedTrack) -> None:
        if track.video_id != video.id:
            raise ValueError(f"a track of video {track.video_id} is given for video {video.id}; group tracks by video")
        if track.category_id not in self.categories:
            raise ValueError(f"category {track.category_id} is not among {sorted(self.categories)} of the truth")
        if len(track.segmentations) != video.length:
            raise ValueError(
                f"a track of video {video.id} has {len(track.segmentations)} masks for {video.length} frames; "
                "give a mask or None for each"
            )


def _by_category(tracks: Sequence) -> dict[int, list]:
    found: dict[int, list] = {}
    for track in tracks:
        found.setdefault(track.category_id, []).append(track)
    return found


def match(truths: Sequence[TrueTrack], scores: np.ndarray, overlaps: Overlaps) -> CategoryMatches:
    """Match the predictions of one category in one video, at all thresholds and in all area ranges.

    Args:
        truths: G tracks in the order of the file.
        scores: (D,), descending.
        overlaps: Of the D predictions with the G truths.
    """
    union = overlaps.predicted[:, None] + overlaps.true - overlaps.shared  # (D, G)
    iou = np.divide(overlaps.shared, union, out=np.zeros(union.shape), where=union > 0)
    low, high = np.array(list(AREAS.values())).T[:, :, None]  # (A, 1) each
    size = np.array([_mean_area(track.areas) for track in truths])
    crowd = np.array([track.crowd for track in truths], bool)
    regular = ~crowd & (low <= size) & (size <= high)  # (A, G)
    size = overlaps.predicted / np.maximum(overlaps.visible, 1)
    outside = (size < low) | (size > high)  # (A, D)
    verdicts = np.repeat(np.where(outside, IGNORED, FALSE).astype(np.int8)[:, None], len(THRESHOLDS), 1)  # (A, T, D)
    bounds = np.minimum(THRESHOLDS, 1 - 1e-10)[:, None]  # (T, 1)
    free = np.ones((len(AREAS), len(THRESHOLDS), len(truths)), bool)
    for d in np.flatnonzero((iou >= bounds[0]).any(1)):
        fits = free & (iou[d] >= bounds)  # (A, T, G)
        proper = fits & regular[:, None]
        is_proper = proper.any(-1)
        fits = np.where(is_proper[..., None], proper, fits)
        chosen = len(truths) - 1 - np.argmax(np.where(fits, iou[d], -1)[..., ::-1], -1)  # (A, T), the last of equals
        found = fits.any(-1)
        verdicts[found, d] = np.where(is_proper, TRUE, IGNORED)[found]
        used = np.nonzero(found & ~crowd[chosen])
        free[(*used, chosen[used])] = False
    return CategoryMatches(scores, verdicts, regular.sum(1))


def _mean_area(areas: Sequence[float | None]) -> float:
    seen = [area for area in areas if area]
    return math.fsum(seen) / len(seen) if seen else 0.0


def _score_category(matches: list[CategoryMatches]) -> CategoryAP:
    """Scores of a category with truth, from its matches by ascending video id."""
    regular = dict(zip(AREAS, sum(m.regular for m in matches).tolist()))
    order = np.argsort(-np.concatenate([m.scores for m in matches]), kind="stable")
    verdicts = np.concatenate([m.verdicts for m in matches], axis=2)[..., order]  # (A, T, D)
    by_area = {area: (verdicts[a], regular[area]) for a, area in enumerate(AREAS) if regular[area]}
    best = {n: np.concatenate([m.verdicts[0, :, :n] for m in matches], axis=1) for n in COUNTS}  # (T, D) each
    return CategoryAP(
        ap={area: _average_precision(*counted) for area, counted in by_area.items()},
        recall={n: _recall(counted, regular["all"]) for n, counted in best.items()},
        area_recall={area: _recall(*counted) for area, counted in by_area.items()},
    )


def _average_precision(verdicts: np.ndarray, truths: int) -> tuple[float, ...]:
    """AP at each threshold, from (T, D) verdicts by descending score."""
    true, false = np.cumsum(verdicts == TRUE, 1), np.cumsum(verdicts == FALSE, 1)
    precision = true / np.maximum(true + false, 1)
    best = np.zeros((len(true), true.shape[1] + 1))  # (T, D + 1); 0 where a recall is never reached
    best[:, :-1] = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    return tuple(
        math.fsum(row[np.searchsorted(recall, RECALLS)].tolist()) / len(RECALLS)
        for row, recall in zip(best, true / truths)
    )


def _recall(verdicts: np.ndarray, truths: int) -> float:
    """Mean recall over the thresholds, from (T, D) verdicts."""
    return math.fsum((verdicts == TRUE).sum(1) / truths) / len(THRESHOLDS)


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return math.fsum(values) / len(values) if values else None


def _totals(scores: Iterable[CategoryAP]) -> dict[str, float | None]:
    scores = list(scores)
    totals = {"AP": _mean(ap for s in scores for ap in s.ap["all"])}
    totals |= {f"AP{round(100 * THRESHOLDS[t])}": _mean(s.ap["all"][t] for s in scores) for t in (0, 5)}
    return totals | {f"AR{n}": _mean(s.recall[n] for s in scores) for n in COUNTS}


def _area_totals(scores: Iterable[CategoryAP]) -> dict[str, float | None]:
    scores, areas = list(scores), list(AREAS)[1:]
    totals = {f"AP_{area}": _mean(ap for s in scores for ap in s.ap.get(area, ())) for area in areas}
    return totals | {
        f"AR_{area}": _mean(s.area_recall[area] for s in scores if area in s.area_recall) for area in areas
    }
