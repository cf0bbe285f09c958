"""Sampler for validation and test: whole videos, frames in order."""

from collections.abc import Iterator
from itertools import accumulate

from mmdet.registry import DATA_SAMPLERS
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info
from torch.utils.data import Dataset, Sampler

from video_knet.datasets.base import VideoDataset


def share_videos(lengths: list[int], num_ranks: int) -> list[list[int]]:
    """Shares videos among ranks so that the ranks have about the same number of frames.

    The longest video that is left goes to the rank with the fewest frames.

    Args:
        lengths: Number of frames of each video.
        num_ranks: Number of ranks; it may exceed the number of videos.

    Returns:
        Indices of the videos of each rank, ascending; empty for ranks without a video.
    """
    shares: list[list[int]] = [[] for _ in range(num_ranks)]
    loads = [0] * num_ranks
    for video in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        rank = loads.index(min(loads))
        shares[rank].append(video)
        loads[rank] += lengths[video]
    return [sorted(share) for share in shares]


@DATA_SAMPLERS.register_module()
class WholeVideoSampler(Sampler):
    """Gives each rank whole videos, frame by frame in order, balanced by number of frames.

    Frames are neither repeated nor dropped, so that results equal those of one process; a rank may have none. Online
    models need a batch size of 1 with it.

    Args:
        dataset: A `VideoDataset` in test mode, or a `ConcatDataset` of them.
        seed: Ignored; the runner passes it to any sampler.
    """

    def __init__(self, dataset: Dataset, seed: int | None = None) -> None:
        parts = dataset.datasets if isinstance(dataset, ConcatDataset) else [dataset]
        for part in parts:
            if not isinstance(part, VideoDataset) or not part.test_mode:
                raise TypeError(
                    f"WholeVideoSampler needs VideoDatasets with test_mode=True, or a ConcatDataset of them, but got "
                    f"{type(part).__name__} with test_mode={getattr(part, 'test_mode', None)}"
                )
        lengths = [length for part in parts for length in part.video_lengths]
        starts = list(accumulate(lengths, initial=0))
        rank, num_ranks = get_dist_info()
        self.indices = [
            starts[video] + frame for video in share_videos(lengths, num_ranks)[rank] for frame in range(lengths[video])
        ]

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)
