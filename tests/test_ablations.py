"""Every ablation is a config of a few lines on any Video K-Net: it builds, trains, predicts, and says its row."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from tests.tiny import LABELS, images, mmdet_scope, one_thread_and_seed  # noqa: F401
from tests.video_knet.videos import assert_consistent, assert_trains, pair, predict
from video_knet.apis.ablations.measuring import plan
from video_knet.apis.ablations.row_configs import read_config
from video_knet.apis.ablations.tables import TABLES
from video_knet.apis.runner import load_config
from video_knet.models import VideoKNet

CONFIGS = Path(__file__).parents[1] / "configs"
LEAVES = sorted((CONFIGS / "ablations").glob("*.py"))
TINY = CONFIGS / "_base_/models/video_knet_tiny.py"
ROWS = {row.config: row for rows in TABLES.values() for row in rows if row.config}


def tiny(path: Path) -> VideoKNet:
    """An ablation on the model at toy size, with few classes; random weights find something on every image."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({"model.labels": LABELS, "model.merging.score_thr": 0.0, "model.merging.overlap_thr": 0.0})
    return MODELS.build(cfg.model)


@pytest.fixture
def on_tiny(monkeypatch):
    monkeypatch.setenv("ABLATION_BASE", str(TINY))


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: path.stem)
def test_it_trains_two_steps_and_predicts(path, on_tiny):
    model = tiny(path)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1e-4)
    for step in range(2):
        before = [parameter.clone() for parameter in learning]
        assert_trains(model, images(1, 2), [pair(6 + 6 * step)])
        optimizer.step()
        assert not all(torch.equal(old, new) for old, new in zip(before, learning, strict=True))
    for results in predict(model, images(1, 2)):
        assert_consistent(results)


def parts(model: nn.Module) -> set[str]:
    """Types of the parts that the rows are about."""
    found = {type(module).__name__ for module in model.modules()}
    found |= {type(model.tracker).__name__, type(getattr(model.track_head, "sampler", None)).__name__}
    if any(getattr(module, "update", None) is not None for module in model.decoder.kernel_fusion.values()):
        found.add("update")
    found |= {f"stage {index}" for index in {*model.decoder.kernel_fusion, *model.decoder.kernel_linking}}
    return found


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("knet", "QuasiDenseTracker ReferenceLoss", "TrackHead KernelLinking KernelFusion"),
        ("knet_unitrack", "AppearanceMotionTracker FrozenAppearance", "TrackHead KernelLinking KernelFusion"),
        ("knet_cityscapes_vps", "QuasiDenseTracker", "TrackHead KernelLinking KernelFusion"),
        ("knet_unitrack_cityscapes_vps", "AppearanceMotionTracker FrozenAppearance", "TrackHead KernelLinking"),
        ("kae", "KernelEmbedding MatchedKernelSampler AssociationL2Loss", "KernelLinking KernelFusion"),
        ("kae_kl", "KernelEmbedding KernelLinking", "KernelFusion"),
        ("roi_align_embedding", "RoIAlignEmbedding", "KernelEmbedding KernelLinking KernelFusion"),
        ("mask_embedding", "MaskEmbedding", "KernelLinking KernelFusion"),
        ("kernel_and_mask_embedding", "KernelAndMaskEmbedding KernelLinking KernelFusion update", ""),
        ("mask_iou_sampling", "MaskIoUSampler KernelEmbedding", "MatchedKernelSampler KernelLinking KernelFusion"),
        ("stage_1", "KernelLinking KernelFusion update", "stage|1 stage|2"),
        ("stage_2", "KernelLinking KernelFusion update", "stage|0 stage|2"),
        ("key_frame_only", "KernelLinking KernelFusion update", "ReferenceLoss"),
        ("fusion_without_update", "KernelLinking KernelFusion", "update"),
    ],
)
def test_what_a_row_is_made_of(name, there, absent, on_tiny):
    found = parts(tiny(CONFIGS / "ablations" / f"{name}.py"))
    assert set(there.split()) <= found
    assert not {word.replace("|", " ") for word in absent.split()} & found


def test_roi_align_has_the_layers_of_quasi_dense_tracking(on_tiny):
    """Four convolutions and one hidden layer, not as many as the embedding of kernels has."""
    embed = tiny(CONFIGS / "ablations/roi_align_embedding.py").track_head.embed
    assert sum(isinstance(module, nn.Linear) for module in embed.modules()) == 2  # hidden and output


def test_a_change_of_a_part_that_the_base_lacks_is_refused_with_its_name(monkeypatch):
    monkeypatch.setenv("ABLATION_BASE", "../video_knet/cityscapes_vps/video_knet_r50_cityscapes_vps.py")
    with pytest.raises(ValueError, match=r"fusion_without_update\.py: kernel_fusion=.* cannot inherit from base"):
        load_config(CONFIGS / "ablations/fusion_without_update.py")


def test_every_row_has_a_config_and_every_config_a_row():
    assert {path.stem for path in LEAVES} == set(ROWS)


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: path.stem)
def test_leaves_are_short_and_tell_row_and_figures(path, monkeypatch):
    """At full size they differ from the paper's model in the model alone."""
    monkeypatch.delenv("ABLATION_BASE", raising=False)
    text, row = path.read_text(), ROWS[path.stem]
    said = text.split('"""')[1]
    for table in (name for name, rows in TABLES.items() if row in rows):
        assert table in said
    for metric, value in row.paper.items():
        assert f"{metric} {value}" in said
    assert f"Command:   tools/dist_train.sh configs/ablations/{path.name} 8" in said
    assert len(text.split('"""')[2].strip().splitlines()) <= 12
    dataset = row.benchmark.root.removesuffix("_ROOT").lower()
    base = Config.fromfile(CONFIGS / "video_knet" / dataset / f"video_knet_r50_{dataset}.py")
    cfg = Config.fromfile(path)
    assert cfg.model.labels.format == dataset
    assert {key for key in base if cfg[key] != base[key]} == {"model"}


def test_rows_that_are_equal_are_trained_once(tmp_path):
    tables = plan(list(TABLES), CONFIGS, tmp_path, seeds=2)
    runs = {run.key: run for rows in tables.values() for _, of_row in rows for run in of_row}
    assert len(runs) == 2 * (len(ROWS) + 1)
    assert len({run.folder for run in runs.values()}) == len(runs)
    assert len({run.start.key for run in runs.values()}) == 4  # two datasets, two seeds
    (moved, _), *_ = (runs for _, runs in plan(["7a"], CONFIGS, tmp_path / "elsewhere", seeds=2)["7a"])
    assert moved.key in runs
    assert moved.folder != runs[moved.key].folder


def test_a_row_at_toy_size_is_the_toy_base_and_the_same_change(tmp_path):
    (_, (stage_3,)), (row, (stage_2,)), _ = plan(["7d"], CONFIGS, tmp_path, seeds=1)["7d"]
    assert stage_2.config["model"]["decoder"]["link_stages"] == (1,)
    assert {key for key in stage_3.config if stage_2.config[key] != stage_3.config[key]} == {"model"}
    again = read_config(CONFIGS / "ablations/stage_2.py", row.benchmark, CONFIGS, tmp_path / "worlds/toy_kitti_step")
    assert again is stage_2.config
