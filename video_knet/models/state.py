"""Everything that is remembered about one video between two frames."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, TypeVar

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from knet.segments import Segments


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

    PER_TRACK: ClassVar[tuple[str, ...]] = ("ids", "embeddings", "labels", "last_frames")

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

    def seen_again(self, positions: Tensor, embeddings: Tensor, momentum: float, frame_id: int) -> Self:
        """Some of them met the frame's objects.

        Args:
            positions: (n,) which ones.
            embeddings: (n, C) of the objects.
            momentum: Share of the new embedding in a track's embedding.
            frame_id: Number of the frame.
        """
        mixed = self.embeddings.clone()
        mixed[positions] = (1 - momentum) * mixed[positions] + momentum * embeddings
        return replace(self, embeddings=mixed, last_frames=self.last_frames.index_fill(0, positions, frame_id))

    def joined_by(self, frame_id: int, **new: Tensor) -> Self:
        """New tracks after those that are there; `new` has all of `PER_TRACK` but the last frame, the `frame_id`."""
        new["last_frames"] = torch.full_like(new["ids"], frame_id)
        values = {name: torch.cat([getattr(self, name), new[name]]) for name in self.PER_TRACK}
        return replace(self, **values, num_tracks=self.num_tracks + len(new["ids"]))

    def subset(self, kept: Tensor) -> Self:
        """Only the tracks where (M,) bool is True."""
        values = {name: getattr(self, name) for name in self.PER_TRACK}
        return replace(self, **{name: value[kept.to(value.device)] for name, value in values.items()})


@dataclass(frozen=True)
class MovingTracks(Tracks):
    """Memory of a tracker that expects where objects go.

    Attributes:
        means: (M, 8) float64 on the CPU: centre, aspect and height of a box, and their change by frame.
        covariances: (M, 8, 8) float64 on the CPU.
    """

    PER_TRACK = (*Tracks.PER_TRACK, "means", "covariances")

    means: Tensor = field(default_factory=lambda: torch.zeros(0, 8, dtype=torch.float64))
    covariances: Tensor = field(default_factory=lambda: torch.zeros(0, 8, 8, dtype=torch.float64))


@dataclass(frozen=True)
class VideoState:
    """Where a video stands after a frame.

    Attributes:
        video: What identifies the video.
        frame_id: Position of the last frame that was seen; -1 before the first.
        kernels: (1, N, C) output kernels of that frame, (W, N, C) where it was segmented in W windows; None where no
            part of the model reads them.
        tracks: Memory of the tracker; None without a tracker or before the first frame.
    """

    video: object
    frame_id: int = -1
    kernels: Tensor | None = None
    tracks: Tracks | None = None


@dataclass(frozen=True)
class BufferedFrame:
    """A frame that waits for its window.

    Attributes:
        sample: Receives the result.
        features: (1, C, h, w) pixel features.
        segments: Result of per-frame K-Net.
    """

    sample: DetDataSample
    features: Tensor
    segments: Segments


@dataclass(frozen=True)
class ClipTracks:
    """The objects of the last window.

    Attributes:
        ids: (M,) int64 track ids, from 1.
        labels: (M,) int64.
        kernels: (M, C) of the clip.
        masks: (M, P) bool, in the frames that the next window sees again.
        num_tracks: How many ids have been given out.
    """

    ids: Tensor
    labels: Tensor
    kernels: Tensor
    masks: Tensor
    num_tracks: int


@dataclass(frozen=True)
class ClipState(VideoState):
    """Where a video stands that is segmented window by window.

    Attributes:
        frames: Of the window that is being filled.
        num_done: How many of them have a result already: those that the last window shares with this one.
        clip_tracks: Objects of the last window; None in the first.
    """

    frames: tuple[BufferedFrame, ...] = ()
    num_done: int = 0
    clip_tracks: ClipTracks | None = None


State = TypeVar("State", bound=VideoState)


def successor(state: State | None, metainfo: dict, new: type[State] = VideoState) -> State:
    """The state that a frame starts from: a new one for frame 0, else that of the frame before.

    Args:
        state: After the frame before.
        metainfo: Of the frame.
        new: What to start a video with.

    Raises:
        ValueError: There is no such state.
    """
    video, frame_id = metainfo.get("video_id"), metainfo.get("frame_id")
    if frame_id is None:
        raise ValueError("a frame has no frame_id in its metainfo: give its position in the video, from 0")
    if frame_id == 0:
        return new(video, frame_id=0)
    name = metainfo.get("video_name", video)
    if state is None:
        raise ValueError(f"video {name} starts with frame {frame_id}; a video has to start with frame 0")
    if state.video != video:
        raise ValueError(
            f"frame {frame_id} of video {name} follows frame {state.frame_id} of video {state.video}; online inference "
            "needs one video after the other, each from frame 0 (use WholeVideoSampler)"
        )
    if frame_id != state.frame_id + 1:
        raise ValueError(
            f"video {name}: frame {frame_id} follows frame {state.frame_id}, expected {state.frame_id + 1}; online "
            "inference needs every frame in order"
        )
    return replace(state, frame_id=frame_id)


class OnlineModel:
    """A model that goes through videos frame by frame; what it remembers between two calls is `state`.

    Its `step(*inputs, sample, state)` is pure in the state and returns what it found, and the state after the frame.
    """

    first_state: ClassVar[type[VideoState]] = VideoState
    state: VideoState | None = None

    def advance(self, sample: DetDataSample, shape: tuple[int, ...], *inputs) -> Any:
        """Take the next frame.

        Args:
            sample: Its metainfo; receives the result.
            shape: (H, W) of the padded frame.
            *inputs: What `step` sees of the frame.

        Returns:
            What `step` found.

        Raises:
            ValueError: A frame was skipped, or the video changed midway.
        """
        sample.set_metainfo({"batch_input_shape": tuple(shape)})
        state = successor(self.state, sample.metainfo, self.first_state)
        self.state = None  # half-done frames must not be continued from
        found, self.state = self.step(*inputs, sample, state)
        return found
