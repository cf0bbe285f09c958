"""Fig. 2 of the paper: score against GFLOPs, with the paper's scores and what this code costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from video_knet.apis.complexity.counting import Complexity, count_config
from video_knet.apis.runner import load_config
from video_knet.formats.disk.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, OTHERS = "#c0392b", "#7f8c8d"
RADIUS = 0.1  # points per million parameters


@dataclass(frozen=True)
class Panel:
    """One dataset of the figure.

    Attributes:
        title: Dataset and size of its frames.
        size: (H, W).
        metric: Of the scores.
        ours: Config, below `configs`, and score in percent by name.
        others: Score in percent by name; the paper prints no GFLOPs of theirs, it only draws them.
    """

    title: str
    size: tuple[int, int]
    metric: str
    ours: Mapping[str, tuple[str, float]]
    others: Mapping[str, float]


KITTI = "video_knet/kitti_step/video_knet_{}_kitti_step.py"
CITYSCAPES = "video_knet/cityscapes_vps/video_knet_{}_cityscapes_vps.py"
PANELS = (
    Panel(  # Table 2
        "KITTI-STEP, 384x1280",
        (384, 1280),
        "STQ",
        {
            "R50": (KITTI.format("r50"), 71.0),
            "Swin-B": (KITTI.format("swin_b"), 73.0),
            "Swin-L": (KITTI.format("swin_l"), 74.0),
        },
        {"VPSNet": 56.0, "Motion-DeepLab": 58.0, "TubeFormer-DeepLab": 70.0},
    ),
    Panel(  # Table 3, means of the four windows
        "Cityscapes-VPS, 1024x2048",
        (1024, 2048),
        "VPQ",
        {"R50": (CITYSCAPES.format("r50"), 57.45), "Swin-B": (CITYSCAPES.format("swin_b"), 61.35)},
        {"SiamTrack, VPSNet": 57.4, "ViP-DeepLab": 60.98, "ViP-DeepLab + RFP + AutoAug": 61.93},
    ),
)


def draw_figure(path: Path, configs: Path) -> None:
    """Count the models of the figure and draw it.

    Args:
        path: Picture to write; its suffix says the kind.
        configs: Folder of the configs.

    Raises:
        ValueError: Nothing writes pictures of this kind.
    """
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    kind = path.suffix[1:] or "svg"
    if kind not in figure.canvas.get_supported_filetypes():
        raise ValueError(f"{path}: matplotlib writes no .{kind} files; choose .svg or .png")
    for axes, panel in zip(figure.subplots(1, len(PANELS)), tqdm(PANELS, desc="panels", unit="panel"), strict=True):
        costs = {
            name: count_config(load_config(configs / config), panel.size) for name, (config, _) in panel.ours.items()
        }
        draw_panel(axes, panel, costs)
    with matplotlib.rc_context({"svg.hashsalt": "video_knet"}), whole_file(path) as file:  # the same bytes every time
        figure.savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)


def draw_panel(axes: "Axes", panel: Panel, costs: Mapping[str, Complexity]) -> None:
    """Draw one dataset; the radius of a circle is the number of parameters, as in the paper."""
    gflops = [cost.multiply_adds / 1e9 for cost in costs.values()]
    for (name, cost), x in zip(costs.items(), gflops):
        score, millions = panel.ours[name][1], cost.parameters / 1e6
        axes.scatter(x, score, s=(2 * RADIUS * millions) ** 2, color=OURS, alpha=0.5, linewidths=0)
        label = f"{name}\n{x:.0f} GFLOPs, {millions:.0f} M"
        axes.annotate(
            label,
            (x, score),
            (0, RADIUS * millions + 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            bbox=dict(facecolor="white", linewidth=0, pad=1),
        )
    for name, score in panel.others.items():
        axes.axhline(score, color=OTHERS, linestyle="--", linewidth=0.8)
        at = dict(xycoords=("axes fraction", "data"), textcoords="offset points")
        axes.annotate(name, (1, score), (4, 0), **at, va="center", fontsize=8, color=OTHERS)
    low, high = min(panel.others.values()), max(score for _, score in panel.ours.values())
    margin = 0.25 * (high - low)
    axes.set(
        title=panel.title,
        xlabel="GFLOPs per frame (multiply-adds, counted by this code)",
        ylabel=f"{panel.metric} (the paper's)",
        xlim=(0, 1.3 * max(gflops)),
        ylim=(low - margin, high + 2 * margin),
    )
