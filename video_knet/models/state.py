"""Everything that is remembered about one video between two frames."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tracks:
    """Memory of the tracker.

    Attributes:
        ids: (M,) int64 track ids, from 1, in order of appearance.
        embeddings: (M, C).
        labels: (M,) int64.
        last_frames: (M,) int64 frame in which each was last seen.
        backdrops: (embeddings, labels) of detections that became no track, newest frame first.
        num_tracks: How many ids have been given out.
    """

    ids: Tensor
    embeddings: Tensor
    labels: Tensor
    last_frames: Tensor
    backdrops: tuple[tuple[Tensor, Tensor], ...] = ()
    num_tracks: int = 0

    @classmethod
    def empty(cls, channels: int, device: torch.device | str = "cpu") -> "Tracks":
        """No tracks yet."""
        nothing = torch.zeros(0, dtype=torch.int64, device=device)
        return cls(nothing, torch.zeros(0, channels, device=device), nothing, nothing)


@dataclass(frozen=True)
class VideoState:
    """Where a video stands after a frame.

    Attributes:
        video: What identifies the video.
        frame_id: Position of the last frame that was seen; -1 before the first.
        kernels: (1, N, C) output kernels of that frame; None where no part of the model reads them.
        tracks: Memory of the tracker; None without a tracker or before the first frame.
    """

    video: object
    frame_id: int = -1
    kernels: Tensor | None = None
    tracks: Tracks | None = field(default=None)
