"""The tree of a dataset: what its format expects beside what is there, and names and links that no reader can follow.

A pattern is a path below the root; a word of it in capitals stands for any name, and {a,b} for either
("panoptic_maps/train/SEQ/FRAME.png", "frames/VIDEO/FRAME.{jpg,png}").
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_WILD = re.compile(r"(?<![A-Za-z])[A-Z]{2,}(?:_[A-Z]+)*(?![A-Za-z])")


@dataclass(frozen=True)
class Branch:
    """One pattern of a format's layout.

    Attributes:
        pattern: Path below the root, words in capitals for any name.
        what: What such a file is.
        files: How many there are.
    """

    pattern: str
    what: str
    files: int


class TreeWalker:
    """Walks what the patterns of a layout name, and nothing else; so it ends whatever links there are.

    Attributes:
        faults: What is wrong with names and links that it met.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: set[str] = set()
        self._inspected: set[str] = set()

    def count(self, pattern: str) -> int:
        """Number of files or folders that a pattern names."""
        return sum(1 for _ in self.paths(pattern))

    def paths(self, pattern: str) -> Iterator[str]:
        """Files or folders that a pattern names."""
        return self._find(str(self.root), pattern.strip("/").split("/"))

    def _find(self, folder: str, parts: list[str]) -> Iterator[str]:
        self._inspect(folder)
        for path in self._step(folder, parts[0]):
            if len(parts) == 1:
                yield path
            elif os.path.isdir(path):
                yield from self._find(path, parts[1:])

    def _step(self, folder: str, part: str) -> Iterator[str]:
        if "{" not in part and not _WILD.search(part):
            path = os.path.join(folder, part)
            if os.path.exists(path):
                yield path
            return
        name = _expression(part)
        with os.scandir(folder) as entries:
            yield from sorted(e.path for e in entries if not e.name.startswith(".") and name.fullmatch(e.name))

    def _inspect(self, folder: str) -> None:
        if folder in self._inspected:
            return
        self._inspected.add(folder)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.faults.update(_name_faults(entry.path))
                    if entry.is_symlink():
                        self.faults.update(_link_faults(entry.path))
        except OSError as error:
            self.faults.add(f"{folder}: cannot be listed ({error.strerror}). Give yourself the right to read it.")


def survey(root: Path, layout: Mapping[str, str]) -> tuple[list[Branch], list[str]]:
    """Compare a folder with a layout.

    Args:
        root: Root of a dataset; where nothing of the layout is in it, its parent is tried, since some formats also take
            the folder that holds the videos.
        layout: {pattern: what it is}.

    Returns:
        A branch for each pattern, and the faults of names and links.
    """
    walker = TreeWalker(root)
    branches = [Branch(pattern, what, walker.count(pattern)) for pattern, what in layout.items()]
    heads = {pattern.split("/")[0] for pattern in layout}
    if not any(branch.files for branch in branches) and root.absolute().name in heads:
        return survey(root.absolute().parent, layout)
    return branches, sorted(walker.faults)


def _expression(part: str) -> re.Pattern[str]:
    """Regular expression of one part of a pattern."""
    text = "(.+)".join(re.escape(literal) for literal in _WILD.split(part))
    text = re.sub(r"\\{(.*?)\\}", lambda found: f"({found[1].replace(',', '|')})", text)
    return re.compile(re.sub(r"jpg", "(?i:jpe?g)", text))


def _name_faults(path: str) -> Iterator[str]:
    try:
        path.encode()
    except UnicodeEncodeError:
        yield f"{path}: the name is not UTF-8. Rename the file; unpack archives with their own coding of names."


def _link_faults(path: str) -> Iterator[str]:
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            yield f"{path}: is a link that leads back to itself. Remove it, and restore the file."
        else:
            yield f"{path}: is a link to {os.readlink(path)}, which cannot be opened ({error.strerror}). Mend the link."
        return
    real, folder = os.path.realpath(path), os.path.realpath(os.path.dirname(path))
    if os.path.isdir(real) and os.path.commonpath([real, folder]) == real:
        yield f"{path}: is a link to {real}, which is above it: a loop of links. Remove it."
