"""Check a data set before training: its tree, its counts, and every file in it.

The expected tree is printed beside what was found, and the number of videos and labelled frames beside the published
ones. Then all files are decoded: missing, unpaired or damaged files, sizes, pixel layouts, values that are no class,
ids that do not last through a video, frames without annotation, videos of another split. Every fault names file and
remedy.

Exit status: 0 no fault (there may be warnings), 1 faults, 2 usage, 130 interrupted.
"""

import argparse
import os
import sys
from pathlib import Path


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", metavar="DATASET", help="format (kitti-step, vspw, ...), or a folder of your own")
    parser.add_argument("path", nargs="?", type=Path, metavar="PATH", help="root of the data set")
    parser.add_argument("--split", metavar="S", help="split to check (default: all that are there)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: the number of cores)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report with all faults")
    args = parser.parse_args(argv)
    if args.path is None and not os.path.isdir(args.dataset):
        parser.error("PATH is missing; it may be left out where DATASET is the folder of your own videos")
    args.path = args.path or Path(args.dataset)
    if args.workers is not None and args.workers < 1:
        parser.error(f"--workers {args.workers}: at least one process is needed")
    if args.json and args.json.is_dir():
        parser.error(f"--json {args.json} is a folder; name a file")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.formats.base import FormatError
    from video_knet.formats.disk.json_files import write_json
    from video_knet.parallel import count_cores
    from video_knet.preparation.check import check_dataset, format_report

    try:
        report = check_dataset(args.dataset, args.path, args.split, args.workers or count_cores())
        print(format_report(report))
        if args.json:
            write_json(args.json, report.to_json(), indent=2)
    except FormatError as error:
        print(f"check_dataset: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"check_dataset: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("check_dataset: interrupted", file=sys.stderr)
        return 130
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
