"""Inputs and weights behind the golden values: each is a function of its name, so none has to be stored.

`tensor`, `weight`, `pyramid`, `rectangles`, `semantic_map` belong to `vps_modules.*`; `fill` and `released_state` to
`released_models/`.
"""

import json
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent


def generator(name: str) -> torch.Generator:
    """Random numbers seeded by a name."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def tensor(name: str, *shape: int, std: float = 1.0) -> Tensor:
    """Normal values of standard deviation `std`."""
    return torch.randn(*shape, generator=generator(name)) * std


def weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """The parameter that the released code calls `name`."""
    value = tensor(name, *shape)
    if len(shape) > 1:
        return value / value[0].numel() ** 0.5
    return 1 + 0.1 * value if name.endswith("weight") else 0.1 * value


def pyramid(tag: str, batch: int = 1) -> list[Tensor]:
    """Levels of a padded 128x192 image, (batch, 256, 32 >> i, 48 >> i)."""
    return [tensor(f"{tag}.p{i}", batch, 256, 32 >> i, 48 >> i, std=0.5) for i in range(4)]


def rectangles(tag: str, count: int, height: int = 128, width: int = 192) -> Tensor:
    """(count, height, width) uint8, one rectangle each."""
    rng = generator(tag)
    masks = torch.zeros(count, height, width, dtype=torch.uint8)
    for i in range(count):
        top = int(torch.randint(0, height - 24, (1,), generator=rng))
        left = int(torch.randint(0, width - 24, (1,), generator=rng))
        masks[i, top : top + 20 + 2 * i, left : left + 16 + 4 * i] = 1
    return masks


def semantic_map(tag: str, classes: Iterable[int], height: int = 128, width: int = 192) -> Tensor:
    """(height, width) int64 dataset ids in blocks of 16 pixels, void in the top left corner."""
    classes = torch.tensor(list(classes))
    blocks = classes[torch.randint(0, len(classes), (height // 16, width // 16), generator=generator(tag))]
    labels = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1)
    labels[:8, :8] = 255
    return labels


def released_names(checkpoint: str) -> dict[str, tuple[int, ...]]:
    """Shape by released name, without the backbone, of `checkpoints/NAME.txt`."""
    lines = (FOLDER / "checkpoints" / f"{checkpoint}.txt").read_text().splitlines()
    rows = (line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    return {
        name: tuple(json.loads(shape.replace("(", "[").replace(",)", "]").replace(")", "]"))) for name, shape in rows
    }


def fill(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight of `released_models/` before overrides."""
    last = name.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.tensor(0)
    g = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) >= 2:
        g = g / np.sqrt(np.prod(shape[1:]))
    elif last == "running_var":
        g = 1 + 0.1 * np.abs(g)
    elif last == "running_mean" or last.endswith("bias"):
        g = 0.02 * g
    elif last == "weight":
        g = 1 + 0.1 * g
    else:
        g = 0.02 * g
    return torch.from_numpy(np.asarray(g, dtype=np.float32))


def released_state(name: str, extra_scale: dict[str, float] | None = None) -> dict[str, Tensor]:
    """The whole state dict, in released names, of a model of `released_models/`."""
    folder = FOLDER / "released_models"
    values = np.load(folder / f"{name}_io.npz")
    scales = dict(json.loads(str(values["meta"])).get("scale_weight", {}))
    state = {}
    for key, shape, _ in json.loads((folder / f"{name}_keys.json").read_text()):
        state[key] = fill(key, tuple(shape)) * scales.get(key, 1)
        if f"override/{key}" in values:
            state[key] = torch.from_numpy(values[f"override/{key}"])
    for key, scale in (extra_scale or {}).items():
        state[key] = state[key] * scale
    return state
