"""VIPSeg (Miao et al., CVPR 2022): raw 16-bit masks, and panoptic json with a PNG of ids for each frame.

    ROOT/panomasks/VIDEO/FRAME.png                raw: 0 void; below 125 class + 1; else (class + 1) * 100 + object
    ROOT/{train,val,test}.txt                     videos of a split, one name a line
    DIR/panoptic_gt_VIPSeg_SPLIT.json             what the raw masks are converted to: lists of segments,
    DIR/panomasksRGB/VIDEO/FRAME.png              ids
    PRED/pred.json, PRED/pan_pred/VIDEO/FRAME.png a prediction

Objects of the raw masks are numbered from 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .base import FormatError, collect_faults
from .id_maps import (
    IdMap,
    ListedFrame,
    Segment,
    categories_json,
    check_categories,
    parse_segments,
    segments_json,
    write_ids,
)
from .json_files import read_json, write_json
from .png import list_png, read_png, write_png
from .splits import read_split
from .vipseg_classes import VIPSEG_CLASSES

_FIRST_OBJECT = 125  # raw values from here on are objects


@dataclass(frozen=True)
class RawFrame:
    """A raw mask: an `IdMap` before it is decoded."""

    path: Path

    def read(self) -> IdMap:
        """Decode the mask; ids are the raw values.

        Raises:
            FormatError: The PNG is missing or damaged, or holds a value that is no class.
        """
        ids = read_png(self.path, "grey").astype(np.uint32)
        return IdMap(ids, tuple(list_raw(ids, self.path)), self.path, str(self.path))


VideoFrames = dict[str, dict[str, ListedFrame | RawFrame]]


class Vipseg:
    """The VIPSeg format.

    Attributes:
        name: Name of the format.
        classes: 124 classes, 58 of them things; ids as in the json files.
    """

    name = "vipseg"
    classes = VIPSEG_CLASSES

    def truth(self, path: Path, split: Path | None = None) -> VideoFrames:
        """Frames of each video.

        Args:
            path: `panoptic_gt_VIPSeg_*.json` with `panomasksRGB` beside it, or the root with the raw masks.
            split: Text file of video names; by default `val.txt` of a root, and all videos of a json.

        Raises:
            FormatError: Files are missing or damaged.
        """
        return self._listed_truth(path) if path.is_file() or path.suffix == ".json" else self._raw_truth(path, split)

    def prediction(self, root: Path, truth: VideoFrames) -> VideoFrames:
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
                        found[video][name] = self._listed_frame(root / "pan_pred", video, name, frame, path)
        if faults:
            raise FormatError(*faults, partial={video: frames for video, frames in found.items() if frames})
        return found

    def _listed_frame(self, folder: Path, video: str, name: str, entry: dict, json_file: Path) -> ListedFrame:
        origin = f"{json_file} (video {video}, frame {name})"
        segments = parse_segments(entry, set(range(len(self.classes.names))), origin)
        return ListedFrame(folder / video / f"{name}.png", segments, origin)

    def write_frame(self, root: Path, video: str, name: str, frame: IdMap) -> dict:
        """Write the PNG of a prediction; returns its entry of the video's annotations."""
        write_ids(root / "pan_pred" / video / f"{name}.png", frame.ids)
        return {"file_name": f"{name}.png", "image_id": name, "segments_info": segments_json(frame.segments)}

    def write_list(self, root: Path, videos: dict[str, list[dict]]) -> None:
        """Write `pred.json`: the entries of each video's frames, in order."""
        annotations = [{"video_id": video, "annotations": entries} for video, entries in videos.items()]
        write_json(root / "pred.json", {"annotations": annotations})

    def write_truth(self, path: Path, videos: dict[str, dict[str, IdMap]]) -> None:
        """Write a ground truth json, and `panomasksRGB` beside it.

        Args:
            path: The json.
            videos: Frames of each video by file stem.
        """
        listed, annotations = [], []
        for video, frames in videos.items():
            images, entries = [], []
            for name, frame in frames.items():
                height, width = frame.ids.shape
                write_ids(path.parent / "panomasksRGB" / video / f"{name}.png", frame.ids)
                images.append({"id": name, "file_name": f"{name}.jpg", "height": height, "width": width})
                segments = segments_json(frame.segments)
                entries.append({"image_id": name, "file_name": f"{name}.png", "segments_info": segments})
            listed.append({"video_id": video, "images": images})
            annotations.append({"video_id": video, "annotations": entries})
        write_json(path, {"videos": listed, "annotations": annotations, "categories": categories_json(self.classes)})

    def write_raw(self, path: Path, semantic: np.ndarray, objects: np.ndarray) -> None:
        """Write a raw mask.

        Args:
            path: The PNG.
            semantic: (H, W) class ids, 255 for void.
            objects: (H, W) number of the object from 0, of things; 0 elsewhere.
        """
        if objects.size and not 0 <= int(objects.min()) <= int(objects.max()) <= 99:
            raise FormatError(f"{path}: object {int(objects.max())} is outside 0..99. A mask holds 100 of a class.")
        is_thing = np.append(self.classes.is_thing, np.zeros(256 - len(self.classes.names), bool))
        raw = semantic.astype(np.uint16) + 1
        raw = np.where(is_thing[semantic], raw * 100 + objects, raw)
        write_png(path, np.where(semantic == self.classes.void, 0, raw).astype(np.uint16))

    def _listed_truth(self, path: Path) -> VideoFrames:
        content = read_json(path, "annotations")
        check_categories(content, self.classes, path)
        folders = [folder / "panomasksRGB" for folder in (path.parent, path.parent.parent)]
        folder = next((f for f in folders if f.is_dir()), None)
        if folder is None:
            raise FormatError(f"{folders[0]}: no such folder, but {path.name} needs its PNG files. Copy it there.")
        videos: VideoFrames = {}
        for entry in content["annotations"]:
            video, frames = _video_entry(entry, path)
            if video in videos:
                raise FormatError(f"{path}: video {video} is listed twice. Restore the original json.")
            videos[video] = {}
            for frame in frames:
                name = Path(str(frame.get("file_name") or frame.get("image_id") or "")).stem
                if not name or name in videos[video]:
                    what = f"frame {name} is listed twice" if name else "a frame has neither file_name nor image_id"
                    raise FormatError(f"{path}: video {video}: {what}. Restore the original json.")
                videos[video][name] = self._listed_frame(folder, video, name, frame, path)
        return videos

    def _raw_truth(self, root: Path, split: Path | None) -> VideoFrames:
        masks = root / "panomasks" if (root / "panomasks").is_dir() else root
        if not masks.is_dir():
            raise FormatError(f"{root}: no such folder. Give panoptic_gt_VIPSeg_*.json, or the root with panomasks/.")
        default = next((f / "val.txt" for f in (root, masks.parent) if (f / "val.txt").is_file()), None)
        split = split or default
        names = read_split(split) if split else sorted(p.name for p in masks.iterdir() if p.is_dir())
        videos: VideoFrames = {}
        for name in names:
            if not (masks / name).is_dir():
                raise FormatError(f"{masks / name}: no such folder, but {split} names the video. Download its masks.")
            files = list_png(masks / name)
            if not files:
                raise FormatError(f"{masks / name}: holds no PNG file. Download the video again.")
            videos[name] = {path.stem: RawFrame(path) for path in files}
        if not videos:
            raise FormatError(f"{masks}: holds no video (VIDEO/FRAME.png). Give the root with panomasks/.")
        return videos


def list_raw(ids: np.ndarray, path: Path) -> Iterable[Segment]:
    """Segments of a raw mask, by rising value, as the data set's converter lists them."""
    for value, area in zip(*np.unique(ids, return_counts=True)):
        if not value:
            continue
        category = int(value) - 1 if value < _FIRST_OBJECT else int(value) // 100 - 1
        if not 0 <= category < len(VIPSEG_CLASSES.names):
            raise FormatError(
                f"{path}: value {int(value)} is no class: 0 is void, 1..124 are classes, from 125 on (class + 1) * 100 "
                "+ object. Restore the original mask."
            )
        yield Segment(int(value), category, False, int(area))


def _video_entry(entry: object, path: Path) -> tuple[str, list[dict]]:
    frames = entry.get("annotations") if isinstance(entry, dict) else None
    if not isinstance(frames, list) or not all(isinstance(f, dict) for f in frames) or "video_id" not in entry:
        raise FormatError(f"{path}: an entry of annotations is not {{video_id, annotations: [...]}}. Write it so.")
    return str(entry["video_id"]), frames
