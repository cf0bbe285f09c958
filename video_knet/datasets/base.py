"""One dataset class for all video formats: frames in order for testing, clips around key frames for training."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import torch
from mmdet.registry import DATASETS, TASK_UTILS
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.logging import print_log

from video_knet.datasets.checks import check_labels, check_videos
from video_knet.datasets.memory import keep_freed_memory
from video_knet.datasets.seeding import seeded
from video_knet.formats import format_key, get_format
from video_knet.formats.base import FormatError


@DATASETS.register_module()
class VideoDataset(BaseDataset):
    """Videos of any format, indexed by frame; the images of an image set are videos of one frame.

    A sample is a clip: the drawn reference frames, then the key frame, all keys of the result dict being lists with one
    entry per frame. In test mode, or without a reference sampler, it is the one frame. Index order is video order.

    A training sample depends on its index, the epoch and the seed alone (`set_epoch`), whichever process or worker
    makes it and wherever a run was resumed.

    Args:
        format: Name of the format, as `video_knet.formats.get_format` knows it.
        data_root: Folder of the dataset in its official layout.
        split: Name of the split, or several names whose videos follow each other.
        pipeline: Transforms, see `video_knet.datasets.transforms`.
        ref_sampler: Config of a sampler of reference frames; None for single frames.
        test_mode: Frames in order, without reference frames and without randomness.
        repeats: Passes over the data in one epoch, each with draws of its own.
        check_labels: Whether to decode each annotation at the start to check its values, besides the presence and size
            of each file, which are always checked. Takes about 10 ms per file and core; processes share it.
        max_refetch: How many times a sample that the pipeline refused is replaced by another one before giving up.

    Raises:
        FormatError: A file is missing, of the wrong size, or holds forbidden values.
    """

    def __init__(
        self,
        format: str,
        data_root: str,
        split: str | Sequence[str],
        pipeline: Sequence[dict],
        ref_sampler: dict | None = None,
        test_mode: bool = False,
        repeats: int = 1,
        check_labels: bool = True,
        max_refetch: int = 100,
        lazy_init: bool = False,
    ) -> None:
        if test_mode and ref_sampler is not None:
            raise ValueError("test_mode gives single frames in order: leave ref_sampler out, or set test_mode=False")
        super().__init__(
            data_root=data_root, pipeline=pipeline, test_mode=test_mode, max_refetch=max_refetch, lazy_init=True
        )
        keep_freed_memory()
        self.splits = (split,) if isinstance(split, str) else tuple(split)
        self.ref_sampler = None if ref_sampler is None else TASK_UTILS.build(ref_sampler)
        self.repeats = repeats
        self.check_labels = check_labels
        self.format_name, self.format = format_key(format), get_format(format)
        self._metainfo.update(self._format_metainfo())
        # Seed and epoch, in shared memory so that workers that outlive an epoch see the next one.
        self._clock = torch.zeros(2, dtype=torch.int64).share_memory_()
        if not lazy_init:
            self.full_init()

    def _format_metainfo(self) -> dict:
        """Classes and colours indexed by dataset id, and the dataset id of each network label."""
        classes = self.format.classes
        return {
            "format": self.format_name,
            "dataset": self.format.name,
            "classes": classes.names,
            "palette": classes.palette,
            "thing_ids": classes.thing_ids,
            "label_ids": classes.label_ids,
        }

    def load_data_list(self) -> list[dict]:
        """Finds and checks all files.

        Returns:
            One dict per frame, videos one after the other.
        """
        videos = [video for split in self.splits for video in self.format.videos(self.data_root, split)]
        if not any(video.frames for video in videos):
            raise FormatError(f"{self.data_root}: no frames in split {self.splits}; see data/README.md for the layout")
        check_videos(videos, self.format)
        if self.check_labels:
            check_labels(videos, self.format)
        self.video_lengths = [len(video.frames) for video in videos]
        self.video_starts = list(accumulate(self.video_lengths, initial=0))[:-1]
        self.key_frames = self._find_key_frames()
        num_frames = sum(self.video_lengths)
        print_log(f"{self.format_name} {self.splits}: {len(videos)} videos, {num_frames} frames", "current")
        return [
            {
                "format": self.format_name,
                "img_id": self.video_starts[video_id] + frame_id,
                "img_path": str(frame.image),
                "label_source": str(frame.label) if isinstance(frame.label, Path) else frame.label,
                "video_id": video_id,
                "video_name": video.name,
                "video_length": len(video.frames),
                "frame_id": frame_id,
                "frame_name": frame.name,
            }
            for video_id, video in enumerate(videos)
            for frame_id, frame in enumerate(video.frames)
        ]

    def _find_key_frames(self) -> list[tuple[int, int]]:
        """(video, frame) of each sample."""
        if self.ref_sampler is None:
            return [(video, frame) for video, length in enumerate(self.video_lengths) for frame in range(length)]
        key_frames = self.ref_sampler.setup(self.video_lengths)
        if not key_frames:
            raise FormatError(
                f"{self.data_root}: no frame has another frame in the window of {type(self.ref_sampler).__name__}; "
                "give longer videos, a wider window, or ref_sampler=None"
            )
        return key_frames

    @force_full_init
    def __len__(self) -> int:
        return len(self.key_frames) * self.repeats

    def __getitem__(self, index: int) -> dict:
        """The sample `index`, with draws that depend on (seed, epoch, index) alone in training."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is outside a dataset of {len(self)} samples")
        index %= len(self)
        if self.test_mode:
            return super().__getitem__(index)
        seed, epoch = self._clock.tolist()
        with seeded(seed, epoch, index):
            return super().__getitem__(index)

    def prepare_data(self, index: int) -> dict | None:
        """Draws the reference frames of a sample and runs the pipeline on the clip.

        Returns:
            What the pipeline returns; None where it refuses the clip.
        """
        video, frame = self.key_frames[index % len(self.key_frames)]
        references = []
        if self.ref_sampler is not None:
            references = self.ref_sampler.draw(video, frame, self.video_lengths[video])
        frames = [self.get_data_info(self.video_starts[video] + position) for position in [*references, frame]]
        results = {key: [info[key] for info in frames] for key in frames[0]}
        results["key_frame_flags"] = [False] * len(references) + [True]
        return self.pipeline(results)

    def set_epoch(self, epoch: int, seed: int | None = None) -> None:
        """Sets what the draws of the next samples depend on, in this process and its workers.

        Args:
            epoch: Number of the epoch, from 0.
            seed: Seed of the run; None keeps the last one (at first 0).
        """
        self._clock[1] = epoch
        if seed is not None:
            self._clock[0] = seed
