"""What the command-line tools share. Imports nothing heavy, so that `--help` and faults come at once."""

import argparse
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of a tool that starts the host's runner: where it writes, its processes, overrides of the config."""
    parser.add_argument("--work-dir", metavar="DIR", help="where to write (default: work_dirs/CONFIG_STEM)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads per process (default: half of the cores)")
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none")
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0, help=argparse.SUPPRESS)
    add_config_options(parser)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """The argument that overrides values of the config."""
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE", help="overrides of the config, by dotted name"
    )


def positive(kind: type) -> Callable[[str], float]:
    """Type of an argument that is a number above 0, for `add_argument`.

    Args:
        kind: int or float.
    """

    def convert(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{value} is not above 0")
        return value

    convert.__name__ = kind.__name__  # for the message about what is no number
    return convert


def run_command(name: str, command: Callable[[], None], faults: tuple[type[Exception], ...] = ()) -> int:
    """Run a tool; faults in what it was given end it with one sentence.

    Args:
        name: Of the tool.
        command: What it does.
        faults: Exceptions beside `ValueError` and `OSError` that mean a fault in the input.

    Returns:
        Exit status: 0 done, 1 for a fault, or what the exception says in `exit_status`.
    """
    try:
        command()
    except (ValueError, OSError, *faults) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return getattr(error, "exit_status", 1)
    leave_process_group()
    return 0


def leave_process_group() -> None:
    """Leave the process group together, where there is one.

    A process that ends while its group is open aborts now and then ("terminate called without an active exception"):
    threads of the group still run. They are joined here, when every process has come this far. See `end_process`, too.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def end_process(status: int) -> NoReturn:
    """End a tool's process.

    After distributed work the interpreter is not torn down piece by piece: threads of the group that something still
    refers to may abort a process that has done all its work.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not os.environ.get("WORLD_SIZE"):
        sys.exit(status)
    for worker in multiprocessing.active_children():
        worker.terminate()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def announce_local_rank(args: argparse.Namespace) -> None:
    """Let the host find the rank that an old launcher gave as an argument."""
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
