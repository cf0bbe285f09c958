"""Quasi-dense association: which of the current objects are which of the remembered ones (Sec. 3.3, inference).

Sees boxes, scores, labels and embeddings, never the model. n objects in the frame, M remembered ones, C channels.
"""

from dataclasses import replace

import torch
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from video_knet.models.state import Tracks

NEW, IGNORED = 0, -1  # what an object is before it has an id: free to start a track, or not


def bidirectional_softmax(objects: Tensor, memory: Tensor) -> Tensor:
    """(n, C) and (M, C) to (n, M): softmax of the dot products over either side, averaged."""
    logits = objects @ memory.T
    return (logits.softmax(dim=1) + logits.softmax(dim=0)) / 2


def softmax(objects: Tensor, memory: Tensor) -> Tensor:
    """(n, C) and (M, C) to (n, M): softmax of the dot products over the memory."""
    return (objects @ memory.T).softmax(dim=1)


def cosine(objects: Tensor, memory: Tensor) -> Tensor:
    """(n, C) and (M, C) to (n, M)."""
    normalize = torch.nn.functional.normalize
    return normalize(objects, dim=1) @ normalize(memory, dim=1).T


SIMILARITIES = {f.__name__: f for f in (bidirectional_softmax, softmax, cosine)}


@TASK_UTILS.register_module()
class QuasiDenseTracker:
    """Appearance tracker of Quasi-Dense Similarity Learning, a pure function of its memory.

    Args:
        similarity: `bidirectional_softmax`, `softmax` or `cosine`.
        match_thr: Least similarity of a match.
        object_thr: A match needs a higher score than this.
        new_thr: A new track needs a higher score than this.
        duplicate_iou: Boxes that overlap a better one more than this are duplicates.
        low_score: Below it an object counts as a duplicate from `backdrop_iou` on.
        backdrop_iou: Backdrops may overlap better boxes no more than this.
        memory_frames: Frames after which a track that was not seen is forgotten.
        backdrop_frames: Frames whose backdrops are remembered.
        momentum: Share of the new embedding in a track's embedding.
        same_class: Whether a match needs equal labels.
    """

    def __init__(
        self,
        similarity: str = "bidirectional_softmax",
        match_thr: float = 0.5,
        object_thr: float = 0.3,
        new_thr: float = 0.35,
        duplicate_iou: float = 0.7,
        low_score: float = 0.3,
        backdrop_iou: float = 0.3,
        memory_frames: int = 5,
        backdrop_frames: int = 1,
        momentum: float = 0.8,
        same_class: bool = True,
    ) -> None:
        if similarity not in SIMILARITIES:
            raise ValueError(f"similarity={similarity!r} is unknown; choose from {', '.join(SIMILARITIES)}")
        self.similarity = SIMILARITIES[similarity]
        self.match_thr, self.object_thr, self.new_thr = match_thr, object_thr, new_thr
        self.duplicate_iou, self.low_score, self.backdrop_iou = duplicate_iou, low_score, backdrop_iou
        self.memory_frames, self.backdrop_frames = memory_frames, backdrop_frames
        self.momentum, self.same_class = momentum, same_class

    @torch.no_grad()
    def __call__(
        self, boxes: Tensor, scores: Tensor, labels: Tensor, embeddings: Tensor, frame_id: int, tracks: Tracks | None
    ) -> tuple[Tensor, Tracks]:
        """Associate the objects of a frame.

        Args:
            boxes: (n, 4) x1, y1, x2, y2.
            scores: (n,).
            labels: (n,).
            embeddings: (n, C).
            frame_id: Number of the frame, rising.
            tracks: Memory after the last frame, on the CPU; None at the start. It is not changed.

        Returns:
            Ids (n,) from 1 in the order of the objects, 0 for those that are duplicates or no track; the new memory.
        """
        device = boxes.device
        # A handful of objects: they move to the CPU once, and nothing waits for the device after that.
        boxes, scores, labels, embeddings = (x.cpu() for x in (boxes, scores, labels, embeddings))
        if tracks is None:
            tracks = Tracks.empty(embeddings.shape[1])
        order = scores.argsort(descending=True, stable=True)
        overlaps = bbox_overlaps(boxes[order], boxes[order])  # (n, n)
        kept = ~self._duplicates(overlaps, scores[order])
        order, overlaps = order[kept], overlaps[kept][:, kept]
        scores, labels, embeddings = scores[order], labels[order], embeddings[order]

        ids = self._match(scores, labels, embeddings, tracks)
        starts = (ids == NEW) & (scores > self.new_thr)
        ids[starts] = torch.arange(1, int(starts.sum()) + 1) + tracks.num_tracks
        tracks = self._remember(ids, labels, embeddings, overlaps, frame_id, tracks)

        all_ids = torch.zeros(len(boxes), dtype=torch.int64)
        all_ids[order] = ids.clamp(min=0)
        return all_ids.to(device), tracks

    def _duplicates(self, overlaps: Tensor, scores: Tensor) -> Tensor:
        """(n,) bool: whether an object overlaps any better one, itself a duplicate or not, too much."""
        limit = torch.where(scores < self.low_score, self.backdrop_iou, self.duplicate_iou)
        return (overlaps.tril(-1) > limit[:, None]).any(dim=1)

    def _match(self, scores: Tensor, labels: Tensor, embeddings: Tensor, tracks: Tracks) -> Tensor:
        """(n,) ids of the tracks that were found again; NEW or IGNORED for the others.

        Best objects choose first. A track that is taken is out of reach for the rest; a backdrop never is.
        """
        ids = torch.full_like(labels, NEW)
        if not len(tracks.ids) or not len(ids):
            return ids
        backdrop_embeddings, backdrop_labels = zip(*tracks.backdrops) if tracks.backdrops else ((), ())
        memory = torch.cat([tracks.embeddings, *backdrop_embeddings])
        memory_labels = torch.cat([tracks.labels, *backdrop_labels])
        similarity = self.similarity(embeddings, memory)  # (n, M)
        if self.same_class:
            similarity = similarity * (labels[:, None] == memory_labels)
        confident, known, found = (scores > self.object_thr).tolist(), tracks.ids.tolist(), ids.tolist()
        for i in range(len(found)):
            value, j = similarity[i].max(dim=0)
            if value <= self.match_thr or j >= len(known):
                continue
            found[i] = known[j] if confident[i] else IGNORED
            if confident[i]:
                similarity[i + 1 :, j] = 0
        return torch.tensor(found, dtype=ids.dtype)

    def _remember(
        self, ids: Tensor, labels: Tensor, embeddings: Tensor, overlaps: Tensor, frame_id: int, tracks: Tracks
    ) -> Tracks:
        """The memory after this frame."""
        seen = (ids[:, None] == tracks.ids) & (ids > 0)[:, None]  # (n, M)
        objects, positions = seen.nonzero(as_tuple=True)
        tracks = tracks.seen_again(positions, embeddings[objects], self.momentum, frame_id)
        tracks = replace(tracks, labels=tracks.labels.index_copy(0, positions, labels[objects]))
        new = ids > tracks.num_tracks
        tracks = tracks.joined_by(frame_id, ids=ids[new], embeddings=embeddings[new], labels=labels[new])
        tracks = tracks.subset(frame_id - tracks.last_frames < self.memory_frames)
        free = (ids == NEW) & ~(overlaps.tril(-1) > self.backdrop_iou).any(dim=1)
        backdrops = ((embeddings[free], labels[free]), *tracks.backdrops)[: self.backdrop_frames]
        return replace(tracks, backdrops=backdrops)
