"""A dataset is checked before a GPU hour is spent: every file is decoded, and every fault named with its remedy."""

from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ..formats import format_key, get_format
from ..formats.base import FormatError
from ..formats.own_videos import OwnVideos
from ..parallel import each_item
from .frames import NamedFrame, check_frames
from .gaps import half_splits, stray_videos, unlabelled_frames
from .splits import Split, count_warnings, list_splits, split_faults
from .tree import Branch, survey

LISTED = 50  # faults in the text; all are in the json
_IMAGES_AT_ONCE = 64  # of an image set, for one process


@dataclass
class Report:
    """What was found in a dataset.

    Attributes:
        dataset: Name of its format.
        root: Its folder.
        tree: The expected tree, and what is there of it.
        splits: The splits that were checked.
        absent: Splits that are not there, and what is missing.
        faults: Every fault with file and remedy, sorted.
        warnings: What may be meant, sorted.
    """

    dataset: str
    root: Path
    tree: list[Branch] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict:
        """The report as json."""
        return {
            "dataset": self.dataset,
            "root": _printable(str(self.root)),
            "tree": [asdict(branch) for branch in self.tree],
            "splits": {split.name: _counts(split) for split in self.splits},
            "absent": self.absent,
            "faults": self.faults,
            "warnings": self.warnings,
        }


def check_dataset(name: str, root: Path, split: str | None = None, workers: int = 1, progress: bool = True) -> Report:
    """Check a dataset.

    Args:
        name: Of its format, as `get_format` knows it.
        root: Its folder.
        split: Split to check; None for all that are there.
        workers: Processes that share the videos.
        progress: Show a progress bar on stderr.

    Raises:
        FormatError: The format, the folder or the split is not known.
    """
    data_format = get_format(str(root) if format_key(name) == OwnVideos.name else name)
    if not root.is_dir():
        raise FormatError(f"{root}: no such folder. Give the folder of the dataset (data/README.md).")
    tree, faults = survey(root, data_format.layout)
    listing = list_splits(data_format, root, () if split is None else (split,))
    faults += split_faults(listing.splits)
    warnings = [*listing.warnings, *count_warnings(listing.splits)]
    if split is None:
        faults += half_splits(root, listing)
        for found, texts in zip((faults, warnings), stray_videos(root, data_format.layout, listing)):
            found += texts
    if isinstance(data_format, OwnVideos):
        warnings += unlabelled_frames(listing.splits)
    if not listing.splits:
        faults += listing.absent.values()
    work = _share(listing.splits)
    with tqdm(total=sum(map(len, work)), unit="frame", desc="check", disable=not progress) as bar:
        for findings, count in each_item(partial(check_frames, data_format), work, workers):
            faults += findings.faults
            warnings += findings.warnings
            bar.update(count)
    faults, warnings = (sorted(set(map(_printable, texts))) for texts in (faults, warnings))
    absent = {name: _printable(text) for name, text in listing.absent.items()}
    return Report(data_format.name, root, tree, listing.splits, absent, faults, warnings)


def format_report(report: Report) -> str:
    """The report as text: the tree, the splits, warnings, faults."""
    rows = [("expected", "found", "")]
    rows += [(b.pattern, f"{b.files} file{'s' * (b.files > 1)}" if b.files else "missing", b.what) for b in report.tree]
    counts = [("split", "videos", "published", "frames", "labelled", "published")]
    for split in report.splits:
        videos, frames = split.published or (None, None)
        row = split.name, len(split.videos), videos or "-", split.frames, split.labelled, frames or "-"
        counts.append(tuple(map(str, row)))
    parts = [f"{report.dataset} in {_printable(str(report.root))}", *_columns(rows), "", *_columns(counts)]
    parts += [f"{name}: not there ({text})" for name, text in report.absent.items()]
    for title, texts in (("warning", report.warnings), ("fault", report.faults)):
        if texts:
            parts += ["", f"{len(texts)} {title}{'s' * (len(texts) > 1)}:"]
            parts += [f"  {text}" for text in texts[:LISTED]]
            parts += [f"  ... and {len(texts) - LISTED} more; --json FILE lists all"] * (len(texts) > LISTED)
    return "\n".join([*parts, *[""] * bool(report.warnings), *["no fault found"] * (not report.faults)])


def _share(splits: list[Split]) -> list[list[NamedFrame]]:
    """Work for the processes: a video each, or a handful of images."""
    work: list[list[NamedFrame]] = []
    for split in splits:
        singles = [(video.name, video.frames[0]) for video in split.videos if len(video.frames) == 1]
        work += [singles[i : i + _IMAGES_AT_ONCE] for i in range(0, len(singles), _IMAGES_AT_ONCE)]
        work += [[(video.name, frame) for frame in video.frames] for video in split.videos if len(video.frames) > 1]
    return work


def _counts(split: Split) -> dict:
    videos, frames = split.published or (None, None)
    found = {"videos": len(split.videos), "frames": split.frames, "labelled": split.labelled}
    return {**found, "published_videos": videos, "published_labelled": frames}


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _printable(text: str) -> str:
    """Names that are not UTF-8 are written with escapes."""
    return text.encode(errors="backslashreplace").decode()
