"""A video in the layout of Cityscapes-VPS, written frame by frame, and its jsons at the end."""

from pathlib import Path

import numpy as np

from ..base import FormatError, SegmentMap
from ..coding.id_maps import write_ids
from ..coding.id_tracks import MAX_TRACK, to_listed_ids
from ..coding.track_numbers import TrackNumbers
from ..disk.png import write_png
from .json import CLASSES, extend_truth, truth_entries
from .names import STRIDE
from .train import extend_instances, instance_entries, write_labelmap


class VideoWriter:
    """Writes a video frame by frame, and the json at its end.

    Args:
        root: Root of the data set.
        split: "train", all of whose frames are labelled, "val", or "test", which gets no labels.
        name: Number of the video.
    """

    def __init__(self, root: Path, split: str, name: str) -> None:
        self.folder, self.split, self.name = root / split, split, name
        self.numbers = TrackNumbers(CLASSES, MAX_TRACK)
        self.entries: list[tuple[dict, object]] = []
        self.length = 0
        self._last: tuple[str, np.ndarray, SegmentMap | None] | None = None

    def add(self, number: int, image: np.ndarray, segments: SegmentMap | None) -> None:
        """Write a frame.

        Args:
            number: For its name.
            image: (H, W, 3) uint8 RGB.
            segments: Its labels; not needed where the frame gets none.
        """
        if number > 9999:
            raise FormatError(f"{self.folder}: frame number {number} has more than four digits; start lower")
        name = f"{self.name}_{number:04d}_synthetic_{self.name}_{number:06d}"
        self.length += 1
        if self.split == "train":
            self._train(name, image, segments)
            return
        write_png(self.folder / "img_all" / f"{name}_newImg8bit.png", image)
        self._last = name, image, segments
        if self.split == "val" and self.length % STRIDE == 0:
            self._val(*self._last)

    def close(self) -> None:
        """Put what was written into the split's json, where it has one."""
        if self.split == "val" and not self.entries and self._last is not None:
            self._val(*self._last)
        root = self.folder.parent
        if self.split == "train":
            extend_instances(root / "instances_train_city_vps_rle.json", self.name, self.entries)
        elif self.split == "val":
            extend_truth(root / "panoptic_gt_val_city_vps.json", self.name, self.entries)

    def _train(self, name: str, image: np.ndarray, segments: SegmentMap) -> None:
        path = self.folder / "labelmap" / f"{name}_final_mask.png"
        write_labelmap(path, segments)
        write_png(self.folder / "img" / f"{name}_newImg8bit.png", image)
        height, width = segments.semantic.shape
        number = int(self.name) * 10000 + int(name.split("_")[1])
        listed = {"id": number, "file_name": f"{name}_newImg8bit.png", "height": height, "width": width}
        self.entries.append((listed, instance_entries(segments, self.numbers, path)))

    def _val(self, name: str, image: np.ndarray, segments: SegmentMap) -> None:
        path = self.folder / "panoptic_video" / f"{name}_final_mask.png"
        ids = to_listed_ids(segments, CLASSES, self.numbers, path)
        write_ids(path, ids.ids)
        write_png(self.folder / "img" / f"{name}_newImg8bit.png", image)
        self.entries.append(truth_entries(name, ids))
