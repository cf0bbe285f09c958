"""Weights with a row for each class, taken from a checkpoint with other classes, or with the same in another order.

Such rows are in the per-pixel classifier, where those of stuff are kernels, too, and in the classifier of every stage.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

CLASS_ROWS = re.compile(
    r"(kernel_head\.(semantic_kernels|head\.conv_seg)|auxiliary_head\.conv_seg|(clip_)?decoder\.stages\.\d+\.class_layer)"
    r"\.(weight|bias)$"
)


@dataclass(frozen=True)
class ClassRows:
    """Which row of a file each class of a model takes.

    Attributes:
        ours: Names of the model's classes, in the order of its labels.
        theirs: Names of the file's classes, in the order of its rows.
        sources: Row of the file for each class of the model, None where the file lacks the class.
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    sources: tuple[int | None, ...]

    @classmethod
    def by_name(cls, ours: Sequence[str], theirs: Sequence[str]) -> "ClassRows":
        """Match names; capitals, and how words are joined, do not matter."""
        rows: dict[str, int] = {}
        for row, name in enumerate(theirs):
            rows.setdefault(plain_name(name), row)
        return cls(tuple(ours), tuple(theirs), tuple(rows.get(plain_name(name)) for name in ours))

    @property
    def is_same(self) -> bool:
        """Whether the classes are the same, in the same order."""
        return self.sources == tuple(range(len(self.theirs)))

    @property
    def mapped(self) -> list[str]:
        """Classes of the model that the file knows."""
        return [name for name, source in zip(self.ours, self.sources) if source is not None]

    @property
    def fresh(self) -> list[str]:
        """Classes of the model that the file lacks."""
        return [name for name, source in zip(self.ours, self.sources) if source is None]

    @property
    def dropped(self) -> list[str]:
        """Classes of the file that the model lacks."""
        return [name for row, name in enumerate(self.theirs) if row not in self.sources]

    def take(self, own: Tensor, value: Tensor) -> Tensor:
        """The model's rows, with those of the file where it has them.

        Args:
            own: (K, ...) of the model's K classes; stays as it is.
            value: (J, ...) of the file's J classes.
        """
        rows = own.clone()
        for label, source in enumerate(self.sources):
            if source is not None:
                rows[label] = value[source].to(own)
        return rows

    def __str__(self) -> str:
        if self.is_same:
            return f"class rows: those of {len(self.ours)} classes, which are the same"
        parts = [
            f"{len(names)} {what}" + (f" ({', '.join(names)})" if names else "")
            for names, what in ((self.mapped, "by name"), (self.fresh, "fresh"), (self.dropped, "dropped"))
        ]
        return f"class rows: {'; '.join(parts)}"


def plain_name(name: str) -> str:
    """A class's name without capitals and without what joins its words."""
    return re.sub(r"[\W_]+", "", name.lower())


def is_class_rows(name: str) -> bool:
    """Whether a weight, by its name, has a row for each class."""
    return CLASS_ROWS.match(name) is not None
