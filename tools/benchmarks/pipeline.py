"""Samples per second of a config's whole training pipeline, beside plain decoding of the same files.

The pipeline reads image and labels of every frame of a clip, augments, makes masks and packs, in one process. The floor
decodes the same files, in the same process, in turn: images with OpenCV, label PNGs with PIL. Without --data, a
synthetic world is drawn in the layout of the config's data set, at that data set's usual size.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SIZES = {"kitti-step": (375, 1242), "vipseg": (720, 1280), "vspw": (480, 853), "youtube-vis-2019": (720, 1280)}
SIZES |= {"coco-panoptic": (480, 640), "coco-instance": (480, 640)}
SIZE = (1024, 2048)  # of all others


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="config, of which the training data are read")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="data root (default: a world, drawn for this)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="image size of the world")
    parser.add_argument("--samples", type=int, default=24, metavar="N", help="samples per measurement (default: 24)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements, of which the median counts (default: 5)")
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
        begin = time.perf_counter()
        samples = [dataset[index * len(dataset) // args.samples] for index in range(args.samples)]
        middle = time.perf_counter()
        decoded = sum(decode(*file) for sample in samples for file in files(sample))
        end = time.perf_counter()
        assert decoded
        if repeat:  # the first one warms up
            times["pipeline"].append(middle - begin)
            times["decoding"].append(end - middle)
    figures = {f"{name}_samples_per_s": args.samples / statistics.median(values) for name, values in times.items()}
    ratio = statistics.median(d / p for d, p in zip(times["decoding"], times["pipeline"]))
    return figures | {"ratio": ratio, "limit": args.limit, "config": str(args.config)}


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


def files(sample: dict) -> Iterator[tuple[str, bool]]:
    """Image and label file of every frame of a sample, and whether it is a label."""
    frames = getattr(sample["data_samples"], "video_data_samples", [sample["data_samples"]])
    for frame in frames:
        yield frame.img_path, False
        label = getattr(frame.label_source, "path", frame.label_source)
        if isinstance(label, str | Path) and Path(label).suffix == ".png":  # run-length codes are in memory
            yield str(label), True


def decode(path: str, is_label: bool) -> int:
    """Read a file as pixels; returns how many values there are."""
    import cv2
    import numpy as np
    from PIL import Image

    if not is_label:
        return cv2.imread(path).size
    with Image.open(path) as image:
        return np.asarray(image).size


if __name__ == "__main__":
    sys.exit(main())
