"""A dataset of one's own that a converter writes: it appears whole, and never in place of something else."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..formats.base import FormatError
from ..formats.disk.files import whole_folder
from ..formats.disk.json_files import write_json

SIGN = "conversion.json"  # how a dataset was made; also the sign that a folder may be replaced
LINKS = ("symlink", "hard")


@dataclass(frozen=True)
class Job:
    """What every converter is told.

    Attributes:
        src: Folder to read.
        out: Folder to make.
        images, labels: Folders of images and labels, where they are not found in `src`.
        name: Of the dataset; that of `src` where it is None.
        link: How files are placed that stay as they are: "symlink", "hard", or None for copies.
        force: Replace `out`, if a converter made it.
        progress: Show a progress bar.
    """

    src: Path
    out: Path
    images: Path | None = None
    labels: Path | None = None
    name: str | None = None
    link: str | None = None
    force: bool = False
    progress: bool = True

    @property
    def title(self) -> str:
        """Name of the dataset."""
        return self.name or self.src.resolve().name

    @property
    def sources(self) -> tuple[Path, ...]:
        """Folders that are read: those that were given, and `src` where one is looked for in it."""
        given = tuple(folder for folder in (self.images, self.labels) if folder is not None)
        return given if len(given) == 2 else (*given, self.src)


@contextmanager
def new_dataset(job: Job, converter: str, **settings: Any) -> Iterator[Path]:
    """A folder to write into, which becomes `job.out` when the block has ended without an error.

    Args:
        job: From where to where.
        converter: Its name, and further
        settings: How the dataset was made, noted in the folder.

    Raises:
        FormatError: Something is in the way, or a source and `job.out` lie in each other.
    """
    for source in job.sources:
        check_apart(source, job.out)
    _check_target(job.out, job.force)
    settings = {"converter": converter, "source": job.src.resolve(), "link": job.link, **settings}
    with whole_folder(job.out) as part:
        yield part
        write_json(part / SIGN, json.loads(json.dumps(settings, default=str)), indent=2)
        _check_links(part, job.out)


def place(source: Path, target: Path, link: str | None) -> None:
    """Copy or link a file.

    Args:
        source: An existing file.
        target: Its new name; the folder is made when absent.
        link: "symlink", "hard", or None for a copy.

    Raises:
        FormatError: A hard link to another file system.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()
    if link == "symlink":
        target.symlink_to(source)
    elif link == "hard":
        try:
            os.link(source, target)
        except OSError as error:
            raise FormatError(
                f"{target}: no hard link to {source} can be made ({error.strerror}). Use --link symlink, or copy."
            ) from error
    else:
        shutil.copyfile(source, target)


def check_apart(source: Path, target: Path) -> None:
    """Make sure that writing a folder, or replacing it, leaves a source alone.

    Args:
        source: Folder that is read.
        target: Folder to make.

    Raises:
        FormatError: They are the same, or one lies in the other; links are followed.
    """
    read, written = source.resolve(), target.resolve()
    if read == written:
        relation = f"is the source itself ({source})"
    elif written.is_relative_to(read):
        relation = f"lies in the source {source}"
    elif read.is_relative_to(written):
        relation = f"holds the source {source}"
    else:
        return
    raise FormatError(f"{target}: {relation}, which is never written to nor replaced. Name another folder to write.")


def _check_links(part: Path, out: Path) -> None:
    """No file of the new folder may be a link into the older one; a folder of a source may be a link there."""
    replaced = out.resolve()
    for path in part.rglob("*") if replaced.is_dir() else ():
        if path.is_symlink() and (source := path.resolve()).is_relative_to(replaced):
            raise FormatError(
                f"{out}: its new {path.relative_to(part)} would be a link to {source}, which it replaces. "
                "Name another folder to write, or copy (no --link)."
            )


def _check_target(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise FormatError(f"{out}: is a file. Name another folder.")
    for parent in out.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise FormatError(f"{out}: {parent} is a file, no folder can be made in it. Name another folder.")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not (out / SIGN).is_file():
        raise FormatError(f"{out}: is not empty and not a converted dataset ({SIGN} is absent). Name another folder.")
    if not force:
        raise FormatError(f"{out}: holds a converted dataset already. Name another folder, or replace it by --force.")
