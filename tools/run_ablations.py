"""Measure tables 1 and 7 of the paper on a synthetic world of look-alikes: trains, and writes the tables in Markdown.

Rows that are the same in several tables are trained once. What is finished in --work-dir stays: after an interruption
the same command goes on, a training that was begun from its last epoch.
"""

import argparse
import shlex
import sys
from pathlib import Path

from video_knet.apis.ablations.tables import TABLES
from video_knet.apis.command import run_command

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)} (default: all)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings of each row (default: 3)")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes of one thread each (default: one a core)")
    parser.add_argument(
        "--work-dir", type=Path, default=Path("work_dirs/ablations"), metavar="DIR", help="worlds and trainings"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="Markdown file of the tables")
    args = parser.parse_args(argv)
    for name in args.tables:
        if name not in TABLES:
            parser.error(f"there is no table {name!r}; choose from {', '.join(TABLES)}")
    for name in ("seeds", "jobs"):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f"--{name} {value}: at least one is needed")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    command = shlex.join(["tools/run_ablations.py", *(sys.argv[1:] if argv is None else argv)])
    return run_command("run_ablations", lambda: run(args, command))


def run(args: argparse.Namespace, command: str) -> None:
    from video_knet.apis.ablations.measuring import measure

    tables = args.tables or tuple(TABLES)
    print(measure(tables, CONFIGS, args.work_dir.resolve(), args.seeds, args.jobs, args.out, command))


if __name__ == "__main__":
    sys.exit(main())
