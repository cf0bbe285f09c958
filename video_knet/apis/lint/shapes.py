"""Whether the parts of a model fit each other: the levels of its backbone go through neck, head and decoder."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from video_knet.apis.lint.finding import Finding, fault

SIZE = 64  # of the image: the smallest that all strides divide


def check_shapes(model: nn.Module) -> list[Finding]:
    """Run a model on one small image; the first part that does not take what the one before gives is a fault.

    The backbone, which takes most of the time, runs on the meta device, where shapes are computed and nothing else.

    Args:
        model: With the parts of K-Net; others are not looked at. Its backbone loses its weights.
    """
    if not all(hasattr(model, name) for name in ("backbone", "neck", "kernel_head", "decoder")):
        return []
    model.eval()
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        try:
            outputs = model.backbone.to("meta")(torch.empty(1, 3, SIZE, SIZE, device="meta"))
            levels = [torch.zeros(level.shape) for level in outputs]
        except Exception:  # not every part computes shapes alone; building has found what can be found
            return []
        steps: dict[str, Callable[[Any], Any]] = {
            "neck": lambda levels: levels if model.neck is None else list(model.neck(levels)),
            "kernel_head": model.kernel_head,
            "decoder": lambda initial: initial if model.decoder is None else model.decoder(initial),
        }
        value: Any = levels
        for name, step in steps.items():
            try:
                value = step(value)
            except (RuntimeError, AssertionError, IndexError) as error:
                text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
                message = f"does not take what comes before, levels of {_channels(levels)} channels: {text}"
                return [fault(f"model.{name}", message, "Set its channels to those of the part before")]
            levels = value if name == "neck" else levels
    return []


def _channels(levels: list[Tensor]) -> str:
    return ", ".join(str(level.shape[1]) for level in levels)
