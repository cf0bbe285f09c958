"""Segmentation tracks of BDD100K (Yu et al., CVPR 2020) become a dataset of one's own with instances.

The labels are Scalabel's: a json for each video, a list of frames {name, videoName, frameIndex, labels}, and a label
{id, category, attributes: {crowd}, rle: {size, counts}}. Their eight categories are not those of YouTube-VIS, but
instances_SPLIT.json has its structure, so its evaluator reads it as truth.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..formats import OwnVideos, YouTubeVIS
from ..formats.base import FormatError, collect_faults
from ..formats.coding.rle import MaskError, counts_text, decode_runs
from ..formats.coding.tracks import TrackTruth, TrueTrack, VideoEntry
from ..formats.disk.png import png_size
from ..formats.own_videos.description import INSTANCES, Description, write_description
from .new_dataset import Job, new_dataset, place
from .scalabel_files import ScalabelFrame, find_splits, read_frames
from .sources import class_table, read_names


@dataclass
class _Track:
    """An object while its video is read: its masks by frame, and how often it is of each category."""

    masks: dict[int, dict] = field(default_factory=dict)
    categories: Counter[str] = field(default_factory=Counter)
    crowd: bool = False


def convert_scalabel(job: Job, classes: Sequence[str], split: str = "train") -> dict[str, int]:
    """Convert; labels of other categories are left out and counted.

    Args:
        job: From where to where, see `find_splits` for the layout.
        classes: Names of the classes, or the path of a text file with a name on each line.
        split: Name of the split where labels lie in no folders of splits.

    Returns:
        Number of videos, frames, tracks, and labels left out.

    Raises:
        FormatError: Something is missing, faulty or in the way; all faults are listed.
    """
    names = read_names(classes)
    splits = find_splits(job.src, job.images, job.labels, split)
    table = class_table(names, range(len(names)))
    description = Description(job.title, table, INSTANCES)
    counts = dict.fromkeys(("videos", "frames", "tracks", "left_out"), 0)
    faults: list[str] = []
    with new_dataset(job, "bdd100k") as part:
        write_description(part, description)
        style = OwnVideos(part)
        for word, pairs in splits.items():
            videos: dict[int, VideoEntry] = {}
            tracks: list[TrueTrack] = []
            for path, folder in tqdm(pairs, unit="video", desc=f"bdd100k {word}", disable=not job.progress):
                with collect_faults(faults):
                    frames = read_frames(path, folder)
                    entry = _place(frames, len(videos) + 1, folder.name, part, job.link)
                    videos[entry.id] = entry
                    tracks += _tracks(frames, entry, names, len(tracks), counts, faults)
                    counts["frames"] += entry.length
            if not faults:
                truth = TrackTruth(videos, dict(enumerate(names, 1)), tuple(tracks))
                YouTubeVIS().write_truth(part / f"instances_{word}.json", truth)
                style.videos(part, word)
            counts["videos"] += len(videos)
            counts["tracks"] += len(tracks)
        if faults:
            raise FormatError(*faults)
    return counts


def _place(frames: list[ScalabelFrame], number: int, name: str, part: Path, link: str | None) -> VideoEntry:
    """Images of a video; all have one size."""
    size = png_size(frames[0].image)
    for frame in frames:
        if png_size(frame.image) != size:
            raise FormatError(f"{frame.image}: size is not {size} (H, W) as that of {frames[0].image}. Restore it.")
        place(frame.image, part / "frames" / name / frame.image.name, link)
    files = tuple(f"{name}/{frame.image.name}" for frame in frames)
    return VideoEntry(number, name, size[1], size[0], len(frames), files)


def _tracks(
    frames: list[ScalabelFrame],
    video: VideoEntry,
    names: list[str],
    before: int,
    counts: dict[str, int],
    faults: list[str],
) -> Iterator[TrueTrack]:
    """Tracks of a video in the order in which they appear, numbered on from `before`."""
    found: dict[str, _Track] = {}
    size = (video.height, video.width)
    for t, frame in enumerate(frames):
        for where, label in frame.labels:
            if label["category"] not in names:
                counts["left_out"] += 1
                continue
            with collect_faults(faults):
                track, mask = found.setdefault(str(label["id"]), _Track()), _mask(where, label, size)
                if t in track.masks:
                    raise FormatError(f"{where}: id {label['id']} is in this frame twice. Keep one of the labels.")
                track.masks[t] = mask
                track.categories[label["category"]] += 1
                track.crowd |= bool((label.get("attributes") or {}).get("crowd"))
    found = {key: track for key, track in found.items() if track.masks}
    for number, track in enumerate(found.values(), before + 1):
        masks = tuple(track.masks.get(t) for t in range(video.length))
        areas = tuple(m and int(decode_runs([m], size).areas()[0]) for m in masks)
        (category, _), *_ = track.categories.most_common()
        yield TrueTrack(number, video.id, names.index(category) + 1, track.crowd, masks, areas)


def _mask(where: str, label: dict[str, Any], size: tuple[int, int]) -> dict:
    rle = label.get("rle")
    if not isinstance(rle, dict) or not {"size", "counts"} <= set(rle):
        raise FormatError(f"{where}: has no rle {{size, counts}}. Take BDD100K's labels with RLE, not its polygons.")
    try:
        code = {"size": list(size), "counts": counts_text({**rle, "size": list(rle["size"])}, list(size))}
        decode_runs([code], size)
    except MaskError as error:
        raise FormatError(f"{where}: rle cannot be decoded, {error.reason}. Encode it with pycocotools.") from None
    except TypeError:
        raise FormatError(f"{where}: rle has the size {rle['size']!r}, not [H, W]. Write two numbers.") from None
    return code
