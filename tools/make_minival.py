"""Keep a tenth of YouTube-VIS's training videos out of training, so that AP can be measured without the test server.

Writes ROOT/train_minival.json and ROOT/train_without_minival.json. The choice is the same for everybody: every tenth
video by id. Configs name the files as splits.
"""

import argparse
import sys
from pathlib import Path

from video_knet.apis.command import run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT", help="folder that holds train.json, or train/instances.json")
    parser.add_argument("--year", type=int, choices=(2019, 2021), default=2019, help="edition (default: 2019)")
    parser.add_argument("--every", type=int, default=10, metavar="N", help="one in N videos (default: 10)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("make_minival", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    from video_knet.preparation.minival import make_minival

    for name, count in make_minival(args.root, args.year, args.every).items():
        print(f"{args.root / name}: {count} videos")


if __name__ == "__main__":
    sys.exit(main())
