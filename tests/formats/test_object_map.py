"""Overlapping objects as one map of regions: the same as the stack of their masks, whatever their number."""

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from video_knet.formats import VOID, FormatError, ObjectMap
from video_knet.formats.coding.frame_objects import (
    FrameObjects,
    number_tracks,
    pack_polygon,
    polygons_text,
    unpack_polygon,
)
from video_knet.formats.coding.object_map import map_from_runs, paint
from video_knet.formats.coding.rle import decode_runs, encode_masks


def map_of(masks: np.ndarray, semantic: Sequence[int], track: Sequence[int]) -> ObjectMap:
    size = masks.shape[1:]
    return map_from_runs(decode_runs(encode_masks(masks) if len(masks) else [], size), size, semantic, track)


def check(masks: np.ndarray) -> ObjectMap:
    found = map_of(masks, np.arange(len(masks)) % 40, np.arange(1, len(masks) + 1))
    assert (found.regions.dtype, found.members.dtype) == (np.uint16, bool)
    assert (found.semantic.dtype, found.track.dtype) == (np.uint8, np.int32)
    assert found.regions.shape == masks.shape[1:]
    assert found.members.shape[1] == len(masks)
    assert (np.moveaxis(found.members[found.regions], -1, 0) == masks).all()
    assert not (found.regions == VOID).any()
    assert not found.members[VOID : VOID + 1].any()
    used = np.unique(found.regions)
    assert len(np.unique(found.members[used], axis=0)) == len(used)  # no two regions with the same objects
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 7, 63, 64, 65, 130])
def test_map_equals_the_stack_of_masks(count):
    rng = np.random.default_rng(count)
    rows, columns = np.mgrid[:23, :37]
    centres = rng.uniform(0, 37, (count, 2, 1, 1))
    masks = np.hypot(rows - centres[:, 0], columns - centres[:, 1]) < rng.uniform(0, 15, (count, 1, 1))
    masks[::5] = False  # some objects are not seen
    check(masks)


@pytest.mark.parametrize(("shape", "count"), [((1, 1), 3), ((1, 9), 4), ((9, 1), 4), ((4, 3), 2)])
def test_every_size(shape, count):
    rng = np.random.default_rng(1)
    for share in (0, 0.3, 1):
        check(rng.random((count, *shape)) < share)


@pytest.mark.parametrize("count", [12, 70])
def test_more_than_255_regions(count):
    masks = np.random.default_rng(0).random((count, 30, 40)) < 0.5
    assert check(masks).regions.max() > VOID


def test_regions_have_16_bits():
    pixels = np.arange(1 << 16).reshape(256, 256)
    masks = pixels >> np.arange(16)[:, None, None] & 1 == 1  # every pixel has objects of its own
    with pytest.raises(FormatError, match="overlap in 65536 different ways, more than the 65535"):
        map_of(masks, np.zeros(16), np.ones(16))
    masks[:, 0, 1] = masks[:, 0, 0]
    assert check(masks).regions.max() == (1 << 16) - 1


def test_later_objects_are_painted_on_top():
    masks = np.zeros((3, 2, 4), bool)
    masks[0, :, :3], masks[1, 0, 1:], masks[2, 0, 2] = True, True, True
    for found in (map_of(masks, [7, 8, 9], [1, 2, 0]), map_of(masks[:0], [], [])):
        segments = paint(found)
        assert (segments.semantic.dtype, segments.track.dtype) == (np.uint8, np.int32)
        if len(found.track):
            assert segments.semantic.tolist() == [[7, 8, 9, 8], [7, 7, 7, VOID]]
            assert segments.track.tolist() == [[1, 2, 0, 2], [1, 1, 1, 0]]
        else:
            assert (segments.semantic == VOID).all()
            assert not segments.track.any()


def test_polygons_are_drawn_as_by_pycocotools():
    rng = np.random.default_rng(0)
    for decimals in (0, 2, 15):
        polygons = [rng.uniform(-3, 45, 2 * corners).round(decimals) for corners in (3, 4, 9)]
        packed = tuple(pack_polygon(polygon.tolist()) for polygon in polygons)
        assert all((unpack_polygon(p) == polygon).all() for p, polygon in zip(packed, polygons))
        assert len(packed[0]) == 1 + 6 * (8 if decimals > 2 else 4)
        objects = FrameObjects("a.json", "image 1", (30, 40), (3,), (1,), (packed,))
        assert pickle.loads(pickle.dumps(objects)) == objects
        expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([p.tolist() for p in polygons], 30, 40)))
        assert (paint(objects.read()).track == expected).all()
        assert polygons_text(packed, (30, 40)) == objects_text(expected)


def objects_text(mask: np.ndarray) -> str:
    return encode_masks(mask[None])[0]["counts"]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([1, 2, 3, 4], "has 4 numbers"),  # pycocotools would take it for a box
        ([1] * 7, "has 7 numbers"),
        ([], "has 0 numbers"),
        ([1] * 5 + [float("nan")], "all finite"),
        ([[1, 2, 3, 4, 5, 6]], "has 6 numbers"),
        ([1] * 5 + [1e7], "outside -1000000"),
        ([1] * 5 + [10**400], "no list of numbers"),
        ([1] * 5 + ["x"], "no list of numbers"),
        (None, "has 1 numbers"),
    ],
)
def test_what_is_no_polygon_is_named(numbers, message):
    with pytest.raises(ValueError, match=message):
        pack_polygon(numbers)


def test_tracks_are_places_or_what_the_file_says():
    assert number_tracks([(3, False, None), (4, True, None), (3, False, None)]) == [1, 0, 3]
    assert number_tracks([(3, False, 9), (4, True, None), (4, False, 9)]) == [9, 0, 9]
    for unsound in (None, 0, -1, 2**31, True, "2", 9.0):
        assert number_tracks([(3, False, 9), (3, False, unsound)]) == [1, 2]
    assert number_tracks([(3, False, 9), (3, False, 9)]) == [1, 2]
    assert number_tracks([]) == []


def test_crowds_lie_below():
    masks = np.zeros((2, 3, 3), bool)
    masks[0, 1], masks[1] = True, True
    texts = [code["counts"] for code in encode_masks(masks)]
    objects = FrameObjects.ordered("a.json", "frame", (3, 3), [(5, 1, texts[0]), (6, 0, texts[1])])
    assert paint(objects.read()).semantic.tolist() == [[6] * 3, [5] * 3, [6] * 3]


def test_mask_that_cannot_be_decoded():
    objects = FrameObjects("a.json", "video v, frame 2", (3, 3), (5, 5), (1, 2), ("9", "00"))
    with pytest.raises(
        FormatError, match=r"a\.json: video v, frame 2, object 1: mask cannot be decoded, counts add up"
    ):
        objects.read()
