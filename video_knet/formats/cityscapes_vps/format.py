"""Cityscapes-VPS (Kim et al., CVPR 2020), read in place from the layout that the authors' preparation leaves.

    ROOT/train/img/NAME_newImg8bit.png              the six labelled frames of each training video
    ROOT/train/labelmap/NAME_final_mask.png         their classes, and their objects in
    ROOT/instances_train_city_vps_rle.json          a json of instances (train.py)
    ROOT/val/img_all/NAME_newImg8bit.png            all 30 frames; test/img_all likewise. ROOT/val/img has the six
    ROOT/panoptic_gt_val_city_vps.json              images, annotations, categories of the labelled frames, and
    ROOT/val/panoptic_video/NAME_final_mask.png     their ids; the PNG folder may lie beside the json
    PRED/pred.json, PRED/pan_pred/IMAGE_ID.png      a prediction

Every fifth of the 30 frames of a video is labelled, six in all. A file name starts with the number of its video
(names.py); for the evaluator, names without a number are cut into videos of six frames, as the
benchmark's script does.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..base import FormatError, SegmentMap, Video, collect_faults
from ..coding.id_maps import IdMap, ListedFrame, segments_json, write_ids
from ..coding.id_tracks import TrackedFrame, to_segment_map
from ..dataset_format import DatasetFormat, Published
from ..disk.json_files import write_json
from .json import CLASSES, ListedVideos, listed_prediction, listed_truth, predicted_frame, truth_entries, write_listed
from .listing import LISTINGS
from .names import STRIDE
from .train import LabelmapFrame
from .writer import VideoWriter

_NUMBER = re.compile(r"\d{4,}")


class CityscapesVps(DatasetFormat):
    """The Cityscapes-VPS format.

    Splits: "train"; "val", all 30 frames of each video with labels at six of them (only these where there is no
    `img_all`); "test", without labels; "val_labelled", the labelled frames of val only, for training; "trainval", train
    and these together.

    Attributes:
        name: Name of the format.
        classes: 19 Cityscapes train ids; 11 to 18 are things.
    """

    name = "cityscapes-vps"
    classes = CLASSES
    published = {"train": Published(400, 2400), "val": Published(50, 300), "test": Published(50)}
    layout = {
        "train/img/NAME_newImg8bit.png": "labelled images of train",
        "train/labelmap/NAME_final_mask.png": "their classes",
        "instances_train_city_vps_rle.json": "their objects",
        "val/img_all/NAME_newImg8bit.png": "all images of val",
        "val/panoptic_video/NAME_final_mask.png": "ids of its labelled frames",
        "panoptic_gt_val_city_vps.json": "what the ids are",
        "test/img_all/NAME_newImg8bit.png": "all images of test",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split by number, and check that labels and images belong together.

        The name of a labelled frame is its image id in the json, which predictions have to use.

        Raises:
            FormatError: A folder or file is missing or misnamed, or a json is damaged; all faults, `partial` holds the
                videos without the frames that are faulty.
        """
        videos, faults = [], []
        for part in {"trainval": ("train", "val_labelled")}.get(split, (split,)):
            if part not in LISTINGS:
                raise FormatError(f"split {split!r} is not known; use one of: {', '.join(LISTINGS)}, trainval")
            with collect_faults(faults):
                videos += LISTINGS[part](Path(root), faults)
        if faults:
            raise FormatError(*faults, partial=videos)
        return sorted(videos, key=lambda video: video.name)

    def read(self, label: LabelmapFrame | ListedFrame) -> SegmentMap:
        """Read the labels of a frame.

        Raises:
            FormatError: A file is missing or damaged, or holds an unknown class or id.
        """
        if isinstance(label, LabelmapFrame):
            return label.segment_map()
        if isinstance(label, TrackedFrame):
            return label.segment_map(self.classes)
        if isinstance(label, ListedFrame):
            return to_segment_map(label.read(), self.classes)
        raise FormatError(f"{label}: a PNG alone does not say its classes. Give the label of a frame of `videos`.")

    def truth(self, path: Path) -> ListedVideos:
        """Labelled frames of each video of `panoptic_gt_*.json`, whose PNG folder is beside it."""
        return listed_truth(path)

    def prediction(self, root: Path, truth: ListedVideos) -> ListedVideos:
        """The prediction of each labelled frame, by name or, where `pred.json` has no names, by position."""
        return listed_prediction(root, truth)

    def read_predicted(self, folder: str | Path, video: str, frame: str) -> SegmentMap | None:
        """Read a frame of a folder with `pred.json` and `pan_pred/`; None where it is not one of the predicted ones.

        Raises:
            FormatError: A file is missing or damaged, or no frame of the video is predicted.
        """
        found = predicted_frame(Path(folder), video, frame)
        return None if found is None else to_segment_map(found.read(), self.classes)

    def write_frame(self, root: Path, name: str, frame: IdMap) -> dict:
        """Write the PNG of a prediction; returns its entry of `pred.json`."""
        write_ids(root / "pan_pred" / f"{name}.png", frame.ids)
        return {"image_id": name, "file_name": f"{name}.png", "segments_info": segments_json(frame.segments)}

    def write_list(self, root: Path, entries: list[dict]) -> None:
        """Write `pred.json` in the order of the images of the truth."""
        write_json(root / "pred.json", {"annotations": entries})

    def write_truth(self, path: Path, videos: dict[str, dict[str, IdMap]]) -> None:
        """Write a ground truth json and its PNG folder.

        Args:
            path: The json.
            videos: Frames of each video by image id; an id starts with the number of its video ("0005_0025").
        """
        entries = [truth_entries(name, frame) for frames in videos.values() for name, frame in frames.items()]
        for (_, annotation), frame in zip(entries, (f for frames in videos.values() for f in frames.values())):
            write_ids(path.parent / "panoptic_video" / annotation["file_name"], frame.ids)
        write_listed(path, [image for image, _ in entries], [annotation for _, annotation in entries])

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` numbers of videos of a split, in order, that no other split and no published video has."""
        first = {"train": 1000, "val": 4000, "test": 7000}[split]
        return [f"{first + i:04d}" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video in the official layout.

        All frames of a training video are labelled ones, so their numbers are five apart. Of a val video the fifth,
        tenth, ... are labelled, the last one where there are fewer. Tracks below 65536 are read back as they are.

        Args:
            root: Root of the data set.
            split: "train", "val", or "test", which gets no labels.
            name: Number of the video, four digits.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; those of frames without labels are ignored.
            start: Number of the frame before the first.
        """
        if split not in self.published or not _NUMBER.fullmatch(name):
            raise FormatError(f"split {split!r}, video {name!r}: use train, val or test, and four digits")
        if start < 0:
            raise FormatError(f"first file number {start}: files are numbered from 0")
        writer = VideoWriter(Path(root), split, name)
        step = STRIDE if split == "train" else 1
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), 1):
            writer.add(start + number * step, image, segments)
        writer.close()
