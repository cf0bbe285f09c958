"""Writes single images in the layout of COCO instances, and their objects into the json of the split."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from ..base import ClassTable, FormatError, SegmentMap
from ..coding.rle import encode_masks
from ..disk.images import write_jpeg
from ..disk.json_files import read_json, write_json
from .classes import COCO_THINGS

IMAGES_OF_VIDEO = 1000  # numbers between the first images of two videos


def write_images(
    root: Path,
    split: str,
    first: int,
    images: Iterable[np.ndarray],
    maps: Iterable[SegmentMap | None],
    classes: ClassTable,
) -> None:
    """Write images that are numbered from `first`; see `CocoInstance.write_video`."""
    entries: list[dict] = []
    objects: list[dict] = []
    for number, (image, segments) in enumerate(zip(images, maps, strict=True), first):
        name = f"{number:012d}.jpg"
        if number - first >= IMAGES_OF_VIDEO:
            raise FormatError(f"{split}/{name}: a video has at most {IMAGES_OF_VIDEO} images. Write several videos.")
        write_jpeg(root / split / name, image)
        if split == "test2017":
            continue
        if segments is None:
            raise FormatError(f"{split}/{name}: has no labels, but each image of {split} has some. Give a map.")
        entries.append({"id": number, "file_name": name, "height": image.shape[0], "width": image.shape[1]})
        objects += _annotations(number, segments, classes)
    if split != "test2017":
        _insert(root / "annotations" / f"instances_{split}.json", entries, objects)


def _annotations(image: int, segments: SegmentMap, classes: ClassTable) -> list[dict]:
    """Objects of an image by track, then crowds, whose codes are lists as in the published json."""
    thing = np.isin(segments.semantic, classes.thing_ids)
    code = segments.track.astype(np.int64) << 8 | segments.semantic
    present = np.unique(code[thing])
    present = np.concatenate([present[present >= 256], present[present < 256]])
    found = []
    for key, rle in zip(present.tolist(), encode_masks(code == present[:, None, None])):
        track, semantic = divmod(key, 256)
        entry = {"image_id": image, "category_id": COCO_THINGS[semantic][0], "iscrowd": int(track == 0)}
        entry |= {"area": int(coco_mask.area(rle)), "bbox": coco_mask.toBbox(rle).tolist(), "segmentation": rle}
        if track == 0:
            flat = (code == key).ravel(order="F")
            edges = np.flatnonzero(np.diff(flat, prepend=False))
            entry["segmentation"] = {"size": rle["size"], "counts": np.diff([0, *edges, flat.size]).tolist()}
        found.append(entry | ({"track_id": track} if track else {}))
    return found


def _insert(path: Path, images: list[dict], objects: list[dict]) -> None:
    """Put images into a json, which is made where it is absent; annotations are numbered anew."""
    content = {"images": [], "annotations": []}
    if path.exists():
        content = read_json(path, "images", "annotations", "categories")
    new = {entry["id"] for entry in images}
    kept = [entry for entry in content["annotations"] if entry["image_id"] not in new]
    images = [*(entry for entry in content["images"] if entry["id"] not in new), *images]
    objects = sorted([*kept, *objects], key=lambda entry: entry["image_id"])
    content |= {
        "images": sorted(images, key=lambda entry: entry["id"]),
        "annotations": [{**entry, "id": number} for number, entry in enumerate(objects, 1)],
        "categories": [{"id": number, "name": name} for number, name, _ in COCO_THINGS],
    }
    write_json(path, content)
