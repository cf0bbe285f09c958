"""The readings of STQ and VPQ: each benchmark's own, and those of the authors' scripts."""

from collections.abc import Callable
from dataclasses import dataclass

from .contingency import Table, without_void
from .tubes import ListedTubes, PackedTubes, ReleasedTubes
from .vpq import ClassScores, mean_of_all, mean_of_present

PACKED = PackedTubes()


def unchanged(table: Table) -> Table:
    """The table as it is."""
    return table


@dataclass(frozen=True)
class Definition:
    """What is measured, and in which reading.

    Attributes:
        text: The definition in words; `{windows}` stands for the window lengths.
        stq: Whether STQ is measured.
        stq_things: Classes whose ids STQ follows; None for the things of the class table.
        table: What becomes of a table before STQ reads it.
        tubes: Reads the tubes of a window.
        average: From the PQ of classes to their mean.
    """

    text: str
    stq: bool = True
    stq_things: tuple[int, ...] | None = None
    table: Callable[[Table], Table] = unchanged
    tubes: PackedTubes | ListedTubes = PACKED
    average: Callable[[ClassScores], float | None] = mean_of_present


DEEPLAB2 = Definition(
    "STQ: as deeplab2's numpy evaluator, integer counters (void predicted on valid pixels is a class with IoU 0, "
    "true void stays in the area of predicted tubes, crowd pixels are left out). "
    "VPQ: as deeplab2's KITTI-STEP evaluator (IoU > 0.5, stride 1, crowd is a tube, mean over classes with a tube); "
    "VPQ is the mean over the windows {windows}."
)
CITYSCAPES_VPS = Definition(
    "VPQ as in the benchmark's script: tubes are ids over {windows} labelled frames, their class is that of the first "
    "frame of the window, true areas are those of the json, IoU > 0.5, the last crowd of a class and void forgive, "
    "mean over classes with a tube; VPQ is the mean over the windows.",
    stq=False,
    tubes=ListedTubes(),
)
VIPSEG = Definition(
    "VPQ as in the dataset's script: tubes are ids over {windows} frames, their class is that of the first frame of "
    "the window, true areas are those of the json, IoU > 0.5, void forgives, mean over classes with a tube, shorter "
    "videos are left out; VPQ is the mean over the windows. STQ as in the dataset's script: deeplab2's, where the ids "
    "of a video are numbered from 0 in the order of the lists, so that a thing listed first counts as a crowd.",
    tubes=ListedTubes(),
)
RELEASED_KITTI_STEP = Definition(
    "The authors' scripts for KITTI-STEP. STQ: pixels of true void are dropped first, and things are the classes 11 to "
    "18. VPQ: void forgives whatever its id, and the mean is over all classes, absent ones as 0; VPQ is the mean over "
    "the windows {windows}. Not comparable with the standard.",
    stq_things=tuple(range(11, 19)),
    table=without_void,
    tubes=ReleasedTubes(),
    average=mean_of_all,
)
RELEASED_VIPSEG = Definition(
    "The authors' scripts for VIPSeg, with predicted ids really read (as shipped they read the class file twice). STQ: "
    "pixels of true void are dropped first; no crowd. VPQ: the mean is over all 124 classes, absent ones as 0; VPQ is "
    "the mean over the windows {windows}. Not comparable with the standard.",
    table=without_void,
    tubes=ReleasedTubes(),
    average=mean_of_all,
)
