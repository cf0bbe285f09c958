"""Cost of an online frame and of a training step, beside backbone and neck alone on the same input.

Both run in turn in one warmed-up process. Weights are random, so class and mask logits of the last stage are replaced,
after they were computed, by those of a scene with six objects on stuff bands: what follows (merging, boxes, tracking,
painting) then has the work of a real frame.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from video_knet.apis.command import positive

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "video_knet" / "kitti_step" / "video_knet_r50_kitti_step.py"
OBJECTS = 6


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "online", "training"])
    parser.add_argument("--config", type=Path, default=CONFIG, help="config of a video model")
    parser.add_argument("--online-size", type=positive(int), nargs=2, default=(384, 1248), metavar=("H", "W"))
    parser.add_argument("--training-size", type=positive(int), nargs=2, default=(192, 640), metavar=("H", "W"))
    parser.add_argument(
        "--repeats", type=positive(int), default=7, help="measurements, of which the median counts (default 7)"
    )
    parser.add_argument(
        "--threads", type=positive(int), help="CPU threads (default: as tools/train.py, half of the cores)"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument("--limit", type=float, default=1.6, help="exit status 1 above this ratio (default 1.6)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args(argv)


def measure(candidate: Callable[[], None], floor: Callable[[], None], repeats: int, device: str) -> dict[str, float]:
    """Milliseconds of both, and the median of their ratios, pair by pair."""
    import torch

    times: dict[str, list[float]] = {"candidate": [], "floor": []}
    for repeat in range(repeats + 1):
        for name, run in (("candidate", candidate), ("floor", floor)):
            begin = time.perf_counter()
            run()
            if device != "cpu":
                torch.cuda.synchronize()
            if repeat:  # the first one warms up
                times[name].append((time.perf_counter() - begin) * 1e3)
    figures = {f"{name}_ms": statistics.median(values) for name, values in times.items()}
    return figures | {
        "ratio": statistics.median(c / f for c, f in zip(times["candidate"], times["floor"], strict=True))
    }


def build(config: Path, device: str):
    """The model with random weights."""
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    import knet  # noqa: F401  before mmdet

    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    return model.to(device)


def scene(model, grid: tuple[int, int]):
    """Class logits (1, N, K) and mask logits (1, N, h, w) of six objects on stuff bands."""
    import torch

    labels, kernels = model.labels, model.kernel_head.thing_kernels.out_channels
    classes = torch.full((kernels + labels.num_stuff, labels.num_classes), -4.0)
    masks = torch.full((len(classes), *grid), -8.0)
    height, width = grid
    for i in range(OBJECTS):
        classes[7 * i, i % labels.num_things] = 3.0
        left = width * i // OBJECTS
        masks[7 * i, height // 3 : 2 * height // 3, left + 1 : left + width // OBJECTS - 1] = 6.0
    for s in range(labels.num_stuff):
        classes[kernels + s, labels.num_things + s] = 2.0 if s % 2 else -4.0
        top = height * s // labels.num_stuff
        masks[kernels + s, top : top + 2 * max(1, height // labels.num_stuff)] = 4.0
    return classes[None], masks[None]


def online(args: argparse.Namespace) -> dict[str, float]:
    import torch
    from mmdet.structures import DetDataSample, TrackDataSample

    model, (height, width) = build(args.config, args.device).eval(), args.online_size
    image = torch.randn(1, 1, 3, height, width, device=args.device)
    classes, masks = (x.to(args.device) for x in scene(model, (height // 8, width // 8)))
    last = model.decoder.stages[-1]
    classify, segment = last.classify, last.segment
    last.classify = lambda kernels: classify(kernels) * 0 + classes
    last.segment = lambda kernels, features: segment(kernels, features) * 0 + masks.flatten(2)
    frame_ids = iter(range(10**9))

    @torch.no_grad()
    def candidate() -> None:
        shape = dict(ori_shape=(height - 9, width - 6), img_shape=(height - 9, width - 6))
        meta = dict(frame_id=next(frame_ids), video_id=0, batch_input_shape=(height, width), **shape)
        clip = TrackDataSample(video_data_samples=[DetDataSample(metainfo=meta)])
        frame = model.predict(image, [clip])[0].video_data_samples[0]
        assert int((frame.pred_track_instances.instances_id > 0).sum()) == OBJECTS, "the scene has six tracks"

    @torch.no_grad()
    def floor() -> None:
        model.extract_feat(image[0])

    return measure(candidate, floor, args.repeats, args.device)


def training(args: argparse.Namespace) -> dict[str, float]:
    import numpy as np
    import torch
    from mmdet.structures import DetDataSample, TrackDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData, PixelData

    model, (height, width) = build(args.config, args.device).train(), args.training_size
    images = torch.randn(1, 2, 3, height, width, device=args.device)
    masks = np.zeros((OBJECTS, height, width), np.uint8)
    semantic = torch.full((1, height, width), model.labels.num_things)
    for i in range(OBJECTS):
        left = width * i // OBJECTS
        masks[i, height // 3 : 2 * height // 3, left : left + width // (OBJECTS + 1)] = 1
        semantic[0, :, left:] = model.labels.num_things + i
    frames = []
    for _ in range(2):
        frame = DetDataSample()
        frame.gt_instances = InstanceData(
            masks=BitmapMasks(masks, height, width),
            labels=torch.arange(OBJECTS) % model.labels.num_things,
            instances_ids=torch.arange(1, OBJECTS + 1),
        )
        frame.gt_sem_seg = PixelData(sem_seg=semantic)
        frames.append(frame)
    clip = TrackDataSample(video_data_samples=frames)

    def candidate() -> None:
        model.zero_grad()
        sum(model.loss(images, [clip]).values()).backward()

    def floor() -> None:
        model.zero_grad()
        sum(level.sum() for level in model.extract_feat(images[0])).backward()

    return measure(candidate, floor, args.repeats, args.device)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.threads import limit_threads

    limit_threads(args.threads)
    figures = {}
    for name, run in (("online", online), ("training", training)):
        if args.what in ("all", name):
            figures[name] = run(args)
            row = figures[name]
            print(
                f"{name:9}{row['candidate_ms']:9.1f} ms   backbone and neck {row['floor_ms']:9.1f} ms   "
                f"ratio {row['ratio']:.2f} (limit {args.limit:g})"
            )
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(row["ratio"] <= args.limit for row in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
