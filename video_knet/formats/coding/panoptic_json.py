"""Image sets in COCO's panoptic layout: a json that lists the segments of each image, and a PNG of ids for each.

Ids and lists are those of `id_maps.py`. Here they become classes and tracks: objects are numbered from 1 in the order
of the list, crowds have track 0. Labels are packed, since COCO has more than a million segments.

Legend: H W size, n segments.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base import VOID, ClassTable, FormatError, SegmentMap, collect_faults
from ..disk.json_cache import cached_json
from ..disk.json_files import read_json
from ..disk.splits import is_name
from .id_maps import (
    TRACK_BITS,
    IdMap,
    Segment,
    check_ids,
    listed_categories,
    parse_segments,
    read_ids,
    segments_json,
    to_id_map,
    write_ids,
)

_COLUMNS = 3  # of packed segments: id, class, track


@dataclass(frozen=True, slots=True)
class PackedLabel:
    """An image's id PNG and what its ids stand for.

    Attributes:
        path: The PNG.
        packed: (n, 3) int32 id, class and track, as bytes.
        origin: The json, for messages.
    """

    path: Path
    packed: bytes
    origin: str

    @property
    def table(self) -> np.ndarray:
        """(n, 3) int32, see `packed`."""
        return np.frombuffer(self.packed, np.int32).reshape(-1, _COLUMNS)

    def read(self) -> SegmentMap:
        """Classes and tracks.

        Raises:
            FormatError: The PNG is missing or damaged, or has ids that are not listed.
        """
        return self._look_up(read_ids(self.path))

    def read_prediction(self) -> SegmentMap:
        """The same for a prediction, where each listed id must have pixels, and be listed once.

        Raises:
            FormatError: As for `read`, or the list is wrong.
        """
        ids = read_ids(self.path)
        segments = tuple(Segment(number, category) for number, category, _ in self.table.tolist())
        where = f"{self.origin} (image {self.path.stem})"
        check_ids(IdMap(ids, segments, self.path, where), np.unique(ids), prediction=True)
        return self._look_up(ids)

    def _look_up(self, ids: np.ndarray) -> SegmentMap:
        """Neighbouring pixels mostly agree, so runs of them are looked up."""
        flat = ids.ravel()
        first = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]])) if flat.size else np.zeros(0, int)
        table = np.concatenate([[[0, VOID, 0]], self.table])
        table = table[np.argsort(table[:, 0], kind="stable")]  # of an id that is listed twice the first entry counts
        position = np.minimum(np.searchsorted(table[:, 0], flat[first]), len(table) - 1)
        if (unknown := table[position, 0] != flat[first]).any():
            raise FormatError(
                f"{self.path}: id {int(flat[first][unknown][0])} has pixels, but {self.origin} does not say what it "
                "is. Restore the original files (id = R + 256 G + 65536 B; 0 is void)."
            )
        lengths = np.diff(first, append=flat.size)
        columns = (table[position, 1].astype(np.uint8), table[position, 2].astype(np.int32))
        return SegmentMap(*(np.repeat(column, lengths).reshape(ids.shape) for column in columns))


def pack_segments(segments: Sequence[Segment], known: Mapping[int, int], is_thing: Sequence[bool]) -> bytes:
    """Segments as `PackedLabel` has them.

    Args:
        segments: As listed.
        known: Dataset class of each category id.
        is_thing: Whether a class is a thing.
    """
    rows, track = [], 0
    for segment in segments:
        number = known[segment.category]
        is_object = is_thing[number] and not segment.crowd
        track += is_object
        rows.append((segment.id, number, track if is_object else 0))
    return np.array(rows, np.int32).tobytes()


def doubled_ids(label: PackedLabel) -> Iterator[str]:
    """Faults of ids that an image's list has more than once."""
    ids, counts = np.unique(label.table[:, 0], return_counts=True)
    for number in ids[counts > 1].tolist():
        yield f"{label.path}: id {number} is listed twice in {label.origin}. Give each segment one entry."


def slim(entry: dict) -> Any:
    """Hook for `read_json`: of segments and images only what is read here is kept."""
    if "category_id" in entry and "id" in entry and "area" in entry:
        return {key: entry[key] for key in ("id", "category_id", "iscrowd") if key in entry}
    if "file_name" in entry and "height" in entry:
        return {key: entry[key] for key in ("id", "file_name") if key in entry}
    return entry


def category_classes(content: dict, classes: ClassTable, ids: Sequence[int], path: Path) -> dict[int, int]:
    """Dataset class of each category id; the names in the json decide, or without them the published ids.

    Args:
        content: Of the json.
        classes: Class table of the dataset.
        ids: Published category id of each class.
        path: The json, for messages.

    Raises:
        FormatError: No list, a name that the dataset does not have, or another id or kind than the published one.
    """
    published, categories = dict(zip(ids, range(len(ids)))), listed_categories(content, path)
    if not categories:
        return published
    named, faults, is_thing = dict(zip(classes.names, ids)), [], classes.is_thing
    for category in categories:
        name = category.get("name") if isinstance(category, dict) else None
        if not isinstance(name, str) or name not in named:
            faults.append(f"{path}: category {str(category)[:80]} is none of the dataset. Use the dataset's json.")
        elif category.get("id") != named[name]:
            faults.append(
                f"{path}: category {name!r} has id {category.get('id')}, but the dataset says {named[name]}. Use the "
                "dataset's json."
            )
        elif bool(category.get("isthing", is_thing[published[named[name]]])) != is_thing[published[named[name]]]:
            faults.append(f"{path}: category {name!r} has isthing={category['isthing']}. Use the dataset's json.")
    if faults:
        raise FormatError(*faults)
    listed = {category["id"] for category in categories}
    return {number: index for number, index in published.items() if number in listed}


def pack_annotations(
    annotations: Iterable[Any],
    folder: Path,
    known: Mapping[int, int],
    classes: ClassTable,
    path: Path,
    faults: list[str],
) -> dict[str, PackedLabel | None]:
    """Labels of the images of a json by name, that of their PNG.

    Args:
        annotations: An entry for each image.
        folder: Of the PNGs.
        known: Dataset class of each category id.
        classes: Class table of the dataset.
        path: The json, for messages.
        faults: Those of entries that name no PNG, or the same one as another, or whose segments are no list of {id,
            category_id} are added; labels of the last kind are None.
    """
    found: dict[str, PackedLabel | None] = {}
    categories, is_thing, origin = set(known), classes.is_thing.tolist(), str(path)
    for annotation in annotations:
        with collect_faults(faults):
            name = _png_name(annotation, path)
            if name in found:
                raise FormatError(f"{path}: image {name} is listed twice. Write each once.")
            found[name] = None
            segments = parse_segments(annotation, categories, f"{path} (image {name})")
            found[name] = PackedLabel(folder / f"{name}.png", pack_segments(segments, known, is_thing), origin)
    return found


def _png_name(annotation: Any, path: Path) -> str:
    """Stem of the PNG that an entry names."""
    file = annotation.get("file_name") if isinstance(annotation, dict) else None
    if not isinstance(file, str) or not is_name(file) or not file.endswith(".png"):
        raise FormatError(f"{path}: {str(annotation)[:80]} has no file_name of a PNG. Write NAME.png.")
    return file.removesuffix(".png")


def prediction_labels(root: Path, classes: ClassTable, ids: Sequence[int]) -> dict[str, PackedLabel | None]:
    """Predictions by name: `pred.json` and `pan_pred/NAME.png`, as `write_image` and `write_json` make them.

    Args:
        root: Folder of the prediction.
        classes: Class table of the dataset.
        ids: Published category id of each class.

    Raises:
        FormatError: `pred.json` is missing or damaged, or entries are wrong; all faults, `partial` holds what is
            listed.
    """
    path, faults = root / "pred.json", []
    content = read_json(path, "annotations", hook=slim)
    known = category_classes(content, classes, ids, path)
    found = pack_annotations(content["annotations"], root / "pan_pred", known, classes, path, faults)
    if faults:
        raise FormatError(*faults, partial=found)
    return found


def read_predicted(folder: Path, name: str, classes: ClassTable, ids: Sequence[int]) -> SegmentMap:
    """The prediction of one image, from a folder as in `prediction_labels`; `pred.json` is read once.

    Raises:
        FormatError: A file is missing or damaged, or `pred.json` does not list the image.
    """
    path, faults = folder / "pred.json", []
    content = cached_json(path, "annotations")
    entry = [e for e in content["annotations"] if isinstance(e, dict) and e.get("file_name") == f"{name}.png"]
    if not entry:
        raise FormatError(f"{path}: image {name} is not listed. Predict it.")
    known = category_classes(content, classes, ids, path)
    label = pack_annotations(entry, folder / "pan_pred", known, classes, path, faults)[name]
    if faults:
        raise FormatError(*faults)
    return label.read_prediction()


def write_image(
    path: Path, segments: SegmentMap, classes: ClassTable, ids: Sequence[int], crowds: bool
) -> list[dict[str, int]]:
    """Write the id PNG of an image; returns its `segments_info`.

    Args:
        path: The PNG.
        segments: Labels of the image.
        classes: Class table of the dataset.
        ids: Published category id of each class.
        crowds: Whether things with track 0 are crowds, as in truth; predictions have none.

    Raises:
        FormatError: A class or track id that the coding cannot hold.
    """
    frame, is_thing = to_id_map(segments, classes, path), classes.is_thing
    write_ids(path, frame.ids)
    return segments_json(
        replace(
            s, category=ids[s.category], crowd=bool(crowds and is_thing[s.category] and not s.id % (1 << TRACK_BITS))
        )
        for s in frame.segments
    )


def categories_json(classes: ClassTable, ids: Sequence[int]) -> list[dict]:
    """`categories` of a json.

    Args:
        classes: Class table of the dataset.
        ids: Published category id of each class.
    """
    rows = zip(ids, classes.names, classes.is_thing.tolist(), classes.palette)
    return [{"id": i, "name": name, "isthing": int(t), "color": list(colour)} for i, name, t, colour in rows]
