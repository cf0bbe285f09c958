"""Weights to start training from, where file and model are not the same: what both have is taken over."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from knet.class_rows import ClassRows, is_class_rows


@dataclass
class StartingWeights:
    """A model's weights after a file's were taken over.

    Attributes:
        state_dict: All weights of the model, those of the file where it has them.
        copied: Names that the file has, class rows too where any of them is taken.
        fresh: Names that it lacks, or has of another shape.
        left: Reason by name of what the model does not take.
        rows: Which class rows are taken; None where they are not known by name, or where there are none.
    """

    state_dict: dict[str, Tensor]
    copied: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    rows: ClassRows | None = None

    def report(self) -> str:
        """What became of the weights, in a few lines."""
        lines = [f"{len(self.copied)} of {len(self.state_dict)} weights are taken from it"]
        lines += [f"fresh: {part}" for part in grouped(self.fresh)]
        for reason in dict.fromkeys(self.left.values()):
            names = [name for name, why in self.left.items() if why == reason]
            lines += [f"left out, {reason}: {part}" for part in grouped(names)]
        if self.rows is not None:
            lines.append(str(self.rows))
        elif taken := [name for name in self.copied if is_class_rows(name)]:
            count = len(self.state_dict[taken[0]])
            lines.append(f"class rows: {count} in the order of the file, which does not say what its classes are")
        return "\n  ".join(lines)


def take_over(
    weights: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    ours: Sequence[str] | None = None,
    theirs: Sequence[str] | None = None,
) -> StartingWeights:
    """Take over what fits.

    Args:
        weights: Of a file, under our names.
        own: Those of the model, as it was initialised.
        ours: Names of the model's classes in the order of its labels, None where they are not known.
        theirs: Names of the file's classes in the order of its rows.
    """
    result = StartingWeights(dict(own))
    has_rows = any(is_class_rows(name) for name in weights)
    rows = ClassRows.by_name(ours, theirs) if has_rows and ours is not None and theirs is not None else None
    result.rows = rows
    for name, value in own.items():
        if name not in weights:
            result.fresh.append(name)
        elif rows is not None and is_class_rows(name) and fits_rows(value, weights[name], rows):
            taken = result.copied if rows.mapped else result.fresh
            taken.append(name)
            result.state_dict[name] = rows.take(value, weights[name])
        elif weights[name].shape == value.shape and (rows is None or not is_class_rows(name)):
            result.copied.append(name)
            result.state_dict[name] = weights[name]
        else:
            result.fresh.append(name)
            result.left[name] = f"{tuple(weights[name].shape)} in the file, {tuple(value.shape)} in the model"
    result.left |= {name: "not in the model" for name in weights if name not in own}
    return result


def fits_rows(own: Tensor, value: Tensor, rows: ClassRows) -> bool:
    """Whether two weights have the rows of these classes, and rows of one shape."""
    return (len(own), len(value), own.shape[1:]) == (len(rows.ours), len(rows.theirs), value.shape[1:])


def grouped(names: Iterable[str]) -> list[str]:
    """Names by the part that they belong to, with their number: "decoder.kernel_linking.2 (12 weights)"."""
    counts = Counter(part_of(name) for name in names)
    return [f"{part} ({count} weight{'s' * (count > 1)})" for part, count in counts.items()]


def part_of(name: str) -> str:
    """The part of a model, or of a released one, that a weight is in."""
    match = re.match(
        r"(roi_head\.mask_head\.\d+\.\w+|tracker\.mask_head\.\d+|(clip_)?decoder\.\w+\.\d+|kernel_head\.\w+|[^.]+)",
        name,
    )
    return match[0] if match else name
