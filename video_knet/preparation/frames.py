"""Every file of a video is decoded: images, labels, and whether ids last from frame to frame. The work of a process."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..formats.base import VOID, FormatError, Frame, ObjectMap, SegmentMap, collect_faults
from ..formats.dataset_format import DatasetFormat
from ..formats.disk.images import check_complete, check_upright, decode
from ..formats.disk.png import read_png
from ..formats.vipseg.raw import FIRST_OBJECT, RawFrame
from .identities import Identities

NamedFrame = tuple[str, Frame]  # (name of the video, frame)
_PLAIN = ("RGB", "L")  # pixel layouts that every decoder reads alike


@dataclass
class Findings:
    """What was found in some frames."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_frames(data_format: DatasetFormat, frames: Sequence[NamedFrame]) -> Findings:
    """Decode frames and check what is in them.

    Args:
        data_format: Their format.
        frames: The frames of one video in temporal order, or of several videos one after the other.
    """
    findings = Findings()
    for video, members in groupby(frames, key=lambda frame: frame[0]):
        _check_video(data_format, video, [frame for _, frame in members], findings)
    return findings


def source(frame: Frame) -> str:
    """The file of a frame's label, for messages."""
    path = getattr(frame.label, "path", frame.label)
    return str(path) if isinstance(path, str | Path) else f"label of {frame.image}"


def _check_video(data_format: DatasetFormat, video: str, frames: list[Frame], findings: Findings) -> None:
    identities, first = Identities(data_format.classes, video), None
    for frame in frames:
        size = None
        if frame.image is not None:
            with collect_faults(findings.faults):
                check_complete(frame.image)
                check_upright(frame.image)
                size, mode = decode(frame.image)
                if mode not in _PLAIN:
                    findings.warnings.append(
                        f"{frame.image}: pixel layout is {mode}, not RGB; decoders may differ on it. Convert the image."
                    )
                first = first or (size, frame)
                findings.faults += _size_faults(frame, size, *first)
        if frame.label is not None:
            with collect_faults(findings.faults):
                labels = _read(data_format, frame)
                findings.faults += _label_faults(data_format, frame, labels, size)
                findings.faults += _numbered_stuff(data_format, frame)
                findings.faults += _doubled_segments(frame)
                findings.faults += identities.add(source(frame), labels)
    faults, warnings = identities.close()
    findings.faults += faults
    findings.warnings += warnings


def _read(data_format: DatasetFormat, frame: Frame) -> SegmentMap | ObjectMap:
    try:
        return (data_format.read_objects if data_format.overlapping else data_format.read)(frame.label)
    except FormatError:
        raise
    except Exception as error:  # a damage that the reader did not foresee must not end the check of all other files
        raise FormatError(
            f"{source(frame)}: cannot be read ({type(error).__name__}: {error}). Restore the original file."
        ) from error


def _size_faults(frame: Frame, size: tuple[int, int], wanted: tuple[int, int], first: Frame) -> Iterator[str]:
    if size != wanted:
        yield (
            f"{frame.image}: image is {size[1]}x{size[0]} pixels, but {first.image} of the same video is "
            f"{wanted[1]}x{wanted[0]}. Restore the original files; resizing is the training pipeline's task."
        )


def _label_faults(
    data_format: DatasetFormat, frame: Frame, labels: SegmentMap | ObjectMap, image: tuple[int, int] | None
) -> Iterator[str]:
    size = _shape(labels)
    if image and size != image:
        yield (
            f"{source(frame)}: label is {size[1]}x{size[0]} pixels, but its image {frame.image} is "
            f"{image[1]}x{image[0]}. Restore the original files; resizing is the training pipeline's task."
        )
    if isinstance(labels, SegmentMap) and data_format.classes.stuff_ids and (labels.semantic == VOID).all():
        yield f"{source(frame)}: no pixel is annotated (all are void). Restore the label, or remove the frame."


def _numbered_stuff(data_format: DatasetFormat, frame: Frame) -> Iterator[str]:
    """Raw values of VIPSeg that give a stuff class an object number, as 200 does."""
    if not isinstance(frame.label, RawFrame):
        return
    present = np.flatnonzero(np.bincount(read_png(frame.label.path, "grey").ravel()))
    for value in present[present >= FIRST_OBJECT].tolist():
        category = value // 100 - 1
        if category in data_format.classes.stuff_ids:
            yield (
                f"{frame.label.path}: value {value} is forbidden: {data_format.classes.names[category]} is stuff, and "
                f"has no object number; some read it as the class, others as void. Write {category + 1} for the class, "
                "or 0 for void."
            )


def _doubled_segments(frame: Frame) -> Iterator[str]:
    """Segments of a json that share an id."""
    table = getattr(frame.label, "table", None)
    listed = table[:, 0].tolist() if table is not None else [s.id for s in getattr(frame.label, "segments", ())]
    origin = getattr(frame.label, "origin", "the json")
    for number, count in Counter(listed).items():
        if count > 1:
            yield (
                f"{source(frame)}: id {number} is listed {count} times in {origin}. "
                "Give each segment one entry; restore the original json."
            )


def _shape(labels: Any) -> tuple[int, int]:
    return (labels.regions if isinstance(labels, ObjectMap) else labels.semantic).shape
