"""Weights on disk: loaded without executing anything, and read under the names of the authors' released code, too.

A released file is recognised by the names it holds: which parts it has, and which weights were built but never used.
"""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from knet.checkpoint_parts import indices, recognise
from knet.released_names import expected_names, rename

# A score in the meta information may be a number of numpy's, which is as plain as one of Python's.
NUMPY_SCALAR = np.float64(0).__reduce__()[0]  # the function that makes them; numpy 1 had it in another module
NUMPY_SCALARS = [
    NUMPY_SCALAR,
    (NUMPY_SCALAR, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(code)) for code in "?bhilqBHILQefd"),
]
SWIN = "backbone.layers."  # how the authors of Swin call the stages, and the released models with them


@dataclass
class Converted:
    """A state dict under our names, and what became of the released one.

    Attributes:
        state_dict: Our names.
        parts: What the file holds, see `recognise`.
        used: Our name by released name.
        dropped: Reason by released name.
        missing: Our names that files with these parts have, and this one lacks; backbone and neck vary, and are not
            looked at.
    """

    state_dict: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def is_released(state_dict: dict[str, Tensor]) -> bool:
    """Whether the names are those of the released code."""
    return any(name.removeprefix("module.").startswith(("rpn_head.", "roi_head.")) for name in state_dict)


def convert(state_dict: dict[str, Tensor]) -> Converted:
    """Rename released weights.

    Args:
        state_dict: Released names; a leading `module.` is ignored.

    Returns:
        Our names, the parts that were recognised, and a report. Names that are unknown are dropped with a reason.
    """
    state_dict = {name.removeprefix("module."): value for name, value in state_dict.items()}
    last = max(indices(state_dict, r"roi_head\.mask_head\.(\d+)\."), default=-1)
    result = Converted()
    is_swin = any(name.startswith(SWIN) for name in state_dict)
    for name, value in state_dict.items():
        ours, reason = rename(name, last)
        if is_swin and name.startswith("backbone."):
            ours, value, reason = convert_swin(name, value)
        elif ours is not None and ours.endswith("pixel_layer.weight"):
            if value.dim() < 2 or any(side != 1 for side in value.shape[2:]):
                ours, reason = None, f"of shape {tuple(value.shape)}, and no convolution of 1x1"
            value = value.flatten(1) if ours else value  # (C, C, 1, 1) to (C, C)
        if ours is None:
            result.dropped[name] = reason
        else:
            result.used[name], result.state_dict[ours] = ours, value
    result.parts = recognise(result.state_dict)
    result.missing = sorted(set(expected_names(result.parts)) - set(result.state_dict))
    return result


def convert_swin(name: str, value: Tensor) -> tuple[str | None, Tensor, str]:
    """A weight of a Swin backbone, named and ordered as by its authors, as the host has it; or None and the reason."""
    from mmdet.models.backbones.swin import swin_converter

    try:
        found = swin_converter({name.removeprefix("backbone."): value})
    except (RuntimeError, ValueError, IndexError):  # the order of its channels cannot be changed
        return None, value, f"of shape {tuple(value.shape)}, which no weight of that name has"
    for ours, converted in found.items():
        return ours, converted, ""
    return None, value, "the classifier of the backbone, which segments nothing"


class RefusedCheckpointError(ValueError):
    """A file does not hold what was asked of it; tools end with status 2."""

    exit_status = 2


class UnsafeCheckpointError(RefusedCheckpointError):
    """A file is not a checkpoint, or could run code when it is loaded."""


def read_checkpoint(path: str | Path, map_location: str | torch.device = "cpu") -> dict[str, Any]:
    """Read a checkpoint without executing anything in it; released names are converted.

    Args:
        path: A file written by torch.save.
        map_location: Device for the tensors.

    Returns:
        With `state_dict` under our names, and whatever else the file holds. `released` is how weights were converted,
        where they had released names.

    Raises:
        FileNotFoundError: No such file.
        UnsafeCheckpointError: Not a checkpoint, truncated, or with objects other than tensors and plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint file")
    try:
        with torch.serialization.safe_globals(NUMPY_SCALARS):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file fails in whatever way its bytes lead to
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # EINVAL: told to read before its beginning
            raise
        text = re.sub(r"\x1b\[\d*m", "", str(error))  # without colours
        reason = f"{type(error).__name__}: {(text.splitlines() or [''])[0]}"
        raise UnsafeCheckpointError(
            f"{path}: refused. It is truncated, is no checkpoint, or holds objects that would have to be executed "
            f"({reason[:200]}). If you trust its origin, re-save its weights alone: "
            "torch.save({'state_dict': torch.load(FILE, weights_only=False)['state_dict']}, NEW_FILE)"
        ) from error
    return under_our_names(checkpoint, path)


def under_our_names(checkpoint: Any, path: str | Path) -> dict[str, Any]:
    """What a file holds, with its weights in `state_dict` and under our names.

    Args:
        checkpoint: A checkpoint, or weights alone.
        path: Where it is from, for messages.

    Raises:
        UnsafeCheckpointError: There are no weights in it.
    """
    if not isinstance(checkpoint, dict):
        raise UnsafeCheckpointError(f"{path}: holds a {type(checkpoint).__name__}, not a dict of weights")
    key = next((key for key in ("state_dict", "model") if key in checkpoint), None)
    checkpoint = {"state_dict": checkpoint} if key is None else {**checkpoint, "state_dict": checkpoint[key]}
    weights = checkpoint["state_dict"]
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise UnsafeCheckpointError(f"{path}: 'state_dict' is not a dict of tensors; this is no checkpoint of a model")
    if not weights:
        raise UnsafeCheckpointError(f"{path}: 'state_dict' is empty; this is no checkpoint of a model")
    for name, value in weights.items():
        if not isinstance(name, str):
            raise UnsafeCheckpointError(f"{path}: {name!r} is no name of a weight; this is no checkpoint of a model")
        if value.layout != torch.strided:
            raise UnsafeCheckpointError(f"{path}: {name} is stored as {value.layout}; models have dense weights only")
        if name.startswith("module.") and name.removeprefix("module.") in weights:
            raise UnsafeCheckpointError(f"{path}: holds {name} with and without 'module.'; remove one of the two")
    if is_released(weights):
        converted = convert(weights)
        print_log(
            f"{path}: released names, {len(converted.used)} weights used, {len(converted.dropped)} dropped, "
            f"{len(converted.missing)} missing",
            "current",
        )
        checkpoint |= {"state_dict": converted.state_dict, "released": converted}
    elif any(name.startswith("module.") for name in weights):
        checkpoint["state_dict"] = {name.removeprefix("module."): value for name, value in weights.items()}
    return checkpoint


def misfits(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    """One line for each weight of a file that is missing, left over, or of another shape than the model's `own`."""
    wrong = [
        f"{n}: {tuple(v.shape)} in the file, {tuple(own[n].shape)} in the model"
        for n, v in weights.items()
        if n in own and own[n].shape != v.shape
    ]
    wrong += [
        f"{n}: {v.dtype} in the file, {own[n].dtype} in the model"
        for n, v in weights.items()
        if n in own and own[n].is_floating_point() and not v.is_floating_point()
    ]
    wrong += [f"{name}: not in the file" for name in own if name not in weights]
    return wrong + [f"{name}: not in the model" for name in weights if name not in own]


def listed(lines: list[str], most: int = 20) -> str:
    """The first of some lines, indented, and how many more there are."""
    return "\n  ".join(["", *lines[:most]]) + (f"\n  ... and {len(lines) - most} more" if len(lines) > most else "")


def load_weights(model: nn.Module, path: str | Path) -> dict[str, Any]:
    """Load a checkpoint into a model for testing; every weight of the model must be there and fit.

    Returns:
        The checkpoint without its weights.

    Raises:
        ValueError: Weights are missing, left over, or have another shape; the message lists them.
    """
    return load_checkpoint(model, read_checkpoint(path), path)


def load_checkpoint(model: nn.Module, checkpoint: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """The same from a checkpoint that was read from `path`."""
    rest = {key: value for key, value in checkpoint.items() if key not in ("state_dict", "released")}
    if wrong := misfits(checkpoint["state_dict"], model.state_dict()):
        raise ValueError(
            f"{path} does not fit the config's model; test with the config it was trained with:{listed(wrong)}"
        )
    model.load_state_dict(checkpoint["state_dict"])
    return rest
