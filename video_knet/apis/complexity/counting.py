"""Parameters and multiply-adds of a model, part by part.

Counted are matrix products and convolutions (torch's `FlopCounterMode`; a multiply-add is what papers call a FLOP), and
what is sampled from feature maps. Norms, activations, softmax, resizing and other work per element are not, which is
how the field counts.

H W size of a frame.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from math import ceil, prod
from typing import Any
from unittest.mock import patch

import torch
import torchvision  # noqa: F401  registers RoIAlign
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from knet.kernel_decoder import KernelDecoder
from video_knet.apis.complexity.online import run_online
from video_knet.apis.complexity.shapes_alone import shapes_alone
from video_knet.apis.lint.build import build_model, failure, quiet
from video_knet.apis.runner import all_faults, check_parts
from video_knet.models.clip_decoder import ClipDecoder

CALLS = ("forward", "assemble", "refine", "classify", "segment")  # of a part; the last four are those of a stage
REST = "rest"  # what belongs to no part
BILINEAR = 4  # multiply-adds of a sampled value


@dataclass(frozen=True)
class PartCost:
    """What a part costs.

    Attributes:
        name: As in the names of its weights.
        parameters: All of them, frozen or not.
        multiply_adds: Per frame.
    """

    name: str
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Complexity:
    """What a model costs per frame.

    Attributes:
        size: (H, W) of the frame with padding.
        parts: In the order of the model; they add up to the whole.
    """

    size: tuple[int, int]
    parts: tuple[PartCost, ...]

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        return sum(part.parameters for part in self.parts)

    @property
    def multiply_adds(self) -> int:
        """Of the whole model, per frame."""
        return sum(part.multiply_adds for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"parameters": self.parameters, "multiply_adds": self.multiply_adds}


def count_config(config: Config, size: tuple[int, int]) -> Complexity:
    """Count the model of a config.

    It is built on the CPU, no weight is drawn or downloaded, and it runs on the meta device.

    Args:
        config: As `load_config` returns it.
        size: (H, W) of a frame, which is padded as the config says.

    Raises:
        ValueError: The model cannot be built, is of no known kind, or does not take frames of this size.
    """
    return count_model(meta_model(config), size)


def meta_model(config: Config) -> nn.Module:
    """The model of a config on the meta device; errors as for `count_config`."""
    check_parts(config)
    init_default_scope(config.get("default_scope", "mmdet"))
    try:
        with quiet():
            return build_model(config.model).eval().to("meta")
    except Exception as error:  # parts complain in many ways
        found = failure(config._cfg_dict, "model", error)
        raise ValueError(f"{found.key}: {found.message}. {found.remedy}. {all_faults(config)}") from error


def count_model(model: nn.Module, size: tuple[int, int]) -> Complexity:
    """Count a model where it is, on the meta device or on another, where it computes as well.

    Args:
        model: In evaluation mode.
        size: (H, W) of a frame.

    Raises:
        ValueError: The model is of no known kind, or does not take frames of this size.
    """
    parts = parts_of(model)
    spent: dict[str, int] = {}
    padded = padded_size(model, size)
    try:
        with shapes_alone():
            image = torch.zeros(1, 3, *padded, device=next(model.parameters()).device)
            num_frames = run_online(model, image, counted(parts, spent))
    except (RuntimeError, AssertionError, IndexError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"the model does not take a frame of {size[0]}x{size[1]}, padded to {padded[0]}x{padded[1]}: {reason}. "
            "Choose another --shape"
        ) from error
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    sizes[REST] = sum(p.numel() for p in model.parameters()) - sum(sizes.values())
    costs = (PartCost(name, sizes[name], round(spent[name] / num_frames)) for name in sizes)
    return Complexity(
        padded, tuple(cost for cost in costs if cost.name != REST or cost.parameters or cost.multiply_adds)
    )


def padded_size(model: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) as the model's data preprocessor pads it."""
    divisor = getattr(model.data_preprocessor, "pad_size_divisor", 1)
    return tuple(ceil(length / divisor) * divisor for length in size)


def parts_of(model: nn.Module) -> dict[str, nn.Module]:
    """Parts with parameters by name; each stage, linking and fusion of a decoder is one of its own."""
    parts = {}
    for name, child in model.named_children():
        if isinstance(child, (KernelDecoder, ClipDecoder)):
            for group, modules in child.named_children():
                parts |= {f"{name}.{group}.{key}": part for key, part in modules.named_children()}
        elif next(child.parameters(), None) is not None:
            parts[name] = child
    return parts


@contextmanager
def counted(parts: Mapping[str, nn.Module], spent: dict[str, int]) -> Iterator[None]:
    """Count what runs while this is open.

    Args:
        parts: By name; none is inside another.
        spent: Receives the multiply-adds of each, and those of no part.
    """
    flops = dict.fromkeys(parts, 0)
    counter = FlopCounterMode(display=False, custom_mapping=SAMPLING)
    with ExitStack() as stack:
        for name, part in parts.items():
            for call in CALLS:
                if hasattr(part, call):
                    stack.enter_context(patch.object(part, call, metered(getattr(part, call), name, flops, counter)))
        stack.enter_context(counter)
        yield
    flops[REST] = counter.get_total_flops() - sum(flops.values())
    spent.update({name: value // 2 for name, value in flops.items()})


def metered(call: Callable[..., Any], name: str, flops: dict[str, int], counter: FlopCounterMode) -> Callable[..., Any]:
    """The same call, whose FLOPs are added to those of a part."""

    def run(*args: Any, **kwargs: Any) -> Any:
        before = counter.get_total_flops()
        result = call(*args, **kwargs)
        flops[name] += counter.get_total_flops() - before
        return result

    return run


def grid_sample_flops(features: tuple[int, ...], grid: tuple[int, ...], *args: Any, out_shape: tuple[int, ...]) -> int:
    """FLOPs of sampled values: bilinear, and one multiply-add to sum them by weight.

    Here only deformable attention samples by a grid, and it sums what it samples by multiplying and adding.
    """
    return 2 * (BILINEAR + 1) * prod(out_shape)


def roi_align_flops(
    features: tuple[int, ...],
    rois: tuple[int, ...],
    scale: float,
    height: int,
    width: int,
    sampling_ratio: int,
    *args: Any,
    out_shape: tuple[int, ...],
) -> int:
    """FLOPs of aligned features, each the mean of `sampling_ratio` squared bilinear samples."""
    return 2 * BILINEAR * max(sampling_ratio, 1) ** 2 * prod(out_shape)


SAMPLING = {
    torch.ops.aten.grid_sampler_2d: grid_sample_flops,
    torch.ops.torchvision.roi_align: roi_align_flops,
}
