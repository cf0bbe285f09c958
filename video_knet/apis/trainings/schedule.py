"""Trainings one after the other or side by side, each in a process of its own."""

import contextlib
import multiprocessing
import os
import queue
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from tqdm import tqdm

from video_knet.apis.trainings.runs import Run, train

CONSOLE = "console.log"
_POLL = 2.0  # seconds between two looks at how far the trainings are
_BAR = "{l_bar}{bar}| {n:.1f}/{total} epochs [{elapsed}<{remaining}, {postfix}]"
_progress: "queue.Queue[float]"


def train_all(runs: Iterable[Run], jobs: int) -> None:
    """Train what is not finished; a run waits for the one that it starts from.

    Args:
        runs: Each may be there several times, and those that they start from may be absent.
        jobs: Processes side by side, with one thread each.

    Raises:
        ChildProcessError: A training failed. Those beside it have been finished.
    """
    waiting = [run for run in with_starts(runs) if run.result() is None]
    if not waiting:
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Queue()
    bar = tqdm(total=sum(run.epochs for run in waiting), bar_format=_BAR, smoothing=0.05)
    # A new process for each: the host keeps much in the modules of a process. They read the variable when they start.
    with (
        environment({"OMP_NUM_THREADS": "1"}),
        ProcessPoolExecutor(jobs, context, _begin, (progress,), max_tasks_per_child=1) as pool,
        bar,
    ):
        _drive(waiting, jobs, lambda run: pool.submit(_work, run), progress, bar)


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables, as they were afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def with_starts(runs: Iterable[Run]) -> list[Run]:
    """Every run once, seed by seed, and the ones they start from before them."""
    found: dict[str, Run] = {}
    runs = list(runs)
    for run in [*(run.start for run in runs if run.start is not None), *runs]:
        found.setdefault(run.key, run)
    return sorted(found.values(), key=lambda run: run.seed)


def _drive(
    waiting: list[Run], jobs: int, submit: Callable[[Run], Future], progress: "queue.Queue[float]", bar: tqdm
) -> None:
    """Start runs as processes become free and as what they start from is there, until none is left."""
    running: dict[Future, Run] = {}
    failed: list[str] = []
    while waiting or running:
        ready = [run for run in waiting if run.start is None or run.start.result() is not None]
        for run in ready[: jobs - len(running)] if not failed else []:
            waiting.remove(run)
            running[submit(run)] = run
        if not running:
            break
        bar.set_postfix_str(", ".join(f"{run.name} {run.seed}" for run in running.values()), refresh=False)
        for future in wait(running, _POLL, FIRST_COMPLETED).done:
            run = running.pop(future)
            if future.exception() is not None:
                failed.append(_reason(run, future.exception()))
        while not progress.empty():
            bar.update(progress.get())
        bar.refresh()
    if failed:
        raise ChildProcessError(f"{'; '.join(failed)}. The same command goes on with what is left")


def _reason(run: Run, error: BaseException) -> str:
    said = "its process was killed, probably for want of memory" if isinstance(error, BrokenProcessPool) else error
    return f"{run.name} with seed {run.seed} failed: {said} (see {run.folder / CONSOLE})"


def _begin(progress: "queue.Queue[float]") -> None:
    """Of each process, before its work."""
    global _progress
    _progress = progress


def _work(run: Run) -> None:
    """What each process does; what it says goes to a file in the run's folder."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with open(run.folder / CONSOLE, "a") as console:
        os.dup2(console.fileno(), sys.stdout.fileno())
        os.dup2(console.fileno(), sys.stderr.fileno())
    train(run, _tell)


def _tell(epochs: float) -> None:
    """Report; a training whose command was killed ends, too, and goes on when the command is typed again."""
    if not multiprocessing.parent_process().is_alive():
        sys.stderr.write("the command that started this training has ended\n")
        os._exit(1)  # the pool would catch an exception, and wait for more work
    _progress.put(epochs)
