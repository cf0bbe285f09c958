"""Every shipped config is without faults; each planted mistake is found, with its key and the remedy."""

import json

import pytest

from tests.lint_cases import FULL_SIZE, MY_DATA, QUICKSTART, ROOT, leaf, lint, no_data  # noqa: F401
from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from tools import lint_config as tool
from tools import train
from video_knet.apis.lint.components import argument_names, required_names
from video_knet.apis.lint.config import lint_config
from video_knet.apis.lint.finding import FAULT, WARNING

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.parts)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_shipped_config_is_without_faults(path):
    """Built at full size."""
    assert [str(found) for found in lint(path) if found.severity == FAULT] == []


def test_all_mistakes_are_reported_at_once(tmp_path):
    text = "load_from = 'nowhere.pth'\nmodel = dict(trackers=None)\nval_dataloader = dict(batch_size=4)"
    keys = {found.key for found in lint(leaf(tmp_path, text)) if found.severity == FAULT}
    assert {"load_from", "model.trackers", "val_dataloader.batch_size"} <= keys


def test_missing_data_are_a_warning_that_names_the_variable(monkeypatch):
    (found,) = (each for each in lint(FULL_SIZE, build=False) if each.key.endswith("data_root"))
    assert found.severity == WARNING
    assert "KITTI_STEP_ROOT is not set, the default is data/kitti_step" in found.remedy
    monkeypatch.setenv("KITTI_STEP_ROOT", "/nowhere")
    (found,) = (each for each in lint(FULL_SIZE, build=False) if each.key.endswith("data_root"))
    assert "/nowhere does not exist" in found.message


def test_the_variable_of_the_leaf_is_named(tmp_path):
    """It has another default than the base's of the same name."""
    texts = [
        str(found) for found in lint(leaf(tmp_path, "data_root = '{{$MY_ROOT:my_data}}'\n" + MY_DATA), build=False)
    ]
    assert any("The environment variable MY_ROOT is not set, the default is my_data" in text for text in texts)
    assert any("KITTI_STEP_ROOT is not set" in text for text in texts)  # validation is still that of the base


def test_data_that_are_there_are_read(world, tmp_path, monkeypatch):
    monkeypatch.setenv("KITTI_STEP_ROOT", str(world))
    assert not [found for found in lint(leaf(tmp_path, "")) if found.severity == FAULT or "data_root" in found.key]
    wrong = leaf(tmp_path, "train_dataloader = dict(dataset=dict(split='training'))")
    (found,) = (each for each in lint(wrong) if each.severity == FAULT)
    assert found.key == "train_dataloader.dataset.split"
    assert "training" in found.message


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        (None, None),
        (8, None),
        (4, "4 GPUs with 1 each make 4. Set it to 5e-05"),
        (16, "16 GPUs with 1 each make 16. Set it to 0.0002"),
    ],
)
def test_learning_rate_goes_with_the_total_batch(gpus, said):
    """1e-4 for a batch of 8: half of it for 4, twice for 16."""
    findings, batch = lint_config(FULL_SIZE, build=False, gpus=gpus)
    assert batch == "lr 0.0001 for a total batch of 8: 8 GPUs with 1 each"
    texts = [str(found) for found in findings if found.key == "optim_wrapper.optimizer.lr"]
    assert [said in text for text in texts] == [True] * (said is not None)


def test_scaled_learning_rate_needs_no_warning(tmp_path):
    scaled = leaf(tmp_path, "auto_scale_lr = dict(enable=True)", FULL_SIZE)
    assert not [found for found in lint(scaled, build=False, gpus=4) if found.key.endswith(".lr")]
    steps = leaf(tmp_path, "optim_wrapper = dict(accumulative_counts=2)", FULL_SIZE)
    assert not [found for found in lint(steps, build=False, gpus=4) if found.key.endswith(".lr")]
    unsaid = leaf(tmp_path, "auto_scale_lr = None", FULL_SIZE)
    assert [found.key for found in lint(unsaid, build=False) if found.severity == WARNING][-1] == "auto_scale_lr"


@pytest.mark.parametrize(
    ("text", "words"),
    [("model = dict(", "was never closed"), ("model = nowhere", "NameError"), ("_base_ = 'none.py'", "none.py")],
)
def test_what_is_no_config_is_one_finding(text, words, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(text + "\n")
    (found,) = lint(path)
    assert found.severity == FAULT
    assert words in found.message


def test_parts_are_refused():
    (found,) = lint(ROOT / "configs/_base_/models/video_knet_r50.py")
    assert str(found) == "fault: is a part of configs, no config. Name a config that has it in its _base_."


def test_a_variable_may_serve_a_config_above(tmp_path):
    (tmp_path / "middle.py").write_text(f"_base_ = {str(QUICKSTART)!r}\nfew = 2\n")
    above = tmp_path / "above.py"
    above.write_text("_base_ = './middle.py'\ntrain_dataloader = dict(batch_size=_base_.few)\n")
    assert not [found for found in lint(above, build=False) if found.severity == FAULT]


def test_a_config_that_the_host_wrote_has_no_faults(tmp_path):
    """All variables are in it, and nothing refers to them any more."""
    from mmengine.config import Config

    Config.fromfile(FULL_SIZE).dump(tmp_path / "dumped.py")
    findings = lint(tmp_path / "dumped.py", build=False)
    assert {found.severity for found in findings} == {WARNING}
    assert any("frame_transforms" in found.message for found in findings)


class Parent:
    def __init__(self, size, color="red"):
        pass


class Child(Parent):
    def __init__(self, name, **kwargs):
        super().__init__(**kwargs)


class Keeper:
    def __init__(self, name, **kwargs):
        self.kwargs = kwargs


def test_names_of_arguments_follow_kwargs_to_the_parents():
    assert argument_names(Child) == {"name", "size", "color"}
    assert required_names(Child) == ["name"]
    assert argument_names(Keeper) is None
    assert argument_names(lambda a, *, b=1: a) == {"a", "b"}


def test_the_command(tmp_path, capsys):
    good, bad = FULL_SIZE, leaf(tmp_path, "load_from = 'nowhere.pth'")
    report = tmp_path / "out/report.json"
    assert tool.main([str(good), str(bad), "--no-build", "--json", str(report)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"{good}: ok (lr 0.0001 for a total batch of 8: 8 GPUs with 1 each)" in lines
    assert f"{bad}: fault: load_from: nowhere.pth does not exist. Name a checkpoint that is there, or None." in lines
    assert {"severity", "key", "message", "remedy"} == set(json.loads(report.read_text())[str(bad)][0])
    assert tool.main([str(good), "--no-build"]) == 0
    assert tool.main(["nowhere.py"]) == 1
    assert "nowhere.py: no such config file" in capsys.readouterr().err


def test_training_says_which_part_lacks_an_argument(tmp_path, capsys):
    path = leaf(tmp_path, "model = dict(neck=dict(_delete_=True, type='FPN', out_channels=64, num_outs=4))")
    assert train.main([str(path), "--work-dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("train: model.neck: ")
    assert "'in_channels'" in error
    assert error.endswith(f"`tools/lint_config.py {path}` lists all faults")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("model.decoder.link_stage=1", "model.decoder.link_stage: unknown argument 'link_stage' of KernelDecoder"),
        ("train_cfg.max_epoch=1", "train_cfg.max_epoch: unknown argument 'max_epoch' of EpochBasedTrainLoop"),
        ("trian_cfg.max_epochs=1", "there is no key 'trian_cfg'. Write 'train_cfg'"),
        ("image_scale=1", "image_scale is a variable of the config's files"),
    ],
)
def test_training_refuses_in_one_sentence(option, said, tmp_path, capsys):
    arguments = [str(QUICKSTART), "--work-dir", str(tmp_path), "--cfg-options", option]
    assert train.main(arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    if said.startswith("model"):
        assert f"`tools/lint_config.py {QUICKSTART}` lists all faults" in error
