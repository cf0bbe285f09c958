"""What tests of the config lint share."""

from pathlib import Path

import pytest

from video_knet.apis.lint.config import lint_config
from video_knet.apis.lint.finding import Finding

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs/quickstart/kitti_step.py"
FULL_SIZE = ROOT / "configs/video_knet/kitti_step/video_knet_r50_kitti_step.py"
MY_DATA = "train_dataloader = dict(dataset=dict(data_root=data_root))"


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    """No data where configs look for them."""
    for name in ("KITTI_STEP_ROOT", "VIPSEG_ROOT", "CITYSCAPES_VPS_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def leaf(folder: Path, text: str, base: Path = QUICKSTART) -> Path:
    path = folder / "leaf.py"
    path.write_text(f"_base_ = {str(base)!r}\n{text}\n")
    return path


def lint(path: Path, **options) -> list[Finding]:
    return lint_config(path, **options)[0]
