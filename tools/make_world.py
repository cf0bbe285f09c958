"""Write a synthetic data set: videos of moving shapes with exact labels, in the layout of a real data set.

Without --split, OUT is usable at once: N train sequences, a quarter as many val sequences and one test sequence (at
least one each, all different). With --split, only N sequences of that split. Sequences bear the data set's own
numbers. OUT appears only when it is complete, and holds world.json, which says how it was made.
"""

import argparse
import sys
from pathlib import Path

from video_knet.apis.command import positive


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    parser.add_argument("--format", default="kitti-step", help="data set to imitate")
    parser.add_argument(
        "--kind",
        default="street",
        choices=("street", "appearance", "flicker"),
        help="appearance: look-alikes that cross, vanish, jump and change places, so that positions mislead; "
        "flicker: the street with other classes in each video, each frame in other light and some without colour",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed is another world")
    parser.add_argument("--sequences", type=positive(int), default=12, metavar="N", help="number of sequences")
    parser.add_argument("--frames", type=positive(int), default=20, metavar="T", help="frames per sequence")
    parser.add_argument("--size", type=positive(int), nargs=2, default=(96, 192), metavar=("H", "W"), help="image size")
    parser.add_argument("--split", choices=("train", "val", "test"), help="write this split only")
    parser.add_argument("--difficulty", type=float, default=0.25, metavar="D", help="0 (easy) to 1 (hard)")
    parser.add_argument("--start", type=int, default=0, metavar="K", help="number of each sequence's first file")
    parser.add_argument("--force", action="store_true", help="replace OUT if it is an older synthetic data set")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from tqdm import tqdm

    from video_knet.formats import FormatError, get_format
    from video_knet.synthetic import check_target, write_world
    from video_knet.synthetic_kinds import get_world

    try:
        style = get_format(args.format)
        kind = get_world(args.kind)
        world = kind(style.classes, tuple(args.size), args.frames, args.seed, args.difficulty)
    except ValueError as error:
        print(f"make_world: {error}", file=sys.stderr)
        return 2
    try:
        check_target(args.out, args.force)
        counts = {"train": args.sequences, "val": max(1, args.sequences // 4), "test": 1}
        if args.split:
            counts = {args.split: args.sequences}
        with tqdm(total=sum(counts.values()) * args.frames, unit="frame", desc=str(args.out)) as bar:
            write_world(args.out, style, world, counts, args.start, bar.update)
    except (FormatError, OSError) as error:
        print(f"make_world: {error}", file=sys.stderr)
        return 1
    print(f"{args.out}: " + ", ".join(f"{count} {split}" for split, count in counts.items()) + " sequences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
