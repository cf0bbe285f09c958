"""Looking at what training really feeds: samples of a config's dataset after augmentation, drawn and counted."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image
from torch.utils.data import Dataset

from video_knet.apis.browse_drawing import ContactSheet, draw_sample
from video_knet.apis.browse_samples import describe_frame, mean, split_sample
from video_knet.apis.dataset_meta import classes_from_meta
from video_knet.datasets.seeding import seeded
from video_knet.formats.disk.files import whole_file, whole_folder
from video_knet.formats.disk.json_files import write_json
from video_knet.hooks import video_datasets

INDEX, SHEET, TABLE = "index.json", "index.png", "index.txt"
TOOL = "browse_dataset"


class CountingPipeline:
    """A pipeline that counts the samples it refuses (returns None for).

    Args:
        pipeline: The dataset's.
    """

    def __init__(self, pipeline: Callable[[dict], dict | None]) -> None:
        self.pipeline, self.refused = pipeline, 0

    def __call__(self, results: dict) -> dict | None:
        """What the pipeline returns."""
        sample = self.pipeline(results)
        self.refused += sample is None
        return sample


def browse(
    config: Config,
    out: str | Path,
    split: str = "train",
    number: int = 16,
    seed: int | None = None,
    progress: Callable[[int], Any] = lambda samples: None,
) -> dict[str, Any]:
    """Draw samples of a dataset, and write pictures, a sheet of them and their statistics.

    Args:
        config: Of a run. Its model is not built.
        out: Folder to write; it appears, or replaces that of an earlier call, when all is drawn.
        split: "train", "val" or "test": whose loader's dataset is shown.
        number: Samples, at least one; all where there are fewer.
        seed: Samples are picked at random by it, and augmented by it. None spreads them evenly over the dataset, and
            augments as the first epoch of the run will.
        progress: Called with the number of samples drawn since the last call.

    Returns:
        What `index.json` holds.

    Raises:
        ValueError: The config has no such loader, something else is in the folder, or the data have faults.
    """
    out = Path(out).resolve()
    check_folder(out)
    draws = config.get("randomness", {}).get("seed") or 0 if seed is None else seed
    with DefaultScope.overwrite_default_scope(config.get("default_scope", "mmdet")):
        dataset = build_dataset(config, split)
        for videos in video_datasets(dataset):
            videos.set_epoch(0, draws)
        chosen = choose(len(dataset), number, seed)
        with whole_folder(out) as part:
            entries = draw_samples(part, dataset, chosen, draws, progress)
            report = {"tool": TOOL, "config": str(config.filename), "split": split, "seed": draws}
            report |= {"length": len(dataset), **summarise(entries), "samples": entries}
            write_json(part / INDEX, report, indent=2)
            (part / TABLE).write_text(table(report))
    return report


def draw_samples(
    folder: Path, dataset: Dataset, chosen: list[int], seed: int, progress: Callable[[int], Any]
) -> list[dict[str, Any]]:
    """Write the pictures of samples, and the sheet of them.

    Args:
        folder: Where to write them.
        dataset: The dataset.
        chosen: Which of its samples.
        seed: What their draws depend on.
        progress: See `browse`.

    Returns:
        What is in each sample.
    """
    meta = getattr(dataset, "metainfo", {})
    classes, pipelines = classes_from_meta(meta), count_refusals(dataset)
    drawn = classes if has_objects(dataset) else replace(classes, thing_ids=())
    sheet, entries = None, []
    for index in chosen:
        before = sum(pipeline.refused for pipeline in pipelines)
        frames = split_sample(get_sample(dataset, index, seed), meta, classes)
        name = f"{index:0{max(4, len(str(len(dataset))))}d}_{file_stem(frames[0].name)}.png"
        picture = draw_sample(frames, drawn, f"sample {index}")
        write_png(folder / name, picture)
        sheet = sheet or ContactSheet(len(chosen), picture.shape[:2])
        sheet.add(picture)
        refused = sum(pipeline.refused for pipeline in pipelines) - before
        shown = [describe_frame(frame, frames[0], drawn) for frame in frames]
        entries.append({"file": name, "sample": index, "refused": refused, "frames": shown})
        progress(1)
    write_png(folder / SHEET, sheet.picture)
    return entries


def check_folder(out: Path) -> None:
    """Refuse to write over anything but pictures of an earlier call.

    Raises:
        ValueError: Something else is in the way.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; name another folder")
    if not out.is_dir() or not any(out.iterdir()):
        return
    try:
        index = json.loads((out / INDEX).read_text())
        ours = {INDEX, SHEET, TABLE, *(sample["file"] for sample in index["samples"])} if index["tool"] == TOOL else {}
    except (OSError, ValueError, KeyError, TypeError):
        ours = {}
    if foreign := sorted(path.name for path in out.iterdir() if path.name not in ours):
        raise ValueError(f"{out} holds other things, such as {foreign[0]}; name another folder, or empty it")


def build_dataset(config: Config, split: str) -> Dataset:
    """The dataset of a loader; annotations are read when they are shown, not all before.

    Raises:
        ValueError: There is no such loader.
    """
    loader = config.get(f"{split}_dataloader")
    if loader is None or "dataset" not in loader:
        raise ValueError(f"{config.filename}: no {split}_dataloader with a dataset; choose another --split")
    settings = loader.dataset
    if settings.get("type") == "VideoDataset":
        settings = {**settings, "check_labels": False}
    return DATASETS.build(settings)


def count_refusals(dataset: Dataset) -> list[CountingPipeline]:
    """Make the pipelines of a dataset, and of those in it, count what they refuse."""
    parts = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    counters = [counter for part in parts if part is not None for counter in count_refusals(part)]
    if callable(getattr(dataset, "pipeline", None)):
        dataset.pipeline = CountingPipeline(dataset.pipeline)
        counters.append(dataset.pipeline)
    return counters


def has_objects(dataset: Dataset) -> bool:
    """Whether the labels of any part of a dataset tell objects apart, by its format; those of the host's do."""
    parts = list(video_datasets(dataset))
    return not parts or any(part.format.tells_objects_apart for part in parts)


def choose(length: int, number: int, seed: int | None) -> list[int]:
    """Indices of `number` samples of `length`, ascending: evenly spread, or by a seed."""
    number = min(number, length)
    if seed is None:
        return [int((position + 0.5) * length / number) for position in range(number)]
    return sorted(np.random.default_rng(seed).choice(length, number, replace=False).tolist())


def get_sample(dataset: Dataset, index: int, seed: int) -> Any:
    """A sample as training takes it, the draws of datasets that do not seed themselves by (seed, index)."""
    with seeded(seed, index):
        return dataset[index]


def summarise(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """What can be said of all samples together."""
    frames = [frame for entry in entries for frame in entry["frames"]]
    keys = [entry["frames"][0] for entry in entries]
    found = sum((Counter(frame["objects_of_class"]) for frame in frames), Counter())
    stuff = Counter(name for frame in frames for name in frame["stuff"])
    return {
        "refused": sum(entry["refused"] for entry in entries),
        "unlabelled_frames": sum(not frame["labelled"] for frame in frames),
        "objects_in_key": mean([frame["objects"] for frame in keys]),
        "without_objects": sum(frame["objects"] == 0 for frame in keys),
        "shared_with_key": mean([frame["shared_with_key"] for frame in frames]),
        "void": mean([frame["void"] for frame in frames]),
        "objects_of_class": dict(found.most_common()),
        "frames_with_stuff": dict(stuff.most_common()),
    }


def table(report: Mapping[str, Any]) -> str:
    """The samples as lines of text, and a summary."""
    width = max(len(sample["file"]) for sample in report["samples"])
    lines = [f"{'file':{width}}  objects  shared with references  void    refused before"]
    for sample in report["samples"]:
        key, *references = sample["frames"]
        shared = "/".join("-" if f["shared_with_key"] is None else str(f["shared_with_key"]) for f in references) or "-"
        void = "-" if key["void"] is None else f"{100 * key['void']:.1f}%"
        objects = "-" if key["objects"] is None else str(key["objects"])
        lines.append(f"{sample['file']:{width}}  {objects:>7}  {shared:>22}  {void:6}  {sample['refused']:14}")
    return "\n".join([*lines, "", *summary_lines(report)]) + "\n"


def summary_lines(report: Mapping[str, Any]) -> list[str]:
    """The summary in words."""
    samples, found = report["samples"], report["objects_of_class"]
    lines = [f"{len(samples)} of {report['length']} samples of {report['split']} ({report['config']})"]
    objects = ", ".join(f"{count} {name}" for name, count in found.items())
    shared = "" if report["shared_with_key"] is None else f", {report['shared_with_key']:.1f} shared with a reference"
    if objects:
        lines.append(f"{report['objects_in_key']:.1f} objects in a key frame{shared}; in all frames: {objects}")
    if report["without_objects"]:
        lines.append(f"{report['without_objects']} key frames without objects")
    if report["void"] is not None:
        lines.append(f"{100 * report['void']:.1f}% void")
    if report["unlabelled_frames"]:
        lines.append(f"{report['unlabelled_frames']} frames without labels")
    tries = len(samples) + report["refused"]
    lines.append(f"{report['refused']} of {tries} drawn samples were refused by the pipeline, and replaced by others")
    return lines


def file_stem(name: str) -> str:
    """A name for a file: VIDEO_FRAME, without characters that file systems or shells may not take."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:100] or "sample"


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB."""
    with whole_file(path) as file:
        Image.fromarray(picture).save(file, "png", compress_level=3)
