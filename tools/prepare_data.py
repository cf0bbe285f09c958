"""Make a copy of a data set that trains faster, or that cannot be read as it was downloaded.

vipseg           720p: short side 720, images JPEG 95, masks by nearest neighbours; smaller frames stay as they are
vspw             480p: the same with short side 480
cityscapes-step  panoptic_maps/SPLIT/CITY/NAME.png in KITTI-STEP's coding from gtFine's instanceIds, images as they are

Other data sets are read in place. A run that was stopped goes on where it was; one that is complete does nothing.

Exit status: 0 done, 1 faults, 2 usage, 130 interrupted.
"""

import argparse
import sys
from pathlib import Path

DATASETS = ("cityscapes-step", "vipseg", "vspw")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATASETS, type=lambda name: name.replace("_", "-"), help="data set")
    parser.add_argument("--src", type=Path, required=True, metavar="DOWNLOAD", help="root of the download; only read")
    parser.add_argument("--dst", type=Path, required=True, metavar="DIR", help="root of the copy")
    parser.add_argument("--link", action="store_true", help="link files that do not change instead of copying them")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: the number of cores)")
    args = parser.parse_args(argv)
    if args.workers is not None and args.workers < 1:
        parser.error(f"--workers {args.workers}: at least one process is needed")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.command import run_command

    try:
        return run_command("prepare_data", lambda: run(args))
    except KeyboardInterrupt:
        print("prepare_data: interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def run(args: argparse.Namespace) -> None:
    from video_knet.formats.base import FormatError
    from video_knet.parallel import count_cores
    from video_knet.preparation.prepare import prepare

    outcome = prepare(args.dataset, args.src, args.dst, args.link, args.workers or count_cores())
    if outcome.faults:
        made = f"{outcome.made} files made, {len(outcome.faults)} faults:"
        raise FormatError(f"{args.dst}: is not complete; {made}", *outcome.faults)
    counts = f"{outcome.videos} videos, {outcome.frames} frames"
    if outcome.made:
        print(f"{args.dst}: {outcome.made} of {outcome.files} files made; {counts}, as the source")
    else:
        print(f"{args.dst}: nothing to do, all {outcome.files} files are there; {counts}, as the source")


if __name__ == "__main__":
    sys.exit(main())
