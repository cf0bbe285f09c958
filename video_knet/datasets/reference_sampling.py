"""Which frames of a video accompany a key frame in training."""

import random

from mmdet.registry import TASK_UTILS


@TASK_UTILS.register_module()
class ReferenceSampler:
    """Draws reference frames afresh for each sample, uniformly from a window around the key frame.

    Args:
        window: First and last offset from the key frame, in frames. The offset 0 is never drawn.
        num_refs: References per key frame, all different where the window has enough frames, in temporal order.
    """

    def __init__(self, window: tuple[int, int] = (-2, 2), num_refs: int = 1) -> None:
        first, last = window
        self.offsets = [offset for offset in range(first, last + 1) if offset != 0]
        self.num_refs = num_refs
        if not self.offsets or num_refs < 1:
            raise ValueError(
                f"window {tuple(window)} and num_refs {num_refs} leave nothing to draw: give a window (first, last) "
                "that holds an offset other than 0, and num_refs of at least 1"
            )

    def setup(self, video_lengths: list[int]) -> list[tuple[int, int]]:
        """Told the dataset once, says which frames can be key frames.

        Args:
            video_lengths: Number of frames of each video.

        Returns:
            (video, frame) of each key frame, in order: those with at least one other frame in the window.
        """
        return [
            (video, frame)
            for video, length in enumerate(video_lengths)
            for frame in range(length)
            if self.candidates(frame, length)
        ]

    def candidates(self, frame: int, video_length: int) -> list[int]:
        """Positions of the frames that may accompany `frame`, ascending."""
        return [frame + offset for offset in self.offsets if 0 <= frame + offset < video_length]

    def draw(self, video: int, frame: int, video_length: int) -> list[int]:
        """Draws from Python's global generator, which the dataset has seeded for the sample.

        Args:
            video: Index of the video.
            frame: Position of the key frame in the video.
            video_length: Number of frames of the video.

        Returns:
            Positions of the reference frames, ascending.
        """
        candidates = self.candidates(frame, video_length)
        if len(candidates) < self.num_refs:
            return sorted(random.choices(candidates, k=self.num_refs))
        return sorted(random.sample(candidates, self.num_refs))


@TASK_UTILS.register_module()
class CompleteWindowSampler(ReferenceSampler):
    """Key frames are only those whose whole window is in the video, as the released code has it for clips."""

    def setup(self, video_lengths: list[int]) -> list[tuple[int, int]]:
        """As of `ReferenceSampler`, without the frames near the ends of videos."""
        return [
            (video, frame)
            for video, frame in super().setup(video_lengths)
            if self.candidates(frame, video_lengths[video]) == [frame + offset for offset in self.offsets]
        ]


@TASK_UTILS.register_module()
class ReleasedReferenceSampler(ReferenceSampler):
    """Draws one offset per key frame for the whole run, as the released code does.

    A key frame whose drawn reference lies outside its video is dropped.

    Args:
        window: First and last offset from the key frame, in frames.
        seed: Seed of the one draw, the same in all processes.
    """

    def __init__(self, window: tuple[int, int] = (-2, 2), seed: int = 0) -> None:
        super().__init__(window)
        self.seed = seed
        self.references: dict[tuple[int, int], int] = {}

    def setup(self, video_lengths: list[int]) -> list[tuple[int, int]]:
        """Draws all references; see the class."""
        rng = random.Random(self.seed)
        for video, length in enumerate(video_lengths):
            for frame in range(length):
                reference = frame + rng.choice(self.offsets)
                if 0 <= reference < length:
                    self.references[video, frame] = reference
        return list(self.references)

    def draw(self, video: int, frame: int, video_length: int) -> list[int]:
        """The reference drawn at the start, as a list of one position."""
        return [self.references[video, frame]]
