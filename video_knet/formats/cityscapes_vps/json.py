"""The panoptic jsons of Cityscapes-VPS: truth, and predictions."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ..base import FormatError, collect_faults
from ..cityscapes.classes import cityscapes_table
from ..coding.id_maps import IdMap, ListedFrame, categories_json, check_categories, parse_segments, segments_json
from ..disk.json_cache import cached_json
from ..disk.json_files import read_json, write_json
from .names import bare_name, check_entries, label_name, video_of

LABELLED_FRAMES = 6
CLASSES = cityscapes_table(thing_ids=tuple(range(11, 19)))
ListedVideos = dict[str, dict[str, ListedFrame]]
_KNOWN = set(range(len(CLASSES.names)))


def listed_truth(path: Path) -> ListedVideos:
    """Labelled frames of each video, in the order of their names.

    Args:
        path: `panoptic_gt_*.json`, with its PNG folder beside it.

    Raises:
        FormatError: The json is damaged, or a frame has no annotation or no PNG folder; all faults, `partial` holds
            the other frames.
    """
    content = read_json(path, "images", "annotations")
    check_categories(content, CLASSES, path)
    folder, faults, frames = _png_folder(path), [], {}
    annotations = check_entries(content["annotations"], "image_id", path, faults)
    images = check_entries(content["images"], "id", path, faults)
    for position, (name, image) in enumerate(images.items()):
        with collect_faults(faults):
            if name not in annotations:
                raise FormatError(f"{path}: image {name} has no annotation. Give the json of a labelled split.")
            file = label_name(str(image.get("file_name") or annotations[name].get("file_name") or f"{name}.png"))
            origin = f"{path} (image {name})"
            segments = parse_segments(annotations[name], _KNOWN, origin)
            frames[name] = (file, ListedFrame(folder / file, segments, origin, position))
    for name in sorted(annotations.keys() - images.keys()):
        faults.append(f"{path}: annotation {name} has no image. Restore the original json.")
    if faults:
        raise FormatError(*faults, partial=_into_videos(frames))
    return _into_videos(frames)


def _png_folder(path: Path) -> Path:
    split = path.stem.split("_")[2] if path.stem.count("_") >= 2 else "val"
    candidates = [path.parent / "panoptic_video", path.parent / split / "panoptic_video"]
    candidates += sorted(path.parent.glob("*/panoptic_video"))
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FormatError(f"{path.parent}: no folder panoptic_video beside {path.name} or in {split}/. Copy it there.")


def _into_videos(frames: dict[str, tuple[str, ListedFrame]]) -> ListedVideos:
    ordered = sorted(frames.items(), key=lambda item: item[1][0])  # by file name, as the benchmark's script sorts
    numbers = [video_of(file) for _, (file, _) in ordered]
    videos: ListedVideos = {}
    for i, ((name, (_, frame)), number) in enumerate(zip(ordered, numbers)):
        video = number if all(numbers) else f"{i // LABELLED_FRAMES:04d}"
        videos.setdefault(video, {})[name] = frame
    return videos


def listed_prediction(root: Path, truth: ListedVideos) -> ListedVideos:
    """The prediction of each labelled frame.

    Annotations of `pred.json` that name their image (`image_id`, or `file_name` of the PNG) are found by name; others
    are matched by position with the images of the truth, as the benchmark's script does.

    Raises:
        FormatError: `pred.json` is missing, damaged, or has another number of annotations than the truth.
    """
    path = root / "pred.json"
    entries = read_json(path, "annotations")["annotations"]
    named, faults = _name_entries(entries, truth, path), []
    found: ListedVideos = {}
    video_of_image = {name: video for video, frames in truth.items() for name in frames}
    for name, entry in named.items():
        video = video_of_image.get(name, "not in the truth")
        found.setdefault(video, {})[name] = None  # a frame that cannot be read
        with collect_faults(faults):
            found[video][name] = _predicted(root, name, entry)
    if faults:
        raise FormatError(*faults, partial=found)
    return found


def _predicted(root: Path, name: str, entry: dict) -> ListedFrame:
    origin = f"{root / 'pred.json'} (image {name})"
    return ListedFrame(root / "pan_pred" / f"{name}.png", parse_segments(entry, _KNOWN, origin), origin)


def _name_entries(entries: list, truth: ListedVideos, path: Path) -> dict[str, dict]:
    """Annotations of a prediction by image id: by their names, or if none has any by position."""
    listed = {name: frame for frames in truth.values() for name, frame in frames.items()}
    names = sorted(listed, key=lambda name: listed[name].position)
    aliases = {alias: name for name, frame in listed.items() for alias in (name, bare_name(frame.path.stem))}
    given = [_stem(entry) for entry in entries]
    if not any(given):
        if len(entries) != len(names):
            raise FormatError(
                f"{path}: {len(entries)} annotations without names for {len(names)} labelled frames; they are "
                "matched by position. Write one per image of the ground truth, in its order, or give image_id."
            )
        return dict(zip(names, entries))
    if not all(given):
        raise FormatError(f"{path}: annotation {given.index('')} has no image_id, others have. Name all or none.")
    ids = [aliases.get(bare_name(name), name) for name in given]
    if twice := [name for name, count in Counter(ids).items() if count > 1]:
        raise FormatError(*(f"{path}: image {name} is listed twice. Write each once." for name in twice))
    return dict(zip(ids, entries))


def predicted_frame(root: Path, video: str, name: str) -> ListedFrame | None:
    """One frame of a prediction by its name; None where others of its video are predicted, and it is not.

    Raises:
        FormatError: `pred.json` is missing or damaged, or has no frame of the video.
    """
    path = root / "pred.json"
    given = {bare_name(_stem(entry)): entry for entry in cached_json(path, "annotations")["annotations"]}
    if name in given:
        return _predicted(root, name, given[name])
    if any(video_of(other) == video for other in given):
        return None
    raise FormatError(f"{path}: names no frame of video {video}. Predict the video, and give each frame's image_id.")


def _stem(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    return str(entry["image_id"]) if "image_id" in entry else Path(str(entry.get("file_name", ""))).stem


def truth_entries(name: str, frame: IdMap) -> tuple[dict, dict]:
    """Image and annotation of a frame in a ground truth json."""
    (height, width), file = frame.ids.shape, f"{name}_newImg8bit.png"
    image = {"id": name, "width": width, "height": height, "file_name": file}
    return image, {
        "image_id": name,
        "file_name": label_name(file),
        "segments_info": segments_json(frame.segments),
    }


def write_listed(path: Path, images: list[dict], annotations: list[dict]) -> None:
    """Write a ground truth json."""
    write_json(path, {"images": images, "annotations": annotations, "categories": categories_json(CLASSES)})


def extend_truth(path: Path, video: str, entries: Iterable[tuple[dict, dict]]) -> None:
    """Put the frames of a video into a ground truth json, in place of those that it had; the json may be new."""
    old = read_json(path, "images", "annotations") if path.exists() else {"images": [], "annotations": []}
    images = [image for image in old["images"] if video_of(image["file_name"]) != video]
    annotations = [entry for entry in old["annotations"] if video_of(entry["file_name"]) != video]
    for image, annotation in entries:
        images.append(image)
        annotations.append(annotation)
    images.sort(key=lambda image: image["file_name"])
    annotations.sort(key=lambda entry: entry["file_name"])
    write_listed(path, images, annotations)
