"""From nothing to a trained, measured, rendered model at toy size: synthetic data, training, test, overlay videos."""

import argparse
import os
import sys
import time
from pathlib import Path

from video_knet.apis.command import add_config_options, run_command

CONFIGS = Path(__file__).resolve().parents[1] / "configs" / "quickstart"


def parse(argv: list[str] | None) -> argparse.Namespace:
    datasets = sorted(path.stem for path in CONFIGS.glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="kitti_step", choices=datasets, help="layout and metric to use")
    parser.add_argument(
        "--work-dir", type=Path, metavar="DIR", help="where to write (default: work_dirs/quickstart/DATASET)"
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("quickstart", lambda: run(args))


def run(args: argparse.Namespace) -> None:
    started = time.monotonic()
    work_dir = args.work_dir or Path("work_dirs") / "quickstart" / args.dataset
    # The data belong to the run, wherever it writes: configs read their data root from this variable.
    os.environ[f"{args.dataset.upper()}_ROOT"] = str(work_dir / "data")
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.quickstart import run_quickstart
    from video_knet.evaluation.benchmarks import get_benchmark
    from video_knet.evaluation.report import percent
    from video_knet.formats import get_format

    metrics = run_quickstart(CONFIGS / f"{args.dataset}.py", work_dir, parse_options(args.cfg_options))
    names = get_benchmark(get_format(args.dataset).name).headline
    print(f"\n{'':24}" + "".join(f"{name:>12}" for name in names))
    print(f"{'held-out sequences (%)':24}" + "".join(f"{percent(metrics[name]):>12}" for name in names))
    for name, what in (
        ("checkpoint.pth", "weights, the best in validation"),
        ("metrics.json", "all metrics, per class and video"),
        ("pred", "predictions, in the benchmark's layout"),
        ("overlay", "overlay videos: prediction beside ground truth"),
        ("train", "log and curve of the training"),
        ("data", "the synthetic sequences"),
    ):
        print(f"  {work_dir / name!s:48} {what}")
    print(f"  {time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    sys.exit(main())
