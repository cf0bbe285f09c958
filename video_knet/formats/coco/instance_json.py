"""What the json of COCO instances holds, with its faults named entry by entry.

    {images:      [{id, file_name, height, width}],
     annotations: [{id, image_id, category_id, iscrowd, segmentation}],
     categories:  [{id, name}]}

A segmentation is a list of polygons, or a run-length code {size: [H, W], counts} as a list or as text. `iscrowd` may be
absent, as the official evaluation has it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from ..base import ClassTable, FormatError, Frame, Video
from ..coding.frame_objects import FrameObjects, Polygons, number_tracks, pack_polygon
from ..coding.rle import MaskError, counts_text
from ..disk.json_files import read_json
from ..youtube_vis.faults import category_faults, check

_IMAGE_KEYS = ("id", "file_name", "height", "width")
_ANNOTATION_KEYS = ("id", "image_id", "category_id", "segmentation")
_REMEDY = "Restore the original file."


def list_images(path: Path, folders: Sequence[Path], classes: ClassTable) -> list[Video]:
    """The images of a json, each a video of one frame with its objects as label.

    Args:
        path: The json.
        folders: Where its images may be; the first that holds one of them counts.
        classes: Classes whose names the categories have.

    Raises:
        FormatError: All faults that were found; `partial` holds the images without any.
    """
    data = read_json(path, "images", "annotations", "categories")
    ids = category_ids(path, data["categories"], classes)
    faults: list[str] = []
    images = _sound_images(path, data["images"], faults)
    present = _check_files(path, images, folders, faults)
    objects, spoiled = _objects(path, data["annotations"], images, ids, faults)
    videos = []
    for number, entry in images.items():
        file = entry["file_name"]
        if file in present and number not in spoiled:
            size, found = (entry["height"], entry["width"]), objects.get(number, [])
            tracks = number_tracks([facts for *facts, _ in found])
            masks = [(facts[0], track, facts[-1]) for facts, track in zip(found, tracks)]
            label = FrameObjects.ordered(path, f"image {file}", size, masks)
            stem = Path(file).stem
            videos.append(Video(stem, (Frame(stem, present[file], label),)))
    if faults:
        raise FormatError(*faults, partial=videos)
    return videos


def category_ids(path: Path, entries: list, classes: ClassTable) -> dict[int, int]:
    """Dataset id of each category id, by name.

    Raises:
        FormatError: The list is faulty, or a category is no class.
    """
    check(category_faults(path, entries))
    known = {name: i for i, name in enumerate(classes.names)}
    if unknown := [entry["name"] for entry in entries if entry["name"] not in known]:
        raise FormatError(
            f"{path}: {len(unknown)} categories are no things of COCO: {', '.join(unknown[:5])}. Give the original "
            "json, or read it as a dataset of your own."
        )
    return {entry["id"]: known[entry["name"]] for entry in entries}


def _sound_images(path: Path, entries: list, faults: list[str]) -> dict[int, dict]:
    images: dict[int, dict] = {}
    names: set[str] = set()
    for number, entry in enumerate(entries):
        where = f"{path}: image entry {number}"
        if not isinstance(entry, dict) or any(key not in entry for key in _IMAGE_KEYS):
            faults.append(f"{where}: is {str(entry)[:40]!r}, which lacks some of {', '.join(_IMAGE_KEYS)}. {_REMEDY}")
        elif wrong := [k for k in ("height", "width") if type(entry[k]) is not int or entry[k] < 1]:
            faults.append(f"{where}: {wrong[0]} is {entry[wrong[0]]!r}, not a whole number from 1. {_REMEDY}")
        elif type(entry["id"]) is not int or entry["id"] in images:
            faults.append(f"{where}: id {entry['id']!r} is no whole number, or there twice. {_REMEDY}")
        elif not _is_file_name(entry["file_name"]) or entry["file_name"] in names:
            faults.append(f"{where}: file_name {entry['file_name']!r} is no name of a file, or there twice. {_REMEDY}")
        else:
            images[entry["id"]] = entry
            names.add(entry["file_name"])
    return images


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and not set("/\0") & set(name)


def _check_files(path: Path, images: dict[int, dict], folders: Sequence[Path], faults: list[str]) -> dict[str, Path]:
    """Path of each image that is there, by file name."""
    names = [entry["file_name"] for entry in images.values()]
    folder = next((f for f in folders if names and os.path.isfile(f / names[0])), folders[0])
    try:
        found = set(os.listdir(folder))
    except OSError as error:
        faults.append(f"{folder}: cannot be listed ({error.strerror}), but holds the images of {path}. Download them.")
        return {}
    if lacking := [name for name in names if name not in found]:
        faults.append(
            f"{folder / lacking[0]}: no such file, but {path} lists it ({len(lacking)} of {len(names)} missing). "
            "Download the images again."
        )
    return {name: folder / name for name in names if name in found}


def _objects(
    path: Path, entries: list, images: dict[int, dict], ids: dict[int, int], faults: list[str]
) -> tuple[dict[int, list[tuple]], set]:
    """(class, crowd, `track_id` or None, mask) of each object by image id, and the image ids that have faults."""
    objects: dict[int, list[tuple]] = {}
    spoiled: set[int] = set()
    seen: set[int] = set()
    for number, entry in enumerate(tqdm(entries, desc="objects", unit="", delay=5, leave=False)):
        found = list(_annotation_faults(entry, images, ids, seen))
        try:
            mask = None if found else _mask(entry["segmentation"], images[entry["image_id"]])
        except MaskError as error:
            found.append(f"mask cannot be decoded, {error.reason}. Encode it with pycocotools.")
        except ValueError as error:
            found.append(f"{error}. {_REMEDY}")
        if found:
            faults += [f"{path}: annotation entry {number}: {fault}" for fault in found]
            if isinstance(entry, dict) and type(entry.get("image_id")) is int:
                spoiled.add(entry["image_id"])
            continue
        facts = ids[entry["category_id"]], bool(entry.get("iscrowd", 0)), entry.get("track_id"), mask
        objects.setdefault(entry["image_id"], []).append(facts)
    return objects, spoiled


def _annotation_faults(entry: object, images: dict[int, dict], ids: dict[int, int], seen: set) -> Iterator[str]:
    if not isinstance(entry, dict) or any(key not in entry for key in _ANNOTATION_KEYS):
        yield f"is {str(entry)[:40]!r}, which lacks some of {', '.join(_ANNOTATION_KEYS)}. {_REMEDY}"
        return
    if type(entry["id"]) is not int or entry["id"] < 1 or entry["id"] in seen:
        yield f"id {entry['id']!r} is no whole number from 1, or there twice. Number from 1, each number once."
    else:
        seen.add(entry["id"])
    for key, known in (("image_id", images), ("category_id", ids)):
        if type(entry[key]) is not int or entry[key] not in known:
            yield f"{key} {entry[key]!r} is not among the {len(known)} sound ones of the file. {_REMEDY}"
    if entry.get("iscrowd", 0) not in (0, 1):
        yield f"iscrowd is {entry['iscrowd']!r}, not 0 or 1. Write 1 for a crowd."


def _mask(segmentation: object, image: dict) -> str | Polygons:
    """A mask as `FrameObjects` keeps it.

    Raises:
        ValueError: It is none, or of another size than its image.
    """
    if isinstance(segmentation, dict) and {"counts", "size"} <= segmentation.keys():
        return counts_text(segmentation, [image["height"], image["width"]], what="image")
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError(f"segmentation {str(segmentation)[:40]!r} is no list of polygons, nor {{size, counts}}")
    try:
        return tuple(map(pack_polygon, segmentation))
    except ValueError as error:
        raise ValueError(f"a polygon {error}") from None
