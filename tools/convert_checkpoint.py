"""Convert a checkpoint of the released code, or of this project, to one of weights alone, under this project's names.

Prints which parts the file holds, what was used, dropped and missing, and which shipped config fits. With --config
every weight of that config's model must be there and fit, and nothing is written where not.

Exit status: 0 done, 1 it does not fit --config, or a file is not there or cannot be written, 2 usage, or the file was
refused unexecuted.
"""

import argparse
import sys
from pathlib import Path

from video_knet.apis.command import run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="IN.pth", help="checkpoint to convert")
    parser.add_argument("target", type=Path, metavar="OUT.pth", help="file to write")
    parser.add_argument("--config", type=Path, metavar="CONFIG", help="config that it must fit")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    wrong: list[str] = []
    return run_command("convert_checkpoint", lambda: wrong.extend(run(args))) or int(bool(wrong))


def run(args: argparse.Namespace) -> list[str]:
    """What does not fit."""
    for path in filter(None, (args.source, args.config)):
        if not path.is_file():
            raise FileNotFoundError(f"{path}: {'is a folder, not a file' if path.is_dir() else 'no such file'}")
    from video_knet.apis.conversion import convert_file

    report = convert_file(args.source, args.target, args.config)
    print(report)
    print(f"{args.target}: " + ("not written" if report.wrong else "written"))
    return report.wrong


if __name__ == "__main__":
    sys.exit(main())
