"""The runner of the ablations: what is trained when, what it leaves, what it goes on with, and the tables."""

import json
import os
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
from tests.tools.test_train_and_test import SMALL
from tools import run_ablations
from video_knet.apis.ablations.report import as_markdown
from video_knet.apis.ablations.tables import KITTI, Row
from video_knet.apis.config_options import parse_options
from video_knet.apis.runner import load_config
from video_knet.apis.trainings import schedule
from video_knet.apis.trainings.runs import ProgressHook, Run, train
from video_knet.apis.trainings.schedule import environment
from video_knet.apis.trainings.spread import mean_and_spread

ROOT = Path(__file__).parents[2]


def make_run(root: Path, name: str = "knet", seed: int = 0, start: Run | None = None, epochs: int = 1) -> Run:
    return Run(name, seed, {"model": name, "train_cfg": {"max_epochs": epochs}}, root, start)


def finish(run: Run, **metrics: float | None) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    content = dict(name=run.name, seed=run.seed, metrics=metrics, seconds=61.4, device="a machine", resumed=False)
    (run.folder / "result.json").write_text(json.dumps(content))


class Pool:
    """A pool that works when it is looked at, one run after the other, and notes their order."""

    def __init__(self, fails: tuple[str, ...] = ()):
        self.order, self.fails, self.side_by_side = [], fails, 0

    def submit(self, run: Run) -> Future:
        self.order.append((run.name, run.seed))
        future = Future()
        future.run = run
        return future

    def wait(self, running: dict, *_) -> SimpleNamespace:
        self.side_by_side = max(self.side_by_side, len(running))
        future = next(iter(running))
        if future.run.name in self.fails:
            future.set_exception(ValueError("no luck"))
        else:
            finish(future.run)
            future.set_result(None)
        return SimpleNamespace(done={future})


def drive(pool: Pool, runs: list[Run], jobs: int, monkeypatch) -> None:
    bar = SimpleNamespace(**{name: lambda *a, **k: None for name in ("set_postfix_str", "update", "refresh")})
    monkeypatch.setattr(schedule, "wait", pool.wait)
    schedule._drive(schedule.with_starts(runs), jobs, pool.submit, SimpleNamespace(empty=lambda: True), bar)


def test_runs_wait_for_what_they_start_from(tmp_path, monkeypatch):
    starts = [make_run(tmp_path, "start", seed) for seed in (0, 1)]
    runs = [make_run(tmp_path, name, seed, starts[seed]) for name in ("a", "b", "a") for seed in (0, 1)]
    pool = Pool()
    drive(pool, runs, 2, monkeypatch)
    assert pool.order[:2] == [("start", 0), ("a", 0)] or pool.order[:2] == [("start", 0), ("start", 1)]
    assert sorted(pool.order) == [(name, seed) for name in ("a", "b", "start") for seed in (0, 1)]
    for run in runs:
        assert pool.order.index((run.name, run.seed)) > pool.order.index(("start", run.seed))
    assert pool.side_by_side == 2


def test_a_failure_is_told_when_those_beside_it_are_done(tmp_path, monkeypatch):
    runs = [make_run(tmp_path, name) for name in "abc"]
    with pytest.raises(ChildProcessError, match=r"a with seed 0 failed: no luck \(see .*console.log\).*same command"):
        drive(Pool(fails=("a",)), runs, 2, monkeypatch)
    assert [run.result() is not None for run in runs] == [False, True, False]


def test_what_is_finished_is_not_trained_again(tmp_path, monkeypatch):
    run = make_run(tmp_path)
    finish(run)
    monkeypatch.setattr(schedule, "ProcessPoolExecutor", lambda *_: pytest.fail("nothing was left to train"))
    schedule.train_all([run], jobs=1)


def test_keys_follow_the_content(tmp_path):
    run = make_run(tmp_path)
    assert run.key == make_run(tmp_path / "elsewhere").key
    others = [make_run(tmp_path, "kae"), make_run(tmp_path, seed=1), make_run(tmp_path, start=run)]
    assert len({run.key, *(other.key for other in others)}) == 4


def test_progress_adds_up_to_epochs():
    told = []
    hook = ProgressHook(told.append)
    for step in range(50):
        hook.after_train_iter(SimpleNamespace(iter=step, train_dataloader=range(25)), step % 25)
    assert sum(told) == pytest.approx(2)
    assert len(told) == 6


@pytest.mark.parametrize("alive", [True, False])
def test_a_training_ends_with_its_command(alive, monkeypatch):
    parent = SimpleNamespace(is_alive=lambda: alive)
    told, exits = [], []
    monkeypatch.setattr(schedule.multiprocessing, "parent_process", lambda: parent)
    monkeypatch.setattr(schedule.os, "_exit", exits.append)
    monkeypatch.setattr(schedule, "_progress", SimpleNamespace(put=told.append), raising=False)
    schedule._tell(0.5)
    assert (told, exits) == ([0.5], []) if alive else exits == [1]


def test_mean_and_spread():
    assert mean_and_spread([0.5, 0.6, 0.7]) == "60.0 ± 10.0"
    assert mean_and_spread([0.512]) == "51.2"
    assert mean_and_spread([0.5, None]) == mean_and_spread([]) == "-"


def test_tables(tmp_path):
    row, start = Row("K-Net", "knet", {"STQ": 67.5}, KITTI), make_run(tmp_path, "start")
    runs = [make_run(tmp_path, seed=seed, start=start) for seed in (0, 1)]
    for run, value in zip(runs, (0.4, 0.42)):
        finish(run, STQ=value, AQ=value, SQ=value, VPQ=None)
    better = [make_run(tmp_path, "kae", seed, start) for seed in (0, 1)]
    for run, value in zip(better, (0.43, 0.44)):
        finish(run, STQ=value, AQ=value, SQ=value, VPQ=None)
    rows = [(row, runs), (Row("+ KAE", "kae", {}, KITTI), better)]
    text = as_markdown({"7a": rows}, "tools/run_ablations.py 7a")
    assert "`tools/run_ablations.py 7a` on a machine: 5 trainings with seeds 0, 1, a training took 61 to 61 s" in text
    assert "| K-Net | KITTI-STEP | 41.0 ± 1.4 | 41.0 ± 1.4 | 41.0 ± 1.4 | - |  | 67.5 | - | - | - | `knet` |" in text
    # 43 - 40 and 44 - 42
    assert "| + KAE | KITTI-STEP | 43.5 ± 0.7 | 43.5 ± 0.7 | 43.5 ± 0.7 | - | STQ +2.5 ± 0.7 |" in text


@pytest.mark.parametrize(
    ("argv", "said"), [(["8"], "choose from 1, 7a"), (["1", "--seeds", "0"], "at least one"), (["--jobs", "0"], "one")]
)
def test_wrong_arguments(argv, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        run_ablations.parse(argv)
    assert said in capsys.readouterr().err


def test_the_environment_is_as_it_was(monkeypatch):
    monkeypatch.setenv("ABLATION_BASE", "mine")
    monkeypatch.delenv("KITTI_STEP_ROOT", raising=False)
    with environment({"ABLATION_BASE": "theirs", "KITTI_STEP_ROOT": "there"}):
        assert os.environ["ABLATION_BASE"] == "theirs"
    assert os.environ["ABLATION_BASE"] == "mine"
    assert "KITTI_STEP_ROOT" not in os.environ


@pytest.fixture
def tiny_run(world, tmp_path, monkeypatch):
    """A run of two epochs on a tiny world."""
    monkeypatch.setattr("mmengine.runner.runner.collect_env", dict)
    monkeypatch.setenv("KITTI_STEP_ROOT", str(world))
    cfg: Config = load_config(
        ROOT / "configs/_base_/ablations/toy_kitti_step.py",
        options=parse_options(SMALL) | {"val_dataloader.dataset.split": "val"},
    )
    return Run("toy", 3, cfg.to_dict(), tmp_path)


@pytest.mark.parametrize(("moment", "epoch"), [("before_train_epoch", 1), ("before_val_epoch", 2)])
def test_a_run_that_was_interrupted_goes_on(moment, epoch, tiny_run, monkeypatch):
    def interrupt(self, runner):
        if runner.epoch == epoch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressHook, moment, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_run, lambda epochs: None)
    assert tiny_run.result() is None

    told = []
    train(tiny_run, told.append)
    assert sum(told) == pytest.approx(2 if epoch == 1 else 0)
    result = tiny_run.result()
    assert result["resumed"]
    assert set(result["metrics"]) >= {"STQ", "AQ", "SQ", "VPQ"}
    assert result["metrics"]["epoch"] == 2
    assert tiny_run.weights.is_file()
