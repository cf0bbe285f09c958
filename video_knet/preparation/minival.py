"""A part of YouTube-VIS's training videos that is kept out of training, since public validation labels do not exist."""

from pathlib import Path

from ..formats.base import FormatError
from ..formats.disk.json_files import write_json
from ..formats.youtube_vis.faults import annotation_faults, check
from ..formats.youtube_vis.json import load, read_videos
from ..formats.youtube_vis.tree import Tree

MINIVAL, REST = "train_minival.json", "train_without_minival.json"
EVERY = 10


def make_minival(root: Path, year: int = 2019, every: int = EVERY) -> dict[str, int]:
    """Write ROOT/train_minival.json with every tenth video of train, by id, and ROOT/train_without_minival.json.

    The choice depends on the ids alone, so everybody has the same videos. Entries are kept as they are.

    Args:
        root: Root of the dataset.
        year: Edition.
        every: One in so many videos.

    Returns:
        Number of videos in each file, by its name.

    Raises:
        FormatError: The json of train is missing or faulty, or has too few videos.
    """
    if every < 2:
        raise FormatError(f"every is {every}: at least 2, or nothing is left to train on")
    path = Tree.find(root, "train", year).json
    content = load(path)
    truth, annotations = read_videos(path, content), content.get("annotations") or []
    check(fault for _, fault in annotation_faults(path, annotations, truth))
    numbers = sorted(truth.videos)
    if len(numbers) < every:
        raise FormatError(
            f"{path}: has {len(numbers)} videos, of which every {every}th is none. Choose a smaller part."
        )
    kept_out = set(numbers[every - 1 :: every])
    counts = {}
    for name, wanted in ((MINIVAL, kept_out), (REST, set(numbers) - kept_out)):
        part = {**content, "videos": [video for video in content["videos"] if video["id"] in wanted]}
        part["annotations"] = [entry for entry in annotations if entry["video_id"] in wanted]
        write_json(root / name, part)
        counts[name] = len(wanted)
    return counts
