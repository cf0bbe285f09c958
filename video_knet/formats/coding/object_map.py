"""Objects that may overlap as one map of regions, built from the edges of their masks and not pixel by pixel.

A pixel's *code* has one bit per object that covers it. Down the columns of run-length codes it changes at edges only.

Legend: N objects, R regions, S stretches of pixels with one code, W 64-bit words of a code, H W size.
"""

from collections.abc import Sequence

import numpy as np

from ..base import VOID, FormatError, ObjectMap, SegmentMap
from .rle import Runs

WORD = 64
MAX_REGIONS = np.iinfo(np.uint16).max  # numbers of regions are 16 bits wide, and VOID is none of them


def map_from_runs(runs: Runs, size: tuple[int, int], semantic: Sequence[int], track: Sequence[int]) -> ObjectMap:
    """Map of N run-length coded masks.

    Args:
        runs: Their runs, from `decode_runs`.
        size: (H, W).
        semantic: (N,) dataset class id of each.
        track: (N,) id of each from 1, 0 for a crowd.

    Raises:
        FormatError: There are more regions than a map can number.
    """
    count = len(runs.first) - 1
    owner = np.repeat(np.arange(count), np.diff(runs.first))
    bit = np.uint64(1) << (owner % WORD).astype(np.uint64)
    edges = runs.edges.ravel()
    order = np.argsort(edges, kind="stable")
    edges, steps = edges[order], np.concatenate([bit, np.uint64(0) - bit])[order]  # a run begins, a run ends
    word = np.concatenate([owner, owner])[order] // WORD
    starts = np.concatenate([[0], edges])
    lengths = np.diff(starts, append=runs.pixels)
    real = lengths > 0
    codes = np.zeros((int(real.sum()), _words(count)), np.uint64)  # (S, W)
    for w in range(codes.shape[1]):
        code = np.concatenate([np.zeros(1, np.uint64), np.cumsum(np.where(word == w, steps, np.uint64(0)))])
        codes[:, w] = code[real]
    numbers, members = _number_regions(codes, count)
    columns = np.repeat(numbers, lengths[real]).reshape(size[1], size[0])
    return ObjectMap(np.ascontiguousarray(columns.T), members, *_facts(semantic, track))


def top_objects(members: np.ndarray) -> np.ndarray:
    """(R,) index of the last object that covers each region of (R, N) members; -1 where none does."""
    count = members.shape[1]
    if not count:
        return np.full(len(members), -1)
    return np.where(members.any(1), count - 1 - members[:, ::-1].argmax(1), -1)


def paint(objects: ObjectMap) -> SegmentMap:
    """The objects painted in their order, later ones on top; `VOID` where there is none."""
    top = top_objects(objects.members)
    semantic = np.append(objects.semantic, np.uint8(VOID))[top]  # (R,), -1 takes what was appended
    track = np.append(objects.track, np.int32(0))[top]
    return SegmentMap(semantic[objects.regions], track[objects.regions])


def _words(count: int) -> int:
    return max(1, -(-count // WORD))


def _facts(semantic: Sequence[int], track: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(semantic, np.uint8), np.asarray(track, np.int32)


def _number_regions(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of each stretch, (S,) uint16, and members of each number, (R, N) bool, from the codes, (S, W)."""
    if codes.shape[1] == 1:
        found, index = np.unique(codes[:, 0], return_inverse=True)
        found = found[:, None]
    else:
        found, index = np.unique(codes, axis=0, return_inverse=True)
    if len(found) > MAX_REGIONS:
        raise FormatError(
            f"objects overlap in {len(found)} different ways, more than the {MAX_REGIONS} that a map can number. "
            "Leave some of the objects out."
        )
    number_of = np.arange(len(found), dtype=np.uint16)
    number_of[VOID:] += 1
    bits = np.unpackbits(found.astype("<u8").view(np.uint8).reshape(len(found), -1), axis=1, bitorder="little")
    members = np.zeros((int(number_of[-1]) + 1, count), bool)
    members[number_of] = bits[:, :count]
    return number_of[index.reshape(-1)], members
