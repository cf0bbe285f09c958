"""Draw what training really feeds: key and reference frames after augmentation, with masks, ids and void.

Writes one picture per sample, all of them on one sheet (index.png), and what is in them (index.txt, index.json). The
same object has the same colour and number in all frames of a sample; crowds are hatched grey, void is black with thin
lines. Neither a model nor a GPU is needed.
"""

import argparse
import sys
from pathlib import Path

from video_knet.apis.command import add_config_options, positive, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file, or one in _base_/datasets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--num", type=positive(int), default=16, metavar="N", help="number of samples (default: 16)")
    parser.add_argument(
        "--split", choices=("train", "val", "test"), default="train", help="whose loader is shown (default: train)"
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="S",
        help="pick and augment at random by this seed (default: evenly spread, augmented as in the first epoch)",
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("browse_dataset", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    if not args.config.is_file():
        raise FileNotFoundError(f"{args.config}: no such config file")
    from tqdm import tqdm

    from video_knet.apis.browse import browse, check_folder, summary_lines
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.runner import read_config
    from video_knet.apis.threads import limit_threads

    check_folder(args.out)
    limit_threads()
    config = read_config(args.config, parse_options(args.cfg_options))
    with tqdm(total=args.num, unit="sample", desc=str(args.out)) as bar:
        report = browse(config, args.out, args.split, args.num, args.seed, bar.update)
        bar.total = len(report["samples"])
    print("\n".join(summary_lines(report)))
    print(f"{args.out}: {len(report['samples'])} pictures, index.png, index.txt, index.json")


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
