"""Test a checkpoint: metrics, predictions in the dataset's layout, overlay videos."""

import argparse
from pathlib import Path

from video_knet.apis.command import add_run_arguments, announce_local_rank, end_process, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file")
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="weights")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write predictions, as tools/evaluate.py reads them")
    parser.add_argument("--show-dir", type=Path, metavar="DIR", help="write one overlay video per sequence")
    parser.add_argument("--compare", type=Path, metavar="DIR2", help="show another model's predictions (--out) beside")
    parser.add_argument(
        "--color-by", choices=("track", "kernel"), default="track", help="what gives a track its colour"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all metrics, per class and video too")
    add_run_arguments(parser)
    args = parser.parse_args(argv)
    if args.compare is not None and args.show_dir is None:
        parser.error("--compare needs --show-dir")
    announce_local_rank(args)
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("test", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    for path in filter(None, (args.config, args.checkpoint, args.compare)):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; check the path")
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.testing import run_test

    run_test(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        out_dir=args.out,
        show_dir=args.show_dir,
        compare_dir=args.compare,
        color_by=args.color_by,
        json_file=args.json,
        options=parse_options(args.cfg_options),
        launcher=args.launcher,
        threads=args.threads,
    )


if __name__ == "__main__":
    end_process(main())
