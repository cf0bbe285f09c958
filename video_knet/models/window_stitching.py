"""Which object of a window is which object of the window before.

M objects of the new window, n of the last one, C channels, P pixels of the frames that both windows see.
"""

import torch
from mmdet.registry import TASK_UTILS
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from video_knet.models.state import ClipTracks
from video_knet.models.tracker import cosine
from video_knet.models.tubes import mask_ious


@TASK_UTILS.register_module()
class WindowStitcher:
    """One-to-one matching of objects of equal label by the masks in the frames that two windows share, and by kernels.

    The similarity of two objects is the mean of the IoU of their masks and the cosine of their kernels.

    Args:
        overlap: Frames that a window shares with the one before.
        match_thr: Least similarity of a match.
    """

    def __init__(self, overlap: int = 2, match_thr: float = 0.5) -> None:
        if overlap < 1:
            raise ValueError(f"overlap is {overlap}: windows must share a frame, or nothing says which object is which")
        self.overlap, self.match_thr = overlap, match_thr

    def __call__(self, kernels: Tensor, labels: Tensor, masks: Tensor, last: ClipTracks | None) -> tuple[Tensor, int]:
        """Give each object of a window its track id.

        Args:
            kernels: (M, C) of the clip.
            labels: (M,).
            masks: (M, P) bool, in the frames shared with the window before.
            last: Objects of the window before; None where there is none.

        Returns:
            (M,) int64 ids, and how many ids have been given out by now. Without a window before they are 1 to M.
        """
        ids, num_tracks = torch.zeros_like(labels), 0 if last is None else last.num_tracks
        if last is not None and len(labels) and len(last.ids):
            similarity = (mask_ious(masks, last.masks) + cosine(kernels, last.kernels)) / 2  # (M, n)
            similarity = similarity.masked_fill(labels[:, None] != last.labels, -1).cpu()
            new, old = (torch.as_tensor(index) for index in linear_sum_assignment(-similarity.numpy()))
            good = similarity[new, old] >= self.match_thr
            ids[new[good].to(ids.device)] = last.ids[old[good].to(ids.device)]
        unknown = ids == 0
        ids[unknown] = num_tracks + torch.arange(1, int(unknown.sum()) + 1, device=ids.device)
        return ids, num_tracks + int(unknown.sum())
