"""What the paper's ablation tables hold, and which config is which row."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Benchmark:
    """A dataset on which rows are measured, and its toy stand-in.

    Attributes:
        name: As the paper writes it.
        base: Full method at toy size; below `configs`.
        pretraining: What it starts from; below `configs`.
        root: Environment variable of the data root.
    """

    name: str
    base: str
    pretraining: str
    root: str


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: As the paper writes it.
        config: File in `configs/ablations`, without suffix; None is the base, the full method.
        paper: Its figures, in percent.
        benchmark: Where it is measured.
    """

    name: str
    config: str | None
    paper: Mapping[str, float]
    benchmark: Benchmark


_TOY = "_base_/ablations/toy_{}.py"
KITTI, CITYSCAPES = (
    Benchmark(name, _TOY.format(key), _TOY.format(f"{key}_pretraining"), f"{key.upper()}_ROOT")
    for name, key in (("KITTI-STEP", "kitti_step"), ("Cityscapes-VPS", "cityscapes_vps"))
)
METRICS = ("STQ", "AQ", "SQ", "VPQ")


def _row(name: str, config: str | None, benchmark: Benchmark = KITTI, **paper: float) -> Row:
    return Row(name, config, MappingProxyType(paper), benchmark)


_KNET = _row("K-Net", "knet", STQ=67.5, AQ=65.5, SQ=68.9)
TABLES: Mapping[str, tuple[Row, ...]] = {
    "1": (
        _KNET,
        _row("K-Net + UniTrack", "knet_unitrack", STQ=65.1, AQ=64.3, SQ=68.9),
        _row("K-Net", "knet_cityscapes_vps", CITYSCAPES, VPQ=54.3),
        _row("K-Net + UniTrack", "knet_unitrack_cityscapes_vps", CITYSCAPES, VPQ=53.2),
    ),
    "7a": (
        _KNET,
        _row("+ KAE", "kae", STQ=69.3, AQ=69.0, SQ=69.8),
        _row("+ KAE + KL", "kae_kl", STQ=70.2, AQ=71.2, SQ=69.7),
        _row("+ KAE + KL + KF", None, STQ=70.9, AQ=70.8, SQ=71.2),
    ),
    "7b": (
        _row("RoI-Align", "roi_align_embedding", AQ=68.8, STQ=69.1),
        _row("Mask-Emb", "mask_embedding", AQ=67.3, STQ=68.1),
        _row("Ours", None, AQ=70.8, STQ=70.9),
        _row("Ours + Mask-Emb", "kernel_and_mask_embedding", AQ=70.3, STQ=70.8),
    ),
    "7c": (
        _KNET,
        _row("GT-based (ours)", "kae", STQ=69.3, AQ=69.0, SQ=69.8),
        _row("sampling in [41]", "mask_iou_sampling", STQ=63.1, AQ=62.1, SQ=64.3),
    ),
    "7d": (
        _row("stage 3", None, STQ=70.9, AQ=70.8, SQ=71.2),
        _row("stage 2", "stage_2", STQ=68.5, AQ=68.2, SQ=69.3),
        _row("stage 1", "stage_1", STQ=66.9, AQ=63.4, SQ=67.3),
    ),
    "7e": (
        _row("joint training", None, STQ=70.9, AQ=70.8, SQ=71.2),
        _row("only train the key frame", "key_frame_only", STQ=70.1, AQ=70.1, SQ=69.8),
    ),
    "7f": (
        _KNET,
        _row("w Update", None, STQ=70.9, AQ=70.8, SQ=71.2),
        _row("w/o Update", "fusion_without_update", STQ=67.1, AQ=66.2, SQ=68.3),
    ),
}
TITLES: Mapping[str, str] = {
    "1": "Table 1: K-Net's own kernels against an appearance tracker with motion",
    "7a": "Table 7a: components",
    "7b": "Table 7b: needs of appearance embeddings",
    "7c": "Table 7c: sampling in association",
    "7d": "Table 7d: linking and fusing stage",
    "7e": "Table 7e: training settings",
    "7f": "Table 7f: kernel fusing",
}
