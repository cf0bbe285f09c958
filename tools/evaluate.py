"""Score predictions against the truth: files in, a table in percent and a JSON of fractions out.

kitti-step: --gt and --pred hold SEQ/FRAME.png (red: class, 255 void; green * 256 + blue: track id). The released code's
naming (SSSSSS_FFFFFF_panoptic.png and S/SSSSSS_FFFFFF_{cat,ins}.png) is recognised. Exit status: 0 scored, 1 faults in
the input, 2 usage.
"""

import argparse
import sys
from pathlib import Path


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=("kitti-step",), help="data set, which decides on classes and metrics")
    parser.add_argument("--gt", type=Path, required=True, metavar="DIR", help="truth")
    parser.add_argument("--pred", type=Path, required=True, metavar="DIR", help="predictions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as fractions, null where undefined")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that share the videos")
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error(f"--workers {args.workers}: at least one process is needed")
    if args.json and args.json.is_dir():
        parser.error(f"--json {args.json} is a folder; name a file")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.evaluation.report import format_panoptic, write_json
    from video_knet.evaluation.run import evaluate_kitti_step
    from video_knet.formats import FormatError, get_format

    try:
        result = evaluate_kitti_step(args.gt, args.pred, workers=args.workers)
        if args.json:
            write_json(args.json, result)
    except (FormatError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    print(format_panoptic(result, get_format(args.dataset).classes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
