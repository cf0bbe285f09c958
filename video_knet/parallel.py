"""Work that processes share: on videos, or on handfuls of files."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence, Sized
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item", bound=Sized)

_AHEAD = 4  # items that wait for each process; more would only fill memory


def each_item(work: Callable[[Item], Any], items: Sequence[Item], workers: int) -> Iterator[tuple[Any, int]]:
    """What becomes of each item, and its length; in any order where several processes work.

    Args:
        work: A function that can be pickled, as its results can.
        items: What to work on; the longest ones come first where several processes work.
        workers: Processes; with one, all is done in this process.

    Raises:
        ChildProcessError: A process was killed.
    """
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield work(item), len(item)
        return
    waiting = iter(sorted(items, key=len, reverse=True))
    pool = ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"))
    jobs: dict = {}
    try:
        while True:
            while len(jobs) < _AHEAD * workers and (item := next(waiting, None)) is not None:
                with _without_interrupts():  # it may start a process
                    jobs[pool.submit(work, item)] = len(item)
            if not jobs:
                return
            for job in wait(jobs, return_when=FIRST_COMPLETED).done:
                yield job.result(), jobs.pop(job)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            f"one of {workers} processes was killed, probably for want of memory; take fewer workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold a Ctrl-C back, from the processes that start meanwhile for good.

    It reaches every process: this one then stops giving out work, the others finish what they are at.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
