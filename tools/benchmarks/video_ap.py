"""Cost of the AP of tracks with masks, beside that of merging run-length encoded masks pair by pair.

The floor is pycocotools' area(merge([prediction, truth], intersect=True)) for each pair of tracks in each frame: what
evaluators that compare masks one by one cannot do without. The candidate is the whole evaluation of the video,
unions, matching and scores included. Both are run in turn in one warmed-up process, and must count the same pixels.
All tracks are of one category; their masks are moving ellipses of about a tenth of the frame, the predictions the
truths moved and scaled.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from video_knet.apis.command import positive


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=positive(int), default=36, help="frames of the video (default 36)")
    parser.add_argument("--tracks", type=positive(int), default=10, help="true tracks (default 10)")
    parser.add_argument("--detections", type=positive(int), default=100, help="predicted tracks (default 100)")
    parser.add_argument(
        "--size", type=positive(int), nargs=2, default=(360, 640), metavar=("H", "W"), help="default 360 640"
    )
    parser.add_argument(
        "--repeats", type=positive(int), default=7, help="measurements, of which the median counts (default 7)"
    )
    parser.add_argument("--limit", type=float, default=5, help="exit status 1 below this speed-up (default 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args(argv)


def make_tracks(args: argparse.Namespace):
    """A video, its true tracks and its predicted tracks."""
    import numpy as np

    from video_knet.formats.coding.rle import encode_masks
    from video_knet.formats.coding.tracks import PredictedTrack, VideoEntry, true_track

    rng = np.random.default_rng(0)
    height, width = args.size
    rows, columns = np.arange(height)[:, None], np.arange(width)

    def draw(centre, radii, speed):
        """(T, H, W) bool."""
        at = centre + speed * np.arange(args.frames)[:, None]
        return np.stack([((rows - y) / radii[0]) ** 2 + ((columns - x) / radii[1]) ** 2 < 1 for y, x in at])

    names = tuple(f"0/{i:05d}.jpg" for i in range(args.frames))
    video = VideoEntry(1, "0", width, height, args.frames, names)
    ellipses = [
        (
            rng.uniform(0.2, 0.8, 2) * args.size,
            rng.uniform(0.1, 0.25, 2) * args.size,
            rng.uniform(-0.005, 0.005, 2) * args.size,
        )
        for _ in range(args.tracks)
    ]
    truths = [true_track(video, 1, draw(*ellipse), number=i) for i, ellipse in enumerate(ellipses, 1)]
    predictions = []
    for i in range(args.detections):
        centre, radii, speed = ellipses[i % args.tracks]
        moved = centre + rng.normal(0, 0.1, 2) * radii, radii * rng.uniform(0.8, 1.2), speed
        predictions.append(PredictedTrack(1, 1, float(rng.random()), encode_masks(draw(*moved))))
    return video, truths, predictions


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    import numpy as np
    from pycocotools import mask as coco_mask

    from video_knet.evaluation.instance import VideoAP
    from video_knet.evaluation.track_overlaps import sum_overlaps

    video, truths, predictions = make_tracks(args)

    def candidate() -> None:
        evaluator = VideoAP({1: "object"})
        evaluator.update(video, truths, predictions)
        evaluator.result()

    def floor() -> np.ndarray:
        shared = np.zeros((len(predictions), len(truths)), np.int64)
        for d, prediction in enumerate(predictions):
            for g, truth in enumerate(truths):
                for pair in zip(prediction.segmentations, truth.segmentations):
                    if None not in pair:
                        shared[d, g] += coco_mask.area(coco_mask.merge(list(pair), True))
        return shared

    assert (sum_overlaps(video, truths, predictions).shared == floor()).all(), "the two ways count different pixels"
    times: dict[str, list[float]] = {"candidate": [], "floor": []}
    for repeat in range(args.repeats + 1):
        for name, run in (("candidate", candidate), ("floor", floor)):
            begin = time.perf_counter()
            run()
            if repeat:  # the first one warms up
                times[name].append((time.perf_counter() - begin) * 1e3)
    speedup = statistics.median(f / c for c, f in zip(times["candidate"], times["floor"]))
    figures = {f"{name}_ms_per_video": statistics.median(values) for name, values in times.items()}
    figures |= {"speedup": speedup, "limit": args.limit, "frames": args.frames, "repeats": args.repeats}
    figures |= {"tracks": args.tracks, "detections": args.detections, "size": list(args.size)}
    print(f"AP of a video      {figures['candidate_ms_per_video']:8.2f} ms")
    print(f"merging RLE pairs  {figures['floor_ms_per_video']:8.2f} ms")
    print(f"ratio              {speedup:8.2f} times as fast (limit {args.limit:g})")
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if speedup >= args.limit else 1


if __name__ == "__main__":
    sys.exit(main())
