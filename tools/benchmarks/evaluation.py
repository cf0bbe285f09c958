"""Cost of the panoptic metrics of a benchmark, beside the least that reading the pixels could cost.

The floor is np.unique(pairs, return_counts=True) of the frames' int64 pair keys, the keys given. Both are run in turn
in one warmed-up process, since the state of the memory allocator moves each of them by a factor of up to three.
Decoding is excluded. Frames have the size of the data set; the prediction is the truth moved, noisy and with other ids.

With --workers N, a data set of 300 frames on disk is scored by one process and by N instead, start-up excluded: how
many times faster are N?
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from video_knet.apis.command import positive

SIZES = {"kitti-step": (375, 1242), "cityscapes-vps": (1024, 2048), "vipseg": (720, 1280)}
FRAMES = {"kitti-step": 20, "cityscapes-vps": 6, "vipseg": 20}
LIMITS = {"kitti-step": 6.0, "cityscapes-vps": 8.0, "vipseg": 8.0}


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="kitti-step", choices=sorted(SIZES), help="default: kitti-step")
    parser.add_argument("--frames", type=positive(int), help="frames of the video (default: 20; Cityscapes-VPS has 6)")
    parser.add_argument("--size", type=positive(int), nargs=2, metavar=("H", "W"), help="default: that of the data set")
    parser.add_argument(
        "--repeats", type=positive(int), default=9, help="measurements, of which the median counts (default 9)"
    )
    parser.add_argument("--limit", type=float, help="exit status 1 above this ratio (default 6; id maps 8)")
    parser.add_argument(
        "--workers", type=positive(int), metavar="N", help="measure the speed-up by N processes instead"
    )
    parser.add_argument("--least", type=float, default=1.5, help="exit status 1 below this speed-up (default 1.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    args = parser.parse_args(argv)
    args.size = tuple(args.size or SIZES[args.dataset])
    args.frames = args.frames or (300 if args.workers else FRAMES[args.dataset])
    args.limit = args.limit or LIMITS[args.dataset]
    return args


def make_frames(dataset: str, size: tuple[int, int], count: int):
    """Pairs of (truth, prediction) as the evaluator reads them, and their (H*W,) int64 keys."""
    import numpy as np

    from video_knet.evaluation.benchmarks import get_benchmark
    from video_knet.formats import SegmentMap
    from video_knet.formats.coding.id_maps import to_id_map
    from video_knet.synthetic import World

    classes, rng = get_benchmark(dataset).classes, np.random.default_rng(0)
    frames, keys = [], []
    for _, truth in World(classes, size, count, difficulty=1.0).video(0):
        shift = tuple(rng.integers(-6, 7, 2))
        semantic, track = (np.roll(a, shift, (0, 1)) for a in (truth.semantic, truth.track))
        speckle = rng.random(semantic.shape) < 0.005  # ragged outlines: runs of equal pixels are short where masks are
        semantic, track = np.where(speckle, 8, semantic).astype(np.uint8), np.where(speckle, 0, track * 7 % 1000)
        pair = (truth, SegmentMap(semantic, track.astype(np.int32)))
        packed = [m.semantic.astype(np.int64) << 16 | m.track for m in pair]
        frames.append(pair if dataset == "kitti-step" else tuple(to_id_map(m, classes) for m in pair))
        keys.append((packed[0] << 24 | packed[1]).ravel())
    return frames, keys


def measure_cost(args: argparse.Namespace) -> tuple[dict, bool]:
    """Milliseconds per frame of the metrics and of the floor."""
    import numpy as np

    from video_knet.evaluation.benchmarks import get_benchmark

    benchmark = get_benchmark(args.dataset)
    frames, keys = make_frames(args.dataset, args.size, args.frames)

    def candidate() -> None:
        evaluator = benchmark.evaluator()
        for truth, prediction in frames:
            evaluator.update("0000", truth, prediction)
        evaluator.result()

    def floor() -> None:
        for key in keys:
            np.unique(key, return_counts=True)

    times: dict[str, list[float]] = {"candidate": [], "floor": []}
    for repeat in range(args.repeats + 1):
        for name, run in (("candidate", candidate), ("floor", floor)):
            begin = time.perf_counter()
            run()
            if repeat:  # the first one warms up
                times[name].append((time.perf_counter() - begin) / len(frames) * 1e3)
    ratio = statistics.median(c / f for c, f in zip(times["candidate"], times["floor"]))
    figures = {f"{name}_ms_per_frame": statistics.median(values) for name, values in times.items()}
    print(f"{args.dataset:14} {figures['candidate_ms_per_frame']:8.2f} ms per frame")
    print(f"np.unique      {figures['floor_ms_per_frame']:8.2f} ms per frame")
    print(f"ratio          {ratio:8.2f} (limit {args.limit:g})")
    return figures | {"ratio": ratio, "limit": args.limit}, ratio <= args.limit


def measure_workers(args: argparse.Namespace) -> tuple[dict, bool]:
    """Seconds that one process and that several need for the same files, their start excluded."""
    from video_knet.evaluation.benchmarks import KittiStepBenchmark
    from video_knet.evaluation.run import measured, pair

    benchmark, videos = KittiStepBenchmark(), 10
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for video in range(videos):
            frames, _ = make_frames("kitti-step", args.size, args.frames // videos)
            for number, labels in enumerate(frames):
                for name, one in zip(("gt", "pred"), labels):
                    style = benchmark.style
                    style.write(style.prediction_path(root / name, f"{video:04d}", f"{number:06d}"), one)
        truth = benchmark.truth(root / "gt", None)
        jobs = pair(truth, benchmark.prediction(root / "pred", truth))
        times = {}
        for workers in (1, args.workers):
            with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
                list(pool.map(measured, [benchmark] * workers, [False] * workers, jobs[:workers]))  # start-up
                begin = time.perf_counter()
                list(pool.map(measured, [benchmark] * videos, [False] * videos, jobs))
                times[workers] = time.perf_counter() - begin
    gain = times[1] / times[args.workers]
    print(f"1 process      {times[1]:8.2f} s for {args.frames} frames")
    print(f"{args.workers} processes    {times[args.workers]:8.2f} s")
    print(f"speed-up       {gain:8.2f} (at least {args.least:g})")
    return {"seconds": times, "speed_up": gain, "least": args.least}, gain >= args.least


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    figures, passed = measure_workers(args) if args.workers else measure_cost(args)
    figures |= {"dataset": args.dataset, "size": args.size, "frames": args.frames, "repeats": args.repeats}
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
