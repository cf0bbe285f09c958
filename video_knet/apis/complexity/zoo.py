"""The tables of docs/model_zoo.md: what every shipped model costs, and what the parts of Video K-Net add to K-Net."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from video_knet.apis.complexity.counting import Complexity, count_config, count_model, meta_model
from video_knet.apis.runner import load_config
from video_knet.formats.disk.files import whole_file

FOLDERS = ("knet", "video_knet", "ablations")
SIZES = ((800, 1333), (384, 1280), (1024, 2048))  # of the paper's text; of KITTI-STEP and Cityscapes-VPS in Fig. 2
KITTI = "video_knet/kitti_step/video_knet_{}_kitti_step"
KNET = {"model.kernel_linking": None, "model.kernel_fusion": None, "model.track_head": None}
# What is compared with K-Net: name, config, what it leaves out.
ADDED: tuple[tuple[str, str, Mapping[str, None]], ...] = (
    ("R50, KAE", KITTI.format("r50"), {"model.kernel_linking": None, "model.kernel_fusion": None}),
    ("R50, KAE + KL", KITTI.format("r50"), {"model.kernel_fusion": None}),
    ("R50, KAE + KL + KF", KITTI.format("r50"), {}),
    ("Swin-B, KAE + KL + KF", KITTI.format("swin_b"), {}),
    ("Swin-L, KAE + KL + KF", KITTI.format("swin_l"), {}),
)


def count_all(configs: Path) -> dict[str, list[Complexity]]:
    """Count every shipped model, quickstarts aside, at every size.

    Args:
        configs: Folder of the configs.

    Returns:
        By name of the config, its path below `configs` without suffix.
    """
    paths = [path for folder in FOLDERS for path in sorted((configs / folder).rglob("*.py"))]
    result = {}
    for path in tqdm(paths, desc="models", unit="model"):
        model = meta_model(load_config(path))
        result[path.relative_to(configs).with_suffix("").as_posix()] = [count_model(model, size) for size in SIZES]
    return result


def zoo_table(costs: Mapping[str, Iterable[Complexity]]) -> str:
    """Parameters, and multiply-adds at every size, in Markdown."""
    head = ["config", "parameters, M", *(f"GFLOPs, {height}x{width}" for height, width in SIZES)]
    return table(head, (zoo_row(name, list(costs)) for name, costs in costs.items()))


def zoo_row(name: str, costs: list[Complexity]) -> list[str]:
    """Cells of a model."""
    return [f"`{name}`", f"{costs[0].parameters / 1e6:.1f}", *(f"{cost.multiply_adds / 1e9:.1f}" for cost in costs)]


def parts_table(cost: Complexity) -> str:
    """What each part of a model costs, in Markdown."""
    rows = [*cost.parts, ("whole", cost.parameters, cost.multiply_adds)]
    cells = (row if isinstance(row, tuple) else (row.name, row.parameters, row.multiply_adds) for row in rows)
    return table(
        ["part", "parameters, M", "GFLOPs", "share of GFLOPs, %"],
        (
            [name, f"{parameters / 1e6:.3f}", f"{adds / 1e9:.3f}", f"{100 * adds / cost.multiply_adds:.2f}"]
            for name, parameters, adds in cells
        ),
    )


def added_table(configs: Path, size: tuple[int, int] = SIZES[0]) -> str:
    """What Video K-Net adds to K-Net, in Markdown."""
    return table(
        ["model", "parameters, M", "added, %", f"GFLOPs, {size[0]}x{size[1]}", "added, %"],
        (added_row(name, configs / f"{config}.py", options, size) for name, config, options in ADDED),
    )


def added_row(name: str, config: Path, options: Mapping[str, Any], size: tuple[int, int]) -> list[str]:
    """Cells of a model beside K-Net with the same backbone, whose tracker compares the kernels themselves."""
    knet, video = (count_config(load_config(config, options=dict(each)), size) for each in (KNET, options))
    parameters, adds = 100 * video.parameters / knet.parameters, 100 * video.multiply_adds / knet.multiply_adds
    return [
        name,
        f"{knet.parameters / 1e6:.2f} + {(video.parameters - knet.parameters) / 1e6:.2f}",
        f"{parameters - 100:.1f}",
        f"{knet.multiply_adds / 1e9:.2f} + {(video.multiply_adds - knet.multiply_adds) / 1e9:.2f}",
        f"{adds - 100:.2f}",
    ]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def all_tables(configs: Path) -> tuple[dict[str, str], dict[str, list[Complexity]]]:
    """The tables of docs/model_zoo.md by name, and the figures of the first one."""
    costs = count_all(configs)
    whole = costs[KITTI.format("r50")][0]
    return {"added": added_table(configs), "parts": parts_table(whole), "zoo": zoo_table(costs)}, costs


def update_page(page: Path, tables: Mapping[str, str]) -> None:
    """Write tables into a page, each between `<!-- NAME -->` and `<!-- /NAME -->`.

    Raises:
        ValueError: A marker is missing; the page stays as it is.
    """
    text = page.read_text(encoding="utf-8")
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text, found = re.subn(f"{begin}.*?{end}", lambda _, new=f"{begin}\n{lines}\n{end}": new, text, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"{page}: needs {begin} and {end} around the table once, but has them {found} times")
    with whole_file(page) as file:
        file.write(text.encode())
