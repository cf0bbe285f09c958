"""Tracks in a COCO-video json: an annotation for each object and frame, tied together by `instance_id`.

    {videos:      [{id, name}],
     images:      [{id, video_id, frame_id, file_name, width, height}],
     categories:  [{id, name}],
     annotations: [{id, image_id, category_id, instance_id, segmentation, iscrowd}]}

`frame_id` orders the frames of a video. `segmentation` is a run-length code or a list of polygons.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ..base import FormatError, collect_faults
from ..coding.frame_objects import pack_polygon, polygons_text
from ..coding.rle import MaskError, counts_text, decode_runs
from ..coding.tracks import TrackTruth, TrueTrack, VideoEntry
from ..youtube_vis.faults import category_faults, check

_IMAGE_KEYS = ("id", "video_id", "frame_id", "file_name", "width", "height")
_ANNOTATION_KEYS = ("image_id", "category_id", "instance_id", "segmentation")


def parse_coco_video(path: Path, data: dict) -> TrackTruth:
    """Videos, categories and tracks of a COCO-video json.

    Tracks are numbered from 1 through the file, in ascending (video id, instance id).

    Args:
        path: For messages.
        data: Content of the file.

    Raises:
        FormatError: It is faulty; all faults are listed.
    """
    for key in ("videos", "images", "categories"):
        if not isinstance(data.get(key), list):
            raise FormatError(
                f"{path}: has no list {key!r}, only {sorted(data)[:5]}. Write videos, images, categories."
            )
    check(category_faults(path, data["categories"]))
    categories = {c["id"]: c["name"] for c in data["categories"]}
    images = _images(path, data["images"])
    frames: dict[int, list[dict]] = {}
    for image in images.values():
        frames.setdefault(image["video_id"], []).append(image)
    known = {v["id"] for v in data["videos"] if isinstance(v, dict) and type(v.get("id")) is int}
    if unknown := sorted(frames.keys() - known):
        raise FormatError(f"{path}: images name the video_id {unknown[0]}, which videos does not list. Add it there.")
    for video in frames.values():
        video.sort(key=lambda image: image["frame_id"])
    videos = {number: _video(path, number, video) for number, video in sorted(frames.items())}
    place = {image["id"]: t for video in frames.values() for t, image in enumerate(video)}
    entries = data.get("annotations") or []
    check(_annotation_faults(path, entries, images, categories))
    return TrackTruth(videos, categories, tuple(_tracks(path, entries, images, place, videos)))


def _images(path: Path, entries: list) -> dict[int, dict]:
    """Images by id, each fault named."""
    images: dict[int, dict] = {}
    places: dict[tuple, int] = {}
    faults: list[str] = []
    for number, entry in enumerate(entries):
        where = f"{path}: image entry {number}"
        if fault := _entry_fault(entry, _IMAGE_KEYS, ("id", "video_id", "frame_id", "width", "height")):
            faults.append(f"{where}: {fault}")
            continue
        place = entry["video_id"], entry["frame_id"]
        if entry["id"] in images:
            faults.append(f"{where}: id {entry['id']} is there twice. Give each image its own id.")
        elif place in places:
            faults.append(f"{where}: frame_id {place[1]} of video {place[0]} is there twice. Number its frames.")
        elif not isinstance(entry["file_name"], str) or not entry["file_name"]:
            faults.append(f"{where}: file_name is {entry['file_name']!r}. Write VIDEO/FRAME.jpg.")
        else:
            images[entry["id"]], places[place] = entry, number
    if not entries:
        faults.append(f"{path}: images is empty. List the frames of each video.")
    if faults:
        raise FormatError(*faults)
    return images


def _entry_fault(entry: Any, keys: tuple[str, ...], whole: tuple[str, ...]) -> str | None:
    """What is wrong with the keys of an entry, if anything."""
    if not isinstance(entry, dict):
        return f"is {str(entry)[:40]!r}, not an object. Write {{{', '.join(keys)}}}."
    if lacking := [key for key in keys if key not in entry]:
        return f"has no {', '.join(lacking)}. Write all of {', '.join(keys)}."
    for key in whole:
        if type(entry[key]) is not int or entry[key] < 0:
            return f"{key} is {entry[key]!r}, not a whole number from 0. Correct it."
    return None


def _video(path: Path, number: int, images: list[dict]) -> VideoEntry:
    names = tuple(image["file_name"] for image in images)
    folders = {str(PurePosixPath(name).parent) for name in names}
    sizes = {(image["width"], image["height"]) for image in images}
    if len(folders) > 1 or "." in folders:
        raise FormatError(
            f"{path}: images of video {number} lie in {sorted(folders)[:3]}; file_name is VIDEO/FRAME.jpg, with one "
            "folder for each video. Correct the names."
        )
    if len(sizes) > 1 or min(min(sizes)) < 1:
        raise FormatError(f"{path}: images of video {number} have the sizes {sorted(sizes)[:3]}. Give them one size.")
    return VideoEntry(number, folders.pop(), *sizes.pop(), len(names), names)


def _annotation_faults(path: Path, entries: Any, images: dict, categories: dict) -> Iterator[str]:
    if not isinstance(entries, list):
        yield f"{path}: annotations are a {type(entries).__name__}, not a list. Write one entry for object and frame."
        return
    seen: set[tuple[int, int]] = set()
    of_track: dict[tuple[int, int], int] = {}
    for number, entry in enumerate(entries):
        where = f"{path}: annotation entry {number}"
        if fault := _entry_fault(entry, _ANNOTATION_KEYS, _ANNOTATION_KEYS[:3]):
            yield f"{where}: {fault}"
            continue
        image, category, instance = (entry[key] for key in _ANNOTATION_KEYS[:3])
        if image not in images:
            yield f"{where}: image_id {image} is not the id of an image. Use the ids of images."
            continue
        if category not in categories:
            yield f"{where}: category_id {category} is not among {sorted(categories)[:20]}. Use the ids of categories."
        if (image, instance) in seen:
            yield f"{where}: instance_id {instance} is in image {image} twice. Merge the two masks."
        track = images[image]["video_id"], instance
        if of_track.setdefault(track, category) != category:
            yield f"{where}: instance_id {instance} is category {category} here, {of_track[track]} before. Choose one."
        seen.add((image, instance))


def _tracks(path: Path, entries: list, images: dict, place: dict, videos: dict) -> Iterator[TrueTrack]:
    grouped: dict[tuple[int, int], list[tuple[int, dict]]] = {}
    faults: list[str] = []
    for number, entry in enumerate(entries):
        key = images[entry["image_id"]]["video_id"], entry["instance_id"]
        grouped.setdefault(key, []).append((number, entry))
    tracks = []
    for number, ((video_id, _), parts) in enumerate(sorted(grouped.items(), key=lambda item: item[0]), 1):
        video = videos[video_id]
        masks, areas = [None] * video.length, [None] * video.length
        for entry_number, entry in parts:
            with collect_faults(faults):
                t, size = place[entry["image_id"]], (video.height, video.width)
                masks[t] = _mask(f"{path}: annotation entry {entry_number}", entry["segmentation"], size)
                areas[t] = int(decode_runs([masks[t]], size).areas()[0])
        crowd = any(entry.get("iscrowd", 0) for _, entry in parts)
        tracks.append(TrueTrack(number, video_id, parts[0][1]["category_id"], crowd, tuple(masks), tuple(areas)))
    if faults:
        raise FormatError(*faults)
    yield from tracks


def _mask(where: str, segmentation: Any, size: tuple[int, int]) -> dict:
    """Run-length code as text, of a code or of polygons."""
    try:
        if isinstance(segmentation, list) and segmentation:
            text = polygons_text(tuple(pack_polygon(polygon) for polygon in segmentation), size)
        elif isinstance(segmentation, dict) and segmentation.get("size") == list(size) and "counts" in segmentation:
            text = counts_text(segmentation, list(size))
        else:
            raise ValueError(f"is {str(segmentation)[:40]!r}, no polygons and no {{size: {list(size)}, counts}}")
        code = {"size": list(size), "counts": text}
        decode_runs([code], size)
    except MaskError as error:
        raise FormatError(f"{where}: segmentation cannot be decoded, {error.reason}. Encode it again.") from None
    except ValueError as error:
        raise FormatError(
            f"{where}: segmentation {error}. Write [[x, y, x, y, ...], ...] or a run-length code."
        ) from None
    return code
