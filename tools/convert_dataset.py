"""Convert labels of another kind to a dataset of one's own, whose folder a config names as its format.

mots      KITTI-MOTS or MOTSChallenge, text or PNG -> panoptic; what is no object becomes the class "background"
semantic  images and PNGs of class ids -> semantic
bdd100k   BDD100K's segmentation tracks (Scalabel json with RLE) -> instances, in the structure of YouTube-VIS

DST appears only when it is complete. docs/add_a_dataset.md says what it looks like, and how to train on it.
"""

import argparse
import sys
from pathlib import Path

BDD100K = ("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="{mots,semantic,bdd100k}")
    mots = _add(kinds, "mots", "labels: VIDEO.txt or VIDEO/FRAME.png")
    mots.add_argument(
        "--classes",
        nargs="+",
        type=_numbered_name,
        default=[(1, "car"), (2, "pedestrian")],
        metavar="ID=NAME",
        help="names of the class ids (default: 1=car 2=pedestrian); 10 is ignored",
    )
    semantic = _add(kinds, "semantic", "labels: VIDEO/FRAME.png, or FRAME.png of one video")
    semantic.add_argument(
        "--classes", nargs="+", required=True, metavar="NAME", help="in the order of the ids, or a text file of them"
    )
    semantic.add_argument(
        "--void", type=int, default=255, metavar="N", help="value of pixels without class, as 255 always is"
    )
    semantic.add_argument("--things", nargs="+", default=[], metavar="NAME", help="classes that are things")
    bdd = _add(kinds, "bdd100k", "labels: VIDEO.json or SPLIT/VIDEO.json")
    bdd.add_argument(
        "--classes", nargs="+", default=BDD100K, metavar="NAME", help="classes to keep (default: the eight of BDD100K)"
    )
    bdd.add_argument(
        "--split", default="train", help="split of labels that lie in no folder of a split (default: train)"
    )
    for kind in (mots, semantic):
        kind.add_argument("--val", nargs="+", default=[], metavar="VIDEO", help="videos of the split val")
    return parser.parse_args(argv)


def _add(kinds, name: str, labels: str) -> argparse.ArgumentParser:
    kind = kinds.add_parser(name)
    kind.add_argument("src", type=Path, metavar="SRC", help="folder of the dataset")
    kind.add_argument("dst", type=Path, metavar="DST", help="folder to make")
    kind.add_argument("--images", type=Path, metavar="DIR", help="where images lie, if not found in SRC")
    kind.add_argument("--labels", type=Path, metavar="DIR", help=f"where labels lie, if not found in SRC; {labels}")
    kind.add_argument("--name", help="name of the dataset (default: that of SRC)")
    kind.add_argument("--link", choices=("symlink", "hard"), help="link files instead of copying them")
    kind.add_argument("--force", action="store_true", help="replace DST if it is an older conversion")
    return kind


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.command import run_command

    return run_command("convert_dataset", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    from video_knet.preparation.convert_mots import convert_mots
    from video_knet.preparation.convert_scalabel import convert_scalabel
    from video_knet.preparation.convert_semantic import convert_semantic
    from video_knet.preparation.new_dataset import Job

    job = Job(args.src, args.dst, args.images, args.labels, args.name, args.link, args.force)
    if args.kind == "mots":
        counts = convert_mots(job, dict(args.classes), args.val)
    elif args.kind == "semantic":
        counts = convert_semantic(job, args.classes, args.void, args.things, args.val)
    else:
        counts = convert_scalabel(job, args.classes, args.split)
    print(f"{args.dst}: " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items()))


def _numbered_name(text: str) -> tuple[int, str]:
    number, equals, name = text.partition("=")
    if not equals or not number.isdigit() or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=NAME, as 1=car")
    return int(number), name


if __name__ == "__main__":
    sys.exit(main())
