"""Train a model from a config; validate, keep the best checkpoint, and write metrics.json into the work dir."""

import argparse
import os
import sys
from pathlib import Path


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file")
    parser.add_argument("--work-dir", type=Path, metavar="DIR", help="where to write (default: work_dirs/CONFIG_STEM)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="continue the latest checkpoint of the work dir, or the one named",
    )
    parser.add_argument("--amp", action="store_true", help="automatic mixed precision (CUDA only)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads per process (default: half of the cores)")
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none")
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE", help="overrides of the config, by dotted name"
    )
    args = parser.parse_args(argv)
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    try:
        run(args)
    except (ValueError, OSError) as error:  # faults in the data, the config or the checkpoint, said in one sentence
        print(f"train: {error}", file=sys.stderr)
        return 1
    return 0


def run(args: argparse.Namespace) -> None:
    if not args.config.is_file():
        raise FileNotFoundError(f"{args.config}: no such config file")
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.runner import build_runner, load_config, use_amp

    config = load_config(args.config, args.work_dir, parse_options(args.cfg_options))
    if args.amp:
        use_amp(config)
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == "auto" else args.resume
    build_runner(config, args.launcher, args.threads).train()


if __name__ == "__main__":
    sys.exit(main())
