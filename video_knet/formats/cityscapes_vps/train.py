"""The training labels of Cityscapes-VPS: a map of classes for each frame, and a json of instances for all.

    ROOT/train/labelmap/NAME_final_mask.png      8 bit: Cityscapes train ids, 255 void
    ROOT/instances_train_city_vps_rle.json       as in COCO; `inst_id` says which object it is in its video

The map gives the class of each pixel, an instance the object of those pixels under its mask that have its class; where
two of them overlap, that of the later one. Pixels of things without an instance, or under a crowd only, are crowd.

Legend: H W size.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base import FormatError, SegmentMap, collect_faults
from ..coding.id_maps import IdMap, listed_categories
from ..coding.id_tracks import MAX_TRACK, to_listed_ids
from ..coding.rle import MaskError, counts_text, decode_runs, encode_masks
from ..coding.segment_png import check_classes, check_shapes
from ..coding.track_numbers import TrackNumbers
from ..disk.json_files import read_json, write_json
from ..disk.png import read_png, write_png
from .json import CLASSES
from .names import bare_name, check_entries, video_of

_CODING = "A labelmap holds Cityscapes train ids."
_THINGS = CLASSES.thing_ids


@dataclass(frozen=True)
class Instance:
    """An object of one frame.

    Attributes:
        category: Train id.
        track: Number in the video, from 1; 0 for a crowd.
        size: (H, W) of the mask.
        counts: Run-length code as text.
    """

    category: int
    track: int
    size: tuple[int, int]
    counts: str


@dataclass(frozen=True)
class LabelmapFrame:
    """Labels of a training frame.

    Attributes:
        path: The map of classes.
        instances: The objects.
        origin: Where they stand, for messages.
    """

    path: Path
    instances: tuple[Instance, ...]
    origin: str

    def segment_map(self) -> SegmentMap:
        """Classes and tracks of the frame.

        Raises:
            FormatError: The map is missing, damaged, or has an unknown class; a mask is damaged or has another size.
        """
        semantic = read_png(self.path, "P")
        check_classes(semantic, len(CLASSES.names), self.path, _CODING)
        track, objects = np.zeros(semantic.shape, np.int32), [i for i in self.instances if i.track]
        if objects:
            place, which = self._pixels(objects, semantic.shape)
            category, number = (np.array([getattr(i, key) for i in objects]) for key in ("category", "track"))
            own = semantic.reshape(-1)[place] == category[which]
            track.reshape(-1)[place[own]] = number[which[own]]
        return SegmentMap(np.array(semantic), track)

    def _pixels(self, objects: list[Instance], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Places (n,) of all pixels under masks in a (H, W) map, row by row, and which mask (n,) it is."""
        try:
            runs = decode_runs([{"size": list(i.size), "counts": i.counts} for i in objects], shape)
        except MaskError as error:
            raise FormatError(
                f"{self.origin}, object {objects[error.place].track}: {error.reason}. Restore it."
            ) from None
        begin, end = runs.edges
        lengths = end - begin
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        column, row = np.divmod(np.repeat(begin, lengths) + steps, shape[0])
        which = np.repeat(np.repeat(np.arange(len(objects)), np.diff(runs.first)), lengths)
        return row * shape[1] + column, which

    def read(self) -> IdMap:
        """The frame as ids and their list, for the evaluator. Errors as for `segment_map`."""
        return to_listed_ids(self.segment_map(), CLASSES, TrackNumbers(CLASSES, MAX_TRACK), self.path)


def read_instances(path: Path, faults: list[str]) -> dict[str, tuple[Instance, ...]]:
    """The instances of each listed image by its bare name; what is wrong is noted in `faults`.

    Raises:
        FormatError: The json cannot be read.
    """
    content = read_json(path, "images", "annotations")
    names = {key: _image_name(i, path) for key, i in check_entries(content["images"], "id", path, faults).items()}
    train_ids = _train_ids(listed_categories(content, path), path)
    check_entries([a for a in content["annotations"] if isinstance(a, dict) and "id" in a], "id", path, faults)
    found: dict[str, list[Instance]] = {name: [] for name in names.values()}
    for entry in content["annotations"]:
        with collect_faults(faults):
            image = str(entry.get("image_id")) if isinstance(entry, dict) else "None"
            if image not in names:
                raise FormatError(f"{path}: annotation {str(entry)[:60]} has no image. Restore the original json.")
            found[names[image]].append(_parse_instance(entry, train_ids, f"{path} (image {names[image]})"))
    return _number(found)


def _number(found: dict[str, list[Instance]]) -> dict[str, tuple[Instance, ...]]:
    """Numbers from 1 in each video, one for each object; those that the json gives where it numbers that way."""
    objects: dict[str | None, dict[tuple[int, int], None]] = {}
    for name, instances in found.items():
        objects.setdefault(video_of(name), {}).update(
            dict.fromkeys((i.category, i.track) for i in instances if i.track >= 0)
        )
    numbers: dict[str | None, TrackNumbers] = {}
    for video, keys in objects.items():
        numbers[video] = TrackNumbers(CLASSES, MAX_TRACK)
        numbers[video].reserve(keys)

    def numbered(name: str, i: Instance) -> Instance:
        track = 0 if i.track < 0 else numbers[video_of(name)].number(i.category, i.track)
        return Instance(i.category, track, i.size, i.counts)

    return {name: tuple(numbered(name, i) for i in instances) for name, instances in found.items()}


def _parse_instance(entry: dict, train_ids: dict[int, int], origin: str) -> Instance:
    """An entry of the json; its track is `inst_id`, and -1 of a crowd."""
    try:
        category = train_ids[operator.index(entry["category_id"])]
        crowd = bool(entry.get("iscrowd", 0))
        track = -1 if crowd else operator.index(entry["inst_id"])
        rle = entry["segmentation"]
        height, width = (operator.index(side) for side in rle["size"])
        counts = counts_text(rle, [height, width])
    except MaskError as error:
        raise FormatError(f"{origin}: segmentation of {_short(entry)}: {error.reason}. Restore the json.") from None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{origin}: {_short(entry)} needs category_id (one of {sorted(train_ids)}), inst_id, and a segmentation "
            f"{{size, counts}} ({type(error).__name__}: {error}). Restore the original json."
        ) from None
    if track < 0 and not crowd:
        raise FormatError(f"{origin}: inst_id {track} of {_short(entry)} is below 0. Number the objects of a video.")
    return Instance(category, track, (height, width), counts)


def _short(entry: dict) -> str:
    return str({key: value for key, value in entry.items() if key in ("id", "category_id", "inst_id")})


def _image_name(image: dict, path: Path) -> str:
    if not isinstance(image.get("file_name"), str):
        raise FormatError(f"{path}: image {image['id']} has no file_name. Restore the original json.")
    return bare_name(Path(image["file_name"]).stem)


def _train_ids(categories: list, path: Path) -> dict[int, int]:
    """Train id of each category: `trainid` where categories have it, else the things in order."""
    rows = categories or [{"id": i + 1} for i in range(len(_THINGS))]
    try:
        numbers = [operator.index(row["id"]) for row in rows]
        named = [operator.index(row["trainid"]) for row in rows if "trainid" in row]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: categories need whole numbers id and trainid ({error}). Restore them.") from None
    train_ids = dict(zip(numbers, named)) if len(named) == len(rows) else dict(zip(sorted(numbers), _THINGS))
    if len(train_ids) != len(rows) or not set(train_ids.values()) <= set(_THINGS):
        raise FormatError(
            f"{path}: categories {numbers} with trainid {named} are not the {len(_THINGS)} things "
            f"{_THINGS[0]}..{_THINGS[-1]}. Restore the original json."
        )
    return train_ids


def write_labelmap(path: Path, segments: SegmentMap) -> None:
    """Write the map of classes of a frame.

    Raises:
        FormatError: A class that the dataset does not have.
    """
    semantic, _ = check_shapes(segments, path)
    check_classes(semantic, len(CLASSES.names), path, _CODING)
    write_png(path, semantic.astype(np.uint8))


def instance_entries(segments: SegmentMap, numbers: TrackNumbers, where: Path) -> list[dict]:
    """Annotations of a frame's objects and crowds, without `id` and `image_id`."""
    semantic, objects = segments.semantic, numbers.renumber(segments.semantic, segments.track, where)
    found = [(int(semantic[objects == i][0]), int(i), objects == i) for i in np.unique(objects[objects > 0])]
    crowds = [(c, 0, (semantic == c) & (objects == 0)) for c in _THINGS]
    entries = []
    for category, number, mask in [*found, *(crowd for crowd in crowds if crowd[2].any())]:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y = int(columns[0]), int(rows[0])
        entries.append(
            {
                "category_id": _THINGS.index(category) + 1,
                "inst_id": number,
                "iscrowd": int(number == 0),
                "area": int(mask.sum()),
                "bbox": [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1],
                "segmentation": encode_masks(mask[None])[0],
            }
        )
    return entries


def extend_instances(path: Path, video: str, frames: Iterable[tuple[dict, list[dict]]]) -> None:
    """Put the frames of a video into an instances json, in place of those that it had; the json may be new.

    Args:
        path: The json.
        video: Number that the file names start with.
        frames: Image, and its annotations without `id` and `image_id`.
    """
    old = read_json(path, "images", "annotations") if path.exists() else {"images": [], "annotations": []}
    images = [image for image in old["images"] if video_of(image["file_name"]) != video]
    kept = {image["id"] for image in images}
    annotations = [entry for entry in old["annotations"] if entry["image_id"] in kept]
    for image, entries in frames:
        images.append(image)
        annotations += [{"image_id": image["id"], **entry} for entry in entries]
    images.sort(key=lambda image: image["file_name"])
    place = {image["id"]: i for i, image in enumerate(images)}
    annotations.sort(key=lambda entry: place[entry["image_id"]])
    annotations = [{**entry, "id": number} for number, entry in enumerate(annotations, 1)]
    categories = [{"id": i, "name": CLASSES.names[c], "trainid": c} for i, c in enumerate(_THINGS, 1)]
    write_json(path, {"images": images, "annotations": annotations, "categories": categories})
