"""The videos of each split of Cityscapes-VPS: images, labels, and whether they belong together."""

from collections.abc import Callable
from pathlib import Path

from ..base import FormatError, Frame, Video, collect_faults
from ..coding.id_maps import ListedFrame
from ..coding.id_tracks import TrackedFrame, track_frames
from ..disk.json_files import read_json
from .json import CLASSES, listed_truth
from .names import bare_name, by_video, label_name, list_frames, video_of
from .train import LabelmapFrame, read_instances

# By bare name: the name in predictions, and the label; None where it is faulty.
Labels = dict[str, tuple[str, LabelmapFrame | TrackedFrame | None]]
INSTANCES = "instances_train_city_vps_rle.json"
PANOPTIC = "panoptic_gt_{}_city_vps.json"
_LAYOUT_REMEDY = "Give the folder that holds train/, val/ and the json files (data/README.md)."
_REMEDY = "Restore what is missing, or take away what has no partner."


def _train(root: Path, faults: list[str]) -> list[Video]:
    """Labels from a panoptic json where train has one with its PNG files, else from labelmaps and instances."""
    folder = _folder(root, "train/img")
    images = list_frames(folder, faults)
    json = next((path for path in map(root.joinpath, _train_jsons()) if _has_segments(path, root)), None)
    labels = _labelmaps(root, images, faults) if json is None else _panoptic(json, faults)
    return _labelled_videos(folder, images, labels, faults)


def _train_jsons() -> tuple[str, ...]:
    return PANOPTIC.format("train"), "panoptic_im_train_city_vps.json"


def _has_segments(path: Path, root: Path) -> bool:
    """Whether a panoptic json of train says what the ids of the PNG files are; there are some that list images only."""
    if not path.is_file() or not (root / "train" / "panoptic_video").is_dir():
        return False
    entries = read_json(path, "images").get("annotations")
    return (
        bool(entries) and isinstance(entries, list) and isinstance(entries[0], dict) and "segments_info" in entries[0]
    )


def _val(root: Path, faults: list[str]) -> list[Video]:
    """All frames of val, of which some have labels; only the labelled ones where there is no `img_all`."""
    if not (root / "val" / "img_all").is_dir():
        return _val_labelled(root, faults)
    folder, needed = root / "val" / "img_all", {}
    images, labels = list_frames(folder, faults), _panoptic(root / PANOPTIC.format("val"), faults)
    if (root / "val" / "img").is_dir():
        needed = list_frames(root / "val" / "img", faults)
    faults += _lacking_images(folder, images, labels) + _lacking_labels(needed, labels)
    videos = []
    for number, names in by_video(images).items():
        videos.append(_video(number, names, images, labels))
        if not any(name in labels for name in names):
            faults.append(f"{images[names[0]]}: no frame of video {number} has a label. {_REMEDY}")
    return videos


def _val_labelled(root: Path, faults: list[str]) -> list[Video]:
    """The labelled frames of val."""
    alone = (root / "val" / "img").is_dir()
    folder = _folder(root, "val/img" if alone else "val/img_all")
    images, labels = list_frames(folder, faults), _panoptic(root / PANOPTIC.format("val"), faults)
    if not alone:
        images = {name: path for name, path in images.items() if name in labels}
    return _labelled_videos(folder, images, labels, faults)


def _test(root: Path, faults: list[str]) -> list[Video]:
    """All frames of test, without labels."""
    images = list_frames(_folder(root, "test/img_all"), faults)
    return [_video(number, names, images, {}) for number, names in by_video(images).items()]


LISTINGS: dict[str, Callable[[Path, list[str]], list[Video]]] = {
    "train": _train,
    "val": _val,
    "test": _test,
    "val_labelled": _val_labelled,
}


def _folder(root: Path, name: str) -> Path:
    if not (root / name).is_dir():
        raise FormatError(f"{root / name}: no such folder. {_LAYOUT_REMEDY}")
    return root / name


def _labelmaps(root: Path, images: dict[str, Path], faults: list[str]) -> Labels:
    path, folder = root / INSTANCES, _folder(root, "train/labelmap")
    maps, instances = list_frames(folder, faults), read_instances(path, faults)
    labels: Labels = {}
    for name, file in maps.items():
        labels[name] = name, LabelmapFrame(file, instances.get(name, ()), f"{path} (image {name})")
        if name not in instances:
            faults.append(f"{path}: does not list image {name}, but there is {file}. {_REMEDY}")
            labels[name] = name, None
    for name in sorted(instances.keys() - maps.keys() - images.keys()):
        faults.append(f"{path}: lists image {name}, of which there is neither image nor labelmap. {_REMEDY}")
    return labels


def _panoptic(path: Path, faults: list[str]) -> Labels:
    """The frames that a panoptic json lists; objects are numbered in each video."""
    try:
        listed = listed_truth(path)
    except FormatError as error:
        if error.partial is None:
            raise
        listed, _ = error.partial, faults.extend(error.faults)
    frames: dict[str, tuple[str, ListedFrame]] = {}
    for name, frame in ((name, frame) for group in listed.values() for name, frame in group.items()):
        with collect_faults(faults):
            frames[_new_name(frame, frames)] = name, frame
    labels: Labels = {}
    for names in by_video(frames).values():
        with collect_faults(faults):
            for name, tracked in zip(names, track_frames((frames[name][1] for name in names), CLASSES)):
                labels[name] = frames[name][0], None
                with collect_faults(faults):
                    labels[name] = frames[name][0], _checked(tracked)
    return labels


def _new_name(frame: ListedFrame, known: dict) -> str:
    name = bare_name(frame.path.stem)
    if video_of(name) is None:
        raise FormatError(f"{frame.origin}: {frame.path.name} does not start with the number of its video. Rename it.")
    if name in known:
        raise FormatError(
            f"{frame.origin}: the file {frame.path.name} is listed for another image too. Keep one entry."
        )
    return name


def _checked(frame: TrackedFrame) -> TrackedFrame:
    ids = [segment.id for segment in frame.segments]
    if twice := sorted({number for number in ids if ids.count(number) > 1}):
        raise FormatError(
            *(f"{frame.origin}: id {number} is listed twice. Give each segment one entry." for number in twice)
        )
    if not frame.path.is_file():
        raise FormatError(f"{frame.path}: no such file, but {frame.origin} needs it. {_REMEDY}")
    return frame


def _lacking_images(folder: Path, images: dict[str, Path], labels: Labels) -> list[str]:
    return [
        f"{folder / name}_newImg8bit.png: no such file (nor _leftImg8bit.png), but there is a label of it. {_REMEDY}"
        for name in sorted(labels.keys() - images.keys())
    ]


def _lacking_labels(images: dict[str, Path], labels: Labels) -> list[str]:
    return [
        f"{images[name]}: has no label ({label_name(images[name].name)} and its entry in the json). {_REMEDY}"
        for name in sorted(images.keys() - labels.keys())
    ]


def _labelled_videos(folder: Path, images: dict[str, Path], labels: Labels, faults: list[str]) -> list[Video]:
    """Videos of the frames that have both an image and a label, as all should."""
    faults += _lacking_images(folder, images, labels) + _lacking_labels(images, labels)
    whole = {name: path for name, path in images.items() if labels.get(name, (name, None))[1] is not None}
    return [_video(number, names, whole, labels) for number, names in by_video(whole).items()]


def _video(number: str, names: list[str], images: dict[str, Path], labels: Labels) -> Video:
    entries = [(labels.get(name, (name, None)), images[name]) for name in names]
    return Video(number, tuple(Frame(name, image, label) for (name, label), image in entries))
