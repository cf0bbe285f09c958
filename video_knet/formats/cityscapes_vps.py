"""Cityscapes-VPS (Kim et al., CVPR 2020): panoptic json with a PNG of ids for each labelled frame.

    DIR/panoptic_gt_SPLIT_city_vps.json             images, annotations, categories
    DIR[/SPLIT]/panoptic_video/NAME_final_mask.png  ids; NAME_gtFine_color.png for the frame that Cityscapes labelled
    PRED/pred.json, PRED/pan_pred/IMAGE_ID.png      a prediction

Every fifth of the 30 frames of a video is labelled, six in all. A file name starts with the number of its video
(`0005_0025_frankfurt_...`); names without a number are cut into videos of six frames, as the benchmark's script does.
"""

import re
from collections import Counter
from pathlib import Path

from .base import FormatError, collect_faults
from .cityscapes_classes import cityscapes_table
from .id_maps import IdMap, ListedFrame, categories_json, check_categories, parse_segments, segments_json, write_ids
from .json_files import read_json, write_json

LABELLED_FRAMES = 6
ListedVideos = dict[str, dict[str, ListedFrame]]
_VIDEO = re.compile(r"(\d+)_")
_SUFFIXES = (("_newImg8bit", "_final_mask"), ("_leftImg8bit", "_gtFine_color"))


class CityscapesVps:
    """The Cityscapes-VPS format.

    Attributes:
        name: Name of the format.
        classes: 19 Cityscapes train ids; 11 to 18 are things.
    """

    name = "cityscapes-vps"
    classes = cityscapes_table(thing_ids=tuple(range(11, 19)))

    def truth(self, path: Path) -> ListedVideos:
        """Labelled frames of each video, in the order of their names.

        Args:
            path: `panoptic_gt_*.json`, with its PNG folder beside it.

        Raises:
            FormatError: The json is damaged, or a frame has no annotation or no PNG folder.
        """
        content = read_json(path, "images", "annotations")
        check_categories(content, self.classes, path)
        annotations = _by_key(content["annotations"], "image_id", path)
        folder, known, frames = _png_folder(path), set(range(len(self.classes.names))), {}
        for position, (name, image) in enumerate(_by_key(content["images"], "id", path).items()):
            if name not in annotations:
                raise FormatError(f"{path}: image {name} has no annotation. Give the json of a labelled split.")
            file = _label_name(str(image.get("file_name") or annotations[name].get("file_name") or f"{name}.png"))
            origin = f"{path} (image {name})"
            segments = parse_segments(annotations[name], known, origin)
            frames[name] = (file, ListedFrame(folder / file, segments, origin, position))
        if extra := annotations.keys() - frames.keys():
            raise FormatError(f"{path}: annotation {min(extra)} has no image. Restore the original json.")
        return _into_videos(frames)

    def prediction(self, root: Path, truth: ListedVideos) -> ListedVideos:
        """The prediction of each labelled frame.

        Annotations of `pred.json` that name their image (`image_id`, or `file_name` of the PNG) are found by name;
        others are matched by position with the images of the truth, as the benchmark's script does.

        Raises:
            FormatError: `pred.json` is missing, damaged, or has another number of annotations than the truth.
        """
        path = root / "pred.json"
        entries = read_json(path, "annotations")["annotations"]
        named = self._name(entries, truth, path)
        known, faults = set(range(len(self.classes.names))), []
        found: ListedVideos = {}
        video_of = {name: video for video, frames in truth.items() for name in frames}
        for name, entry in named.items():
            origin, video = f"{path} (image {name})", video_of.get(name, "not in the truth")
            found.setdefault(video, {})[name] = None  # a frame that cannot be read
            with collect_faults(faults):
                segments = parse_segments(entry, known, origin)
                found[video][name] = ListedFrame(root / "pan_pred" / f"{name}.png", segments, origin)
        if faults:
            raise FormatError(*faults, partial=found)
        return found

    @staticmethod
    def _name(entries: list, truth: ListedVideos, path: Path) -> dict[str, dict]:
        """Annotations of a prediction by image id: by their names, or if none has any by position."""
        listed = {name: frame for frames in truth.values() for name, frame in frames.items()}
        names = sorted(listed, key=lambda name: listed[name].position)
        aliases = {alias: name for name, frame in listed.items() for alias in (name, _bare(frame.path.stem))}
        given = [_stem(entry) if isinstance(entry, dict) else "" for entry in entries]
        if not any(given):
            if len(entries) != len(names):
                raise FormatError(
                    f"{path}: {len(entries)} annotations without names for {len(names)} labelled frames; they are "
                    "matched by position. Write one per image of the ground truth, in its order, or give image_id."
                )
            return dict(zip(names, entries))
        if not all(given):
            raise FormatError(f"{path}: annotation {given.index('')} has no image_id, others have. Name all or none.")
        ids = [aliases.get(_bare(name), name) for name in given]
        if twice := [name for name, count in Counter(ids).items() if count > 1]:
            raise FormatError(*(f"{path}: image {name} is listed twice. Write each once." for name in twice))
        return dict(zip(ids, entries))

    def write_frame(self, root: Path, name: str, frame: IdMap) -> dict:
        """Write the PNG of a prediction; returns its entry of `pred.json`."""
        write_ids(root / "pan_pred" / f"{name}.png", frame.ids)
        return {"image_id": name, "file_name": f"{name}.png", "segments_info": segments_json(frame.segments)}

    def write_list(self, root: Path, entries: list[dict]) -> None:
        """Write `pred.json` in the order of the images of the truth."""
        write_json(root / "pred.json", {"annotations": entries})

    def write_truth(self, path: Path, videos: dict[str, dict[str, IdMap]]) -> None:
        """Write a ground truth json and its PNG folder.

        Args:
            path: The json.
            videos: Frames of each video by image id; an id starts with the number of its video ("0005_0025").
        """
        images, annotations = [], []
        for frames in videos.values():
            for name, frame in frames.items():
                height, width = frame.ids.shape
                file = f"{name}_newImg8bit.png"
                write_ids(path.parent / "panoptic_video" / _label_name(file), frame.ids)
                images.append({"id": name, "width": width, "height": height, "file_name": file})
                segments = segments_json(frame.segments)
                annotations.append({"image_id": name, "file_name": _label_name(file), "segments_info": segments})
        write_json(path, {"images": images, "annotations": annotations, "categories": categories_json(self.classes)})


def _by_key(entries: list, key: str, path: Path) -> dict[str, dict]:
    """Entries of a json by one of their values, which must differ."""
    found: dict[str, dict] = {}
    for entry in entries:
        if not isinstance(entry, dict) or key not in entry:
            raise FormatError(f"{path}: {str(entry)[:80]} has no {key!r}. Restore the original json.")
        if str(entry[key]) in found:
            raise FormatError(f"{path}: {key} {entry[key]} is listed twice. Restore the original json.")
        found[str(entry[key])] = entry
    return found


def _bare(stem: str) -> str:
    """A name without the suffix that tells images from labels."""
    for suffix in (suffix for pair in _SUFFIXES for suffix in pair):
        stem = stem.removesuffix(suffix)
    return stem


def _png_folder(path: Path) -> Path:
    split = path.stem.split("_")[2] if path.stem.count("_") >= 2 else "val"
    candidates = [path.parent / "panoptic_video", path.parent / split / "panoptic_video"]
    candidates += sorted(path.parent.glob("*/panoptic_video"))
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FormatError(f"{path.parent}: no folder panoptic_video beside {path.name} or in {split}/. Copy it there.")


def _label_name(file: str) -> str:
    for image, label in _SUFFIXES:
        file = file.replace(image, label)
    return Path(file).with_suffix(".png").name


def _into_videos(frames: dict[str, tuple[str, ListedFrame]]) -> ListedVideos:
    ordered = sorted(frames.items(), key=lambda item: item[1][0])  # by file name, as the benchmark's script sorts
    matches = [_VIDEO.match(file) for _, (file, _) in ordered]
    videos: ListedVideos = {}
    for i, ((name, (_, frame)), match) in enumerate(zip(ordered, matches)):
        video = match[1] if all(matches) else f"{i // LABELLED_FRAMES:04d}"
        videos.setdefault(video, {})[name] = frame
    return videos


def _stem(entry: dict) -> str:
    if "image_id" in entry:
        return str(entry["image_id"])
    return Path(str(entry.get("file_name", ""))).stem
