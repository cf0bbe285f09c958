"""From nothing to a trained, measured, rendered model at toy size: synthetic data, training, test, overlay videos."""

import argparse
import os
import sys
import time
from pathlib import Path

from video_knet.apis.command import add_config_options, positive, run_command

CONFIGS = Path(__file__).resolve().parents[1] / "configs" / "quickstart"


def parse(argv: list[str] | None) -> argparse.Namespace:
    datasets = sorted(path.stem for path in CONFIGS.glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="kitti_step", choices=datasets, help="layout and metric to use")
    parser.add_argument(
        "--work-dir", type=Path, metavar="DIR", help="where to write (default: work_dirs/quickstart/DATASET)"
    )
    parser.add_argument(
        "--seeds", type=positive(int), default=1, metavar="N", help="trainings, where a baseline is trained, too"
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
    # More threads gain little on small images, and with two a training ended lower (docs/results.md).
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Threads that spin while they wait would stop each other where other programs run, too: 15 times slower was seen.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    from video_knet.apis.comparison import run_comparison
    from video_knet.apis.config_options import parse_options
    from video_knet.apis.quickstart import run_quickstart
    from video_knet.apis.trainings.spread import mean_and_spread
    from video_knet.evaluation.benchmarks import get_benchmark
    from video_knet.evaluation.report import percent
    from video_knet.formats import get_format

    options = parse_options(args.cfg_options)
    config, baseline = (folder / f"{args.dataset}.py" for folder in (CONFIGS, CONFIGS / "baselines"))
    names = get_benchmark(get_format(args.dataset).name).headline
    if baseline.is_file():
        titles = ("baseline (%)", "held-out sequences (%)")
        measured = run_comparison((baseline, config), work_dir, args.seeds, options=options)
        rows = [[mean_and_spread([scores[name] for scores in of_seeds]) for name in names] for of_seeds in measured]
    elif args.seeds > 1:
        raise ValueError(f"--seeds {args.seeds}: {args.dataset} has no baseline to compare with; leave it out")
    else:
        titles, metrics = ("held-out sequences (%)",), run_quickstart(config, work_dir, options)
        rows = [[percent(metrics[name]) for name in names]]
    print()
    for title, cells in zip(("", *titles), (names, *rows), strict=True):
        print(f"{title:24}" + "".join(f"{cell:>14}" for cell in cells))
    for name, what in (
        ("checkpoint.pth", "the weights that were tested"),
        ("metrics.json", "all metrics, per class and video"),
        ("pred", "predictions, in the benchmark's layout"),
        ("overlay", "overlay videos: prediction beside ground truth"),
        ("runs" if baseline.is_file() else "train", "logs and curves of training"),
        ("data", "the synthetic sequences"),
    ):
        print(f"  {work_dir / name!s:48} {what}")
    print(f"  {time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    sys.exit(main())
