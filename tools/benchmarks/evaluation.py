"""Cost of STQ and VPQ for windows of 1 to 4 frames, beside the least that reading the pixels could cost.

The floor is np.unique(pairs, return_counts=True) of the frames' int64 pair keys, the keys given. Both are run in turn
in one warmed-up process, since the state of the memory allocator moves each of them by a factor of up to three.
Decoding is excluded. Frames are 375x1242, as in KITTI; the prediction is the truth moved, noisy and with other ids.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20, help="frames of the video (default 20)")
    parser.add_argument("--repeats", type=int, default=9, help="measurements, of which the median counts (default 9)")
    parser.add_argument("--limit", type=float, default=6, help="exit status 1 above this ratio (default 6)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args(argv)


def make_frames(count: int):
    """Pairs of (truth, prediction) and their (H*W,) int64 keys."""
    import numpy as np

    from video_knet.formats import KittiStep, SegmentMap
    from video_knet.synthetic import World

    rng = np.random.default_rng(0)
    frames, keys = [], []
    for _, truth in World(KittiStep.classes, (375, 1242), count, difficulty=1.0).video(0):
        shift = tuple(rng.integers(-6, 7, 2))
        semantic, track = (np.roll(a, shift, (0, 1)) for a in (truth.semantic, truth.track))
        speckle = rng.random(semantic.shape) < 0.005  # ragged outlines: runs of equal pixels are short where masks are
        semantic, track = np.where(speckle, 8, semantic).astype(np.uint8), np.where(speckle, 0, track * 7 % 1000)
        prediction = SegmentMap(semantic, track.astype(np.int32))
        packed = [m.semantic.astype(np.int64) << 16 | m.track for m in (truth, prediction)]
        frames.append((truth, prediction))
        keys.append((packed[0] << 24 | packed[1]).ravel())
    return frames, keys


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    import numpy as np

    from video_knet.evaluation import PanopticEvaluator
    from video_knet.formats import KittiStep

    frames, keys = make_frames(args.frames)

    def candidate() -> None:
        evaluator = PanopticEvaluator(KittiStep.classes)
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
    figures |= {"ratio": ratio, "limit": args.limit, "frames": args.frames, "repeats": args.repeats}
    print(f"STQ + VPQ 1-4  {figures['candidate_ms_per_frame']:7.2f} ms per frame")
    print(f"np.unique      {figures['floor_ms_per_frame']:7.2f} ms per frame")
    print(f"ratio          {ratio:7.2f} (limit {args.limit:g})")
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if ratio <= args.limit else 1


if __name__ == "__main__":
    sys.exit(main())
