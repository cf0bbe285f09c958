"""MOTS labels, as text or PNG, become a dataset of one's own with panoptic labels.

MOTS labels every object of its classes and nothing else. So what is no object becomes the stuff class "background",
which a model learns and is judged by; were it void, objects predicted there would cost nothing. Regions to be ignored
are void.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from ..formats import OwnVideos
from ..formats.base import VOID, FormatError, SegmentMap, collect_faults
from ..formats.disk.png import png_size
from ..formats.own_videos.description import PANOPTIC, Description, write_description
from .mots_files import IGNORE, MotsSequence, find_sequences, map_of_objects, read_map, read_text
from .new_dataset import Job, new_dataset, place
from .sources import class_table, splits_of

BACKGROUND = "background"


def convert_mots(job: Job, classes: Mapping[int, str], val: Sequence[str] = ()) -> dict[str, int]:
    """Convert; ids of objects become class and number + 1.

    Args:
        job: From where to where, see `find_sequences` for the layout.
        classes: Name of each class id of MOTS.
        val: Videos of the split val; the others are train. None: no splits.

    Returns:
        Number of videos, frames and labels.

    Raises:
        FormatError: Something is missing, faulty or in the way; all faults of labels are listed.
    """
    if wrong := [i for i in classes if not 0 < i < VOID or i == IGNORE]:
        raise FormatError(
            f"--classes: class id {wrong[0]} is outside 1..{VOID - 1}, or {IGNORE} (ignored). Correct it."
        )
    names = [BACKGROUND, *(classes[i] for i in sorted(classes))]
    if len(set(names)) != len(names) or not classes:
        raise FormatError(f"--classes: the names {names} are not different ones. Give each class its own name.")
    ids = {category: number for number, category in enumerate(sorted(classes), 1)}
    sequences = find_sequences(job.src, job.images, job.labels)
    splits = splits_of([sequence.name for sequence in sequences], val)
    table = class_table(names, ids.values())
    style = OwnVideos(description=Description(job.title, table, PANOPTIC, splits))
    faults: list[str] = []
    total, written = sum(len(sequence.images) for sequence in sequences), 0
    with new_dataset(job, "mots", classes=classes) as part:
        write_description(part, style.description)
        with tqdm(total=total, unit="frame", desc="mots", disable=not job.progress) as bar:
            for sequence in sequences:
                with collect_faults(faults):
                    written += _convert(sequence, part, style, ids, job.link, bar, faults)
        if faults:
            raise FormatError(*faults)
        style.videos(part, "all")
    return {"videos": len(sequences), "frames": total, "labels": written}


def _convert(
    sequence: MotsSequence,
    part: Path,
    style: OwnVideos,
    ids: Mapping[int, int],
    link: str | None,
    bar: tqdm,
    faults: list[str],
) -> int:
    """Images and labels of a sequence; returns the number of labels."""
    objects = None if sequence.text is None else read_text(sequence.text)
    for frame in sorted((objects or {}).keys() - sequence.images.keys()):
        faults.append(f"{objects[frame][0].where}: frame {frame} has no image. Put it there, or remove its lines.")
    written = 0
    for number, image in sequence.images.items():
        place(image, part / "frames" / sequence.name / image.name, link)
        bar.update()
        with collect_faults(faults):
            if objects is not None:
                segments = map_of_objects(objects.get(number, []), png_size(image), ids)
            elif number in sequence.maps:
                segments = _read_fitting(sequence.maps[number], image, ids)
            else:
                continue
            style.write(style.label_path(part, sequence.name, image.stem), segments)
            written += 1
    return written


def _read_fitting(path: Path, image: Path, ids: Mapping[int, int]) -> SegmentMap:
    segments, size = read_map(path, ids), png_size(image)
    if segments.semantic.shape != size:
        raise FormatError(f"{path}: label is {segments.semantic.shape} (H, W), its image {image} {size}. Restore them.")
    return segments
