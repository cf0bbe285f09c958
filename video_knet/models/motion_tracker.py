"""Association by appearance and motion, for embeddings that were not trained to tell objects apart (Table 1).

Sees boxes, scores, labels and embeddings, never the model. n objects in the frame, M remembered ones, C channels.
"""

from dataclasses import replace

import numpy as np
import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import bbox_cxcyah_to_xyxy, bbox_overlaps, bbox_xyxy_to_cxcyah
from mmdet.utils import ConfigType
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from video_knet.models.state import MovingTracks
from video_knet.models.tracker import cosine


@TASK_UTILS.register_module()
class AppearanceMotionTracker:
    """Tracker of UniTrack: appearance within reach of a Kalman filter, then overlap; a pure function of its memory.

    First objects are assigned to all tracks at least cost, a mean of one minus cosine and squared Mahalanobis distance,
    which is also a gate. What is left is assigned by box overlap to tracks that were seen in the frame before. A
    match needs equal labels. There is no trial period for new tracks: segments of a panoptic map are few.

    Args:
        max_cost: Greatest cost of the first assignment.
        min_iou: Least overlap of the second one.
        new_thr: A new track needs a higher score than this.
        motion_weight: Share of the Mahalanobis distance in the cost.
        momentum: Share of the new embedding in a track's embedding.
        memory_frames: Frames after which a track that was not seen is forgotten.
        motion: Config of the Kalman filter.
    """

    def __init__(
        self,
        max_cost: float = 0.7,
        min_iou: float = 0.5,
        new_thr: float = 0.35,
        motion_weight: float = 0.02,
        momentum: float = 0.1,
        memory_frames: int = 30,
        motion: ConfigType = dict(type="KalmanFilter"),
    ) -> None:
        self.max_cost, self.min_iou, self.new_thr = max_cost, min_iou, new_thr
        self.motion_weight, self.momentum, self.memory_frames = motion_weight, momentum, memory_frames
        self.motion = TASK_UTILS.build(motion)

    @torch.no_grad()
    def __call__(
        self,
        boxes: Tensor,
        scores: Tensor,
        labels: Tensor,
        embeddings: Tensor,
        frame_id: int,
        tracks: MovingTracks | None,
    ) -> tuple[Tensor, MovingTracks]:
        """Associate the objects of a frame.

        Args:
            boxes: (n, 4) x1, y1, x2, y2 of the outermost pixels.
            scores: (n,).
            labels: (n,).
            embeddings: (n, C).
            frame_id: Number of the frame, rising.
            tracks: Memory after the last frame; None at the start. It is not changed.

        Returns:
            Ids (n,) from 1 in the order of the objects, 0 for no track; the new memory.
        """
        if tracks is None:
            tracks = MovingTracks.empty(embeddings.shape[1], embeddings.device)
        boxes = boxes + boxes.new_tensor([0, 0, 1, 1])  # to the far sides of the pixels: no box is empty
        places = bbox_xyxy_to_cxcyah(boxes).double().cpu().numpy()  # (n, 4)
        means, covariances = self._advance(tracks)
        objects, found = self._associate(boxes, places, labels, embeddings, frame_id, tracks, means, covariances)
        for i, j in zip(objects, found):
            means[j], covariances[j] = self.motion.update(means[j], covariances[j], places[i])
        ids = torch.zeros_like(labels)
        objects, found = (torch.as_tensor(index, device=labels.device) for index in (objects, found))
        ids[objects] = tracks.ids[found]
        tracks = tracks.seen_again(found, embeddings[objects], self.momentum, frame_id)
        tracks = replace(tracks, means=torch.from_numpy(means), covariances=torch.from_numpy(covariances))
        new = ((ids == 0) & (scores > self.new_thr)).nonzero().flatten()
        ids[new] = tracks.num_tracks + torch.arange(1, len(new) + 1, device=ids.device)
        tracks = self._start(tracks, ids[new], embeddings[new], labels[new], places[new.cpu().numpy()], frame_id)
        return ids, tracks.subset(frame_id - tracks.last_frames < self.memory_frames)

    def _advance(self, tracks: MovingTracks) -> tuple[np.ndarray, np.ndarray]:
        """(M, 8) means and (M, 8, 8) covariances of where the tracks should be by now."""
        means, covariances = tracks.means.numpy().copy(), tracks.covariances.numpy().copy()
        for j in range(len(means)):
            means[j], covariances[j] = self.motion.predict(means[j], covariances[j])
        return means, covariances

    def _associate(
        self,
        boxes: Tensor,
        places: np.ndarray,
        labels: Tensor,
        embeddings: Tensor,
        frame_id: int,
        tracks: MovingTracks,
        means: np.ndarray,
        covariances: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Indices of objects, and of the track of each."""
        if not len(places) or not len(means):
            return np.zeros(0, int), np.zeros(0, int)
        other_class = (labels[:, None] != tracks.labels).cpu().numpy()  # (n, M)
        pairs = zip(means, covariances)
        reach = np.stack([self.motion.gating_distance(*pair, places) for pair in pairs], axis=1)  # (n, M)
        distance = 1 - cosine(embeddings, tracks.embeddings).double().cpu().numpy()
        cost = (1 - self.motion_weight) * distance + self.motion_weight * reach
        cost[other_class | (reach > self.motion.gating_threshold)] = np.inf
        objects, found = assign(cost, self.max_cost)

        expected = bbox_cxcyah_to_xyxy(torch.from_numpy(means[:, :4])).to(boxes)
        cost = 1 - bbox_overlaps(boxes, expected).double().cpu().numpy()
        cost[other_class] = np.inf
        cost[objects], cost[:, found] = np.inf, np.inf
        cost[:, (tracks.last_frames < frame_id - 1).cpu().numpy()] = np.inf
        left, near = assign(cost, 1 - self.min_iou)
        return np.concatenate([objects, left]), np.concatenate([found, near])

    def _start(
        self,
        tracks: MovingTracks,
        ids: Tensor,
        embeddings: Tensor,
        labels: Tensor,
        places: np.ndarray,
        frame_id: int,
    ) -> MovingTracks:
        """Add new tracks."""
        begun = [self.motion.initiate(place) for place in places]
        means = np.stack([mean for mean, _ in begun]) if begun else np.zeros((0, 8))
        covariances = np.stack([covariance for _, covariance in begun]) if begun else np.zeros((0, 8, 8))
        return tracks.joined_by(
            frame_id,
            ids=ids,
            embeddings=embeddings,
            labels=labels,
            means=torch.from_numpy(means),
            covariances=torch.from_numpy(covariances),
        )


def assign(cost: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows and columns at least total cost; what costs more than `limit` stays alone.

    Args:
        cost: (n, M), infinite where a pair is impossible.
        limit: Greatest cost of a pair.
    """
    rows, columns = linear_sum_assignment(np.minimum(cost, limit + 1e-6))
    good = cost[rows, columns] <= limit
    return rows[good], columns[good]
