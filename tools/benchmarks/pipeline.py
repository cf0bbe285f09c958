"""Samples per second of a config's whole training pipeline, beside plain decoding of the same files.

The pipeline reads image and labels of every frame of a clip, augments, makes masks and packs, in one process. The floor
decodes the same frames, in the same process, in turn: images with OpenCV, label PNGs with PIL, and objects of a json,
run-length codes or polygons, with pycocotools (both sides have read the json before). Samples are dropped at once, as
in a worker. Without --data, a synthetic world is drawn in the layout of the config's data set, at that data set's usual
size.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from video_knet.apis.command import positive

SIZES = {"kitti-step": (375, 1242), "vipseg": (720, 1280), "vspw": (480, 853), "youtube-vis-2019": (720, 1280)}
SIZES |= {"coco-panoptic": (480, 640), "coco-instance": (480, 640), "mapillary": (2448, 3264)}
SIZE = (1024, 2048)  # of all others


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config, of which the training data are read")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="data root (default: a world, drawn for this)")
    parser.add_argument("--size", type=positive(int), nargs=2, metavar=("H", "W"), help="image size of the world")
    parser.add_argument(
        "--samples", type=positive(int), default=24, metavar="N", help="samples per measurement (default: 24)"
    )
    parser.add_argument(
        "--repeats", type=positive(int), default=5, help="measurements, of which the median counts (default: 5)"
    )
    parser.add_argument("--limit", type=float, default=0.5, help="exit status 1 below this ratio (default: 0.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    from video_knet.apis.command import run_command

    slow: list[bool] = []
    return run_command("pipeline", lambda: slow.append(run(args))) or int(slow[0])


def run(args: argparse.Namespace) -> bool:
    """Measure and report; whether the pipeline is below the limit."""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(args, Path(folder) / "world")
    print(f"pipeline       {figures['pipeline_samples_per_s']:8.2f} samples per s ({args.config.stem})")
    print(f"plain decoding {figures['decoding_samples_per_s']:8.2f} samples per s")
    print(f"ratio          {figures['ratio']:8.2f} (at least {args.limit:g})")
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return figures["ratio"] < args.limit


def measure(args: argparse.Namespace, world: Path) -> dict:
    """Samples per second of pipeline and floor, and the median of their ratios."""
    dataset = build_dataset(args, world)
    times: dict[str, list[float]] = {"pipeline": [], "decoding": []}
    for repeat in range(args.repeats + 1):
        dataset.set_epoch(repeat)
        spent = [time_sample(dataset, index * len(dataset) // args.samples) for index in range(args.samples)]
        if repeat:  # the first one warms up
            for values, total in zip(times.values(), map(sum, zip(*spent))):
                values.append(total)
    figures = {f"{name}_samples_per_s": args.samples / statistics.median(values) for name, values in times.items()}
    ratio = statistics.median(d / p for d, p in zip(times["decoding"], times["pipeline"]))
    return figures | {"ratio": ratio, "limit": args.limit, "config": str(args.config)}


def time_sample(dataset: Any, index: int) -> tuple[float, float]:
    """Seconds to make a sample, and to decode its frames: one after the other, so that both have the same machine."""
    begin = time.perf_counter()
    frames = sources(dataset[index])
    middle = time.perf_counter()
    for image, label in frames:
        decode(image)
        decode_label(label)
    return middle - begin, time.perf_counter() - middle


def build_dataset(args: argparse.Namespace, world: Path):
    """The training data of the config; at `world` a world is drawn unless there are data."""
    import cv2
    import mmengine.utils
    import torch
    from mmengine.registry import DATASETS, DefaultScope

    from video_knet.apis.runner import load_config
    from video_knet.formats import get_format
    from video_knet.synthetic import World, write_world

    cv2.setNumThreads(0)  # as in a worker of a data loader
    torch.set_num_threads(1)
    config = load_config(args.config)
    mmengine.utils.import_modules_from_strings(**config.custom_imports)
    settings = config.train_dataloader.dataset
    if args.data is None:
        style = get_format(settings.format)
        size = tuple(args.size or SIZES.get(settings.format.replace("_", "-"), SIZE))
        write_world(world, style, World(style.classes, size, frames=6, difficulty=0.5), {"train": 4})
    settings.data_root = str(args.data or world)
    DefaultScope.get_instance("benchmark", scope_name="mmdet")
    return DATASETS.build({**settings, "check_labels": False})


def sources(sample: dict) -> list[tuple[str, Any]]:
    """Image file and label source of every frame of a sample."""
    frames = getattr(sample["data_samples"], "video_data_samples", [sample["data_samples"]])
    return [(frame.img_path, frame.label_source) for frame in frames]


def decode(path: str) -> None:
    """Read an image."""
    import cv2

    cv2.imread(path)


def decode_label(source: Any) -> None:
    """Read the labels of a frame with the library of their kind."""
    import numpy as np
    from PIL import Image
    from pycocotools import mask as coco_mask

    from video_knet.formats.coding.frame_objects import FrameObjects, polygons_text

    if isinstance(source, FrameObjects):
        texts = [mask if isinstance(mask, str) else polygons_text(mask, source.size) for mask in source.masks]
        coco_mask.decode([{"size": source.size, "counts": text} for text in texts])
        return
    with Image.open(getattr(source, "path", source)) as image:
        np.asarray(image)


if __name__ == "__main__":
    sys.exit(main())
