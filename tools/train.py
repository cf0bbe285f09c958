"""Train a model from a config; validate, keep the best checkpoint, and write metrics.json into the work dir."""

import argparse
from pathlib import Path

from video_knet.apis.command import add_run_arguments, announce_local_rank, end_process, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="continue the latest checkpoint of the work dir, or the one named",
    )
    parser.add_argument("--amp", action="store_true", help="automatic mixed precision (CUDA only)")
    add_run_arguments(parser)
    args = parser.parse_args(argv)
    announce_local_rank(args)
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("train", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    if not args.config.is_file():
        raise FileNotFoundError(f"{args.config}: no such config file")
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.runner import load_config, use_amp
    from video_knet.apis.training import run_train

    config = load_config(args.config, args.work_dir, parse_options(args.cfg_options))
    if args.amp:
        use_amp(config)
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == "auto" else args.resume
    run_train(config, args.launcher, args.threads)


if __name__ == "__main__":
    end_process(main())
