"""Check configs before a run: unknown keys and arguments, missing files, classes and schedules that do not go together.

Each finding is one line with the key and the remedy. Nothing is downloaded, and no GPU is needed.

Exit status: 0 no faults (there may be warnings), 1 faults, 2 usage.
"""

import argparse
import json
import sys
from pathlib import Path

from video_knet.apis.command import add_config_options, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="+", metavar="CONFIG", help="config file")
    parser.add_argument("--no-build", action="store_true", help="look names up, but build nothing; takes a moment")
    parser.add_argument("--gpus", type=int, metavar="N", help="GPUs of the run, to check the learning rate by")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings")
    add_config_options(parser)
    args = parser.parse_args(argv)
    if args.gpus is not None and args.gpus < 1:
        parser.error(f"--gpus {args.gpus}: at least one is needed")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    faults: list[int] = []
    return run_command("lint_config", lambda: faults.append(run(args))) or int(faults[0] > 0)


def run(args: argparse.Namespace) -> int:
    """Number of faults."""
    for path in args.configs:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such config file")
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.lint.config import lint_config
    from video_knet.apis.lint.finding import FAULT
    from video_knet.formats.disk.files import whole_file

    options, faults, report = parse_options(args.cfg_options), 0, {}
    for path in args.configs:
        findings, batch = lint_config(path, not args.no_build, args.gpus, options)
        report[str(path)] = [found.as_dict() for found in findings]
        wrong = sum(found.severity == FAULT for found in findings)
        faults += wrong
        for found in findings:
            print(f"{path}: {found}", flush=True)
        if not wrong:
            print(f"{path}: ok" + f" ({batch})" * bool(batch), flush=True)
    if args.json is not None:
        with whole_file(args.json) as file:
            file.write((json.dumps(report, indent=2) + "\n").encode())
    return faults


if __name__ == "__main__":
    sys.exit(main())
