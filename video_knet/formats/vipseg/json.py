"""The panoptic jsons of VIPSeg: what the data set's converter makes of the raw masks, and predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import FormatError, collect_faults
from ..coding.id_maps import ListedFrame, check_categories, parse_segments
from ..disk.json_cache import cached_json
from ..disk.json_files import read_json
from .classes import VIPSEG_CLASSES

ListedVideos = dict[str, dict[str, ListedFrame]]


def listed_truth(path: Path) -> ListedVideos:
    """Frames of each video from `panoptic_gt_VIPSeg_*.json`, with `panomasksRGB` beside it.

    Raises:
        FormatError: The json is damaged, or there are no PNG files; all faults, `partial` holds the other videos.
    """
    content = read_json(path, "annotations")
    check_categories(content, VIPSEG_CLASSES, path)
    folders = [folder / "panomasksRGB" for folder in (path.parent, path.parent.parent)]
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None:
        raise FormatError(f"{folders[0]}: no such folder, but {path.name} needs its PNG files. Copy it there.")
    videos, faults = {}, []
    for entry in content["annotations"]:
        with collect_faults(faults):
            video, frames = _video_entry(entry, path)
            if video in videos:
                raise FormatError(f"{path}: video {video} is listed twice. Restore the original json.")
            videos[video] = {}
            for frame in frames:
                with collect_faults(faults):
                    name = _new_name(frame, videos[video], f"{path}: video {video}")
                    videos[video][name] = _listed_frame(folder, video, name, frame, path)
    if faults:
        raise FormatError(*faults, partial={video: frames for video, frames in videos.items() if frames})
    return videos


def _new_name(entry: dict, known: Mapping[str, Any], where: str) -> str:
    name = _frame_name(entry)
    if not name or name in known:
        what = f"frame {name} is listed twice" if name else "a frame has neither file_name nor image_id"
        raise FormatError(f"{where}: {what}. Restore the original json.")
    return name


def listed_prediction(root: Path, truth: Mapping[str, Mapping[str, Any]]) -> ListedVideos:
    """The prediction of each frame: videos by `video_id`, the frames of a video by position.

    Raises:
        FormatError: `pred.json` is missing or damaged, or a video has another number of frames than the truth.
    """
    path, found, faults = root / "pred.json", {}, []
    for entry in read_json(path, "annotations")["annotations"]:
        with collect_faults(faults):
            video, frames = _video_entry(entry, path)
            if video in found:
                raise FormatError(f"{path}: video {video} is listed twice. Write each video once.")
            found[video] = {}
            names = list(truth.get(video, {})) or [f"#{i}" for i in range(len(frames))]
            if len(frames) != len(names):
                raise FormatError(
                    f"{path}: video {video} has {len(frames)} annotations, the truth has {len(names)} frames; they "
                    "are matched by position. Write one per frame, in order."
                )
            for name, frame in zip(names, frames):
                found[video][name] = None  # a frame that cannot be read
                with collect_faults(faults):
                    found[video][name] = _listed_frame(root / "pan_pred", video, name, frame, path)
    if faults:
        raise FormatError(*faults, partial={video: frames for video, frames in found.items() if frames})
    return found


def _listed_frame(folder: Path, video: str, name: str, entry: dict, json_file: Path) -> ListedFrame:
    origin = f"{json_file} (video {video}, frame {name})"
    segments = parse_segments(entry, set(range(len(VIPSEG_CLASSES.names))), origin)
    return ListedFrame(folder / video / f"{name}.png", segments, origin)


def predicted_frame(root: Path, video: str, frame: str) -> ListedFrame:
    """One frame of a prediction, by the name that `pred.json` gives it.

    Raises:
        FormatError: `pred.json` is missing or damaged, or does not list the frame.
    """
    path = root / "pred.json"
    entries = (_video_entry(entry, path) for entry in cached_json(path, "annotations")["annotations"])
    frames = next((frames for name, frames in entries if name == video), [])
    entry = next((entry for entry in frames if _frame_name(entry) == frame), None)
    if entry is None:
        raise FormatError(f"{path}: does not list frame {frame} of video {video}. Predict all frames of the video.")
    return _listed_frame(root / "pan_pred", video, frame, entry, path)


def _frame_name(entry: dict) -> str:
    return Path(str(entry.get("file_name") or entry.get("image_id") or "")).stem


def _video_entry(entry: object, path: Path) -> tuple[str, list[dict]]:
    frames = entry.get("annotations") if isinstance(entry, dict) else None
    if not isinstance(frames, list) or not all(isinstance(f, dict) for f in frames) or "video_id" not in entry:
        raise FormatError(f"{path}: an entry of annotations is not {{video_id, annotations: [...]}}. Write it so.")
    return str(entry["video_id"]), frames
