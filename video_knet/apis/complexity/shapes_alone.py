"""Running a model on the meta device, where shapes are computed and nothing else."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor


class TablesStay(TorchFunctionMode):
    """Small tables that are made on the CPU keep their values.

    The host's deformable attention reads the sizes of its levels from a tensor, which has no values on the meta device.
    So it stays where it was made, and follows where it is combined with a tensor without values.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call `func` by these rules."""
        kwargs = kwargs or {}
        if func is Tensor.to:
            moved = func(*args, **kwargs)
            return args[0].to(moved.dtype) if moved.is_meta and not args[0].is_meta else moved
        if any(isinstance(value, Tensor) and value.is_meta for value in tree_leaves((args, kwargs))):
            args, kwargs = tree_map(without_values, (args, kwargs))
        return func(*args, **kwargs)


def without_values(value: Any) -> Any:
    """A tensor on the meta device; numbers, also as tensors without dimensions, stay."""
    return value.to("meta") if isinstance(value, Tensor) and value.dim() else value


def align_in_one_level(extractor: nn.Module, levels: tuple[Tensor, ...], rois: Tensor) -> Tensor:
    """(n, 5) boxes aligned in the first level: which one a box belongs to depends on its values, the cost does not."""
    return extractor.roi_layers[0](levels[0], rois)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """While this is open, models run without gradients on tensors that may have shapes, but no values."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator for all of attention, which nobody counts
    try:
        with (
            torch.no_grad(),
            TablesStay(),
            patch("torch.autocast", lambda *args, **kwargs: nullcontext()),  # does not know the meta device
            patch.object(SingleRoIExtractor, "forward", align_in_one_level),
            warnings.catch_warnings(action="ignore"),
        ):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
