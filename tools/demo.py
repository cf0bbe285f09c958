"""Run a trained model on a video file or a folder of frames, and write the overlay video. Memory does not grow."""

import argparse
import sys
from itertools import islice
from pathlib import Path

from video_knet.apis.command import add_config_options, positive, run_command


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config file of the model")
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="its weights")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="video file, or folder of frames (png, jpg)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.mp4", help="overlay video to write")
    parser.add_argument("--device", help="cpu, cuda or cuda:N (default: cuda where there is one)")
    parser.add_argument("--fps", type=positive(float), help="frames per second (default: as VIDEO; 10 for a folder)")
    parser.add_argument(
        "--color-by",
        choices=("track", "kernel"),
        default="track",
        help="what gives a track its colour (default: track)",
    )
    parser.add_argument("--max-frames", type=positive(int), metavar="N", help="stop after N frames")
    parser.add_argument("--threads", type=positive(int), metavar="N", help="CPU threads (default: half of the cores)")
    add_config_options(parser)
    args = parser.parse_args(argv)
    if args.out.suffix.lower() != ".mp4":
        parser.error(f"--out is {args.out}, but must end in .mp4")
    if wrong := [option for option in args.cfg_options if "=" not in option]:
        parser.error(f"--cfg-options {wrong[0]!r} must be KEY=VALUE")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    return run_command("demo", lambda: run(args), faults=(RuntimeError,))


def run(args: argparse.Namespace) -> None:
    for path in (args.config, args.checkpoint, args.video):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; check the path")
    from video_knet.apis.video_io import read_frames

    frames = read_frames(args.video)  # before the slow imports, so that its faults show at once

    from tqdm import tqdm

    from video_knet.apis.config_options import parse_options
    from video_knet.apis.inferencer import VideoInferencer
    from video_knet.apis.render import VideoRenderer
    from video_knet.apis.threads import limit_threads

    limit_threads(args.threads)
    inferencer = VideoInferencer(args.config, args.checkpoint, args.device, parse_options(args.cfg_options))
    total = min(frames.length or args.max_frames or 0, args.max_frames or frames.length or 0) or None
    results = tqdm(islice(inferencer(frames), args.max_frames), total=total, unit="frame", desc=args.out.name)
    with VideoRenderer(args.out.parent, inferencer.classes, args.fps or frames.fps or 10.0, args.color_by) as renderer:
        for result in results:
            renderer.add(
                args.out.stem,
                result.name,
                result.image,
                result.segments,
                kernel_of_track=result.kernel_of_track,
                score_of_track=result.score_of_track,
            )
    if not renderer.finished:
        raise ValueError(
            f"{args.video}: none of its frames can be decoded, so {args.out} was not written; check the file"
        )
    print(args.out)


if __name__ == "__main__":
    sys.exit(main())
