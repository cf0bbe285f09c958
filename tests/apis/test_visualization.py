"""Properties of the overlay: what is drawn, what is left alone, and where names stand."""

import numpy as np
import pytest

from video_knet.apis.colors import identity_colors
from video_knet.apis.lettering import MIN_FONT, Label, anchor, draw_labels, largest_part, letters
from video_knet.apis.panels import compose_panels
from video_knet.apis.visualization import MIN_HEIGHT, find_tracks, overlay, segment_borders, track_names
from video_knet.formats.base import VOID, ClassTable, SegmentMap

CLASSES = ClassTable(("road", "car", "sky"), (1,), ((128, 64, 128), (0, 0, 142), (70, 130, 180)))


def scene(tracks: dict[int, tuple[int, int]], size: tuple[int, int] = (400, 600), side: int = 80) -> SegmentMap:
    """Road and sky with square cars: track id -> top left corner."""
    semantic, track = np.zeros(size, np.uint8), np.zeros(size, np.int32)
    semantic[: size[0] // 3] = 2
    for number, (top, left) in tracks.items():
        semantic[top : top + side, left : left + side] = 1
        track[top : top + side, left : left + side] = number
    return SegmentMap(semantic, track)


def picture(size: tuple[int, int] = (400, 600)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def flat_color(canvas: np.ndarray, top: int, left: int) -> tuple[int, ...]:
    """Colour of a car on a grey image, near its corner, where neither border nor letters are."""
    return tuple(canvas[top + 8, left + 8].tolist())


def test_colors_are_distinct_and_depend_on_nothing_but_the_number():
    colors = identity_colors(np.arange(1, 1001))
    assert len(np.unique(colors, axis=0)) == 1000
    first = colors[:100].astype(int)
    apart = np.abs(first[:, None] - first[None]).sum(-1) + 999 * np.eye(100, dtype=int)
    assert apart.min() > 15
    neighbours = np.abs(first[1:] - first[:-1]).sum(-1)
    assert neighbours.min() > 150
    assert np.array_equal(identity_colors(np.array([7, 10**9])), identity_colors(np.array([5, 7, 10**9]))[1:])


def test_track_keeps_its_colour_whatever_else_is_in_the_frame():
    image = np.full((400, 600, 3), 100, np.uint8)
    alone = overlay(image, scene({7: (200, 300)}), CLASSES)
    among = overlay(image, scene({3: (10, 10), 7: (250, 100), 70000: (200, 400)}), CLASSES)
    huge = overlay(image, scene({7: (200, 300), 2**30: (10, 10)}), CLASSES)
    assert flat_color(alone, 200, 300) == flat_color(among, 250, 100) == flat_color(huge, 200, 300)
    assert len({flat_color(among, *corner) for corner in ((10, 10), (250, 100), (200, 400))}) == 3


def test_colour_by_kernel_follows_the_kernel_not_the_track():
    image, segments = np.full((400, 600, 3), 100, np.uint8), scene({1: (200, 100), 2: (200, 300)})
    first = overlay(image, segments, CLASSES, {1: 40, 2: 9}, color_by="kernel")
    swapped = overlay(image, segments, CLASSES, {1: 9, 2: 40}, color_by="kernel")
    assert flat_color(first, 200, 100) == flat_color(swapped, 200, 300) != flat_color(first, 200, 300)
    by_id = overlay(image, segments, CLASSES)
    assert np.array_equal(overlay(image, segments, CLASSES, None, color_by="kernel"), by_id)
    assert np.array_equal(overlay(image, segments, CLASSES, {1: 9, 2: 40}), by_id)


def test_void_stays_the_image_and_everything_else_changes():
    image, segments = picture(), scene({})
    segments.semantic[100:300, 200:400] = VOID
    canvas = overlay(image, segments, CLASSES)
    assert np.array_equal(canvas[100:300, 200:400], image[100:300, 200:400])
    assert (canvas[segments.semantic != VOID] != image[segments.semantic != VOID]).any(-1).mean() > 0.95


def test_stuff_leans_towards_its_palette():
    image = np.full((400, 600, 3), 100, np.uint8)
    canvas = overlay(image, scene({}), CLASSES).astype(int)
    for row, class_id in ((50, 2), (300, 0)):
        shift = canvas[row, 300] - 100
        assert np.array_equal(np.sign(shift), np.sign(np.array(CLASSES.palette[class_id]) - 100))


def test_crowd_is_hatched_in_grey():
    image, segments = np.full((400, 600, 3), 100, np.uint8), scene({0: (200, 200)})
    inside = overlay(image, segments, CLASSES)[210:270, 210:270].reshape(-1, 3)
    assert len(np.unique(inside, axis=0)) == 2
    assert (inside.max(1) == inside.min(1)).all()


def test_names_stand_inside_their_masks():
    image, segments = np.full((400, 600, 3), 100, np.uint8), scene({5: (200, 300)})
    canvas = overlay(image, segments, CLASSES)
    written = (canvas > 190).all(-1)
    assert written.sum() > 20
    assert (segments.track[written] == 5).all()


@pytest.mark.parametrize("shape", ["ring", "two parts", "thin"])
def test_anchor_is_a_pixel_of_the_mask(shape):
    mask = np.zeros((60, 90), bool)
    if shape == "ring":
        rows, columns = np.ogrid[:60, :90]
        distance = np.hypot(rows - 30, columns - 45)
        mask = (distance < 28) & (distance > 20)
    elif shape == "two parts":
        mask[:20, :20] = mask[40:, 60:] = True
    else:
        mask[30, :] = True
    label = Label(("1", "1 car"), mask, (slice(100, 160), slice(200, 290)))
    row, column = anchor(label, (14, 30), np.zeros((400, 600), np.uint8))
    assert mask[row - 100, column - 200]


def test_name_belongs_to_the_largest_part():
    mask = np.zeros((60, 90), bool)
    mask[0, 0] = mask[59, 89] = mask[20:30, 50:80] = True
    part, box = largest_part(mask, (slice(100, 160), slice(200, 290)))
    assert box == (slice(120, 130), slice(250, 280))
    assert part.all()


def test_names_avoid_each_other_and_stay_in_the_picture():
    masks = [np.ones((60, 200), bool), np.ones((60, 200), bool)]
    boxes = [(slice(100, 160), slice(100, 300)), (slice(110, 170), slice(100, 300))]
    both = draw_labels(np.zeros((400, 600, 3), np.uint8), [Label(("1", "1 car"), *x) for x in zip(masks, boxes)])
    one = draw_labels(np.zeros((400, 600, 3), np.uint8), [Label(("1", "1 car"), masks[0], boxes[0])])
    assert (both > 128).sum() == 2 * (one > 128).sum()
    corner = Label(("12345678", "12345678 car"), np.ones((2, 2), bool), (slice(398, 400), slice(598, 600)))
    assert (draw_labels(np.zeros((400, 600, 3), np.uint8), [corner]) > 128).any()
    draw_labels(np.zeros((4, 5, 3), np.uint8), [Label(("1",), np.ones((2, 2), bool), (slice(0, 2), slice(3, 5)))])


def test_score_is_written_where_there_is_one_and_room():
    segments = scene({4: (200, 100), 9: (200, 300)})
    tracks = find_tracks(segments)
    names = track_names(tracks, CLASSES, {4: 17}, {9: 0.827})
    assert names == [("4 k17", "4 k17 car"), ("9", "9 car", "9 car 0.83")]
    widths = [letters(text, MIN_FONT)[0].shape[1] for text in names[1]]
    plain, scored = (overlay(picture(), segments, CLASSES, score_of_track=scores) for scores in (None, {9: 0.827}))
    assert (plain[:, :250] == scored[:, :250]).all()
    assert (plain != scored).any()
    for width, text in zip((2, widths[1] // 2 + 1, widths[2]), names[1]):
        mask, box = np.ones((20, width), bool), (slice(100, 120), slice(100, 100 + width))
        drawn = [draw_labels(np.zeros((400, 600, 3), np.uint8), [Label(x, mask, box)]) for x in (names[1], (text,))]
        assert np.array_equal(*drawn), text


def test_small_frames_are_enlarged_until_names_can_be_read():
    segments = scene({1: (40, 40)}, (96, 192), side=30)
    canvas = overlay(picture((96, 192)), segments, CLASSES)
    assert canvas.shape == (384, 768, 3)
    assert canvas.shape[0] >= MIN_HEIGHT
    assert letters("1 car", round(384 / 26))[0].shape[0] >= 11


def test_input_is_left_as_it_is_and_empty_frames_are_normal():
    image, segments = picture(), scene({1: (200, 100)})
    before = image.copy(), segments.semantic.copy(), segments.track.copy()
    overlay(image, segments, CLASSES)
    assert all(np.array_equal(a, b) for a, b in zip(before, (image, segments.semantic, segments.track)))
    void = SegmentMap(np.full((400, 600), VOID, np.uint8), np.zeros((400, 600), np.int32))
    assert np.array_equal(overlay(image, void, CLASSES), image)


def test_track_on_a_class_outside_the_table_is_called_void():
    segments = scene({1: (200, 100)})
    segments.semantic[segments.track == 1] = VOID
    assert overlay(picture(), segments, CLASSES).shape == (400, 600, 3)


def test_class_of_a_track_is_its_most_frequent():
    segments = scene({4: (200, 100), 9: (200, 300)})
    segments.semantic[200:210, 100:180] = 0
    segments.semantic[200:270, 300:380] = 2
    tracks = find_tracks(segments)
    assert tracks.ids.tolist() == [4, 9]
    assert tracks.classes.tolist() == [1, 2]
    assert np.array_equal(tracks.ids[tracks.index[tracks.index > 0] - 1], segments.track[segments.track > 0])


def test_borders_lie_on_both_sides_of_a_change():
    border = segment_borders(np.array([[1, 1, 2, 2]] * 3))
    assert border.tolist() == [[False, True, True, False]] * 3
    assert not segment_borders(np.zeros((3, 4), int)).any()


def test_errors_name_the_sizes_and_the_choices():
    with pytest.raises(ValueError, match=r"\(400, 600\).*\(10, 10\)"):
        overlay(picture(), SegmentMap(np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.int32)), CLASSES)
    with pytest.raises(ValueError, match=r"'colour'.*'track' or 'kernel'"):
        overlay(picture(), scene({}), CLASSES, color_by="colour")


def test_panels_beside_or_below_whichever_is_seen_larger():
    square, wide = np.full((400, 400, 3), 9, np.uint8), np.full((375, 1242, 3), 9, np.uint8)
    beside, below = compose_panels([square] * 2, ["a", "b"]), compose_panels([wide] * 2, ["a", "b"])
    assert beside.shape[1] >= 800 > beside.shape[0] > 400
    assert below.shape[1] == 1242
    assert below.shape[0] > 750
    assert (beside == 9).all(-1).sum() == 2 * 400 * 400


def test_panel_title_is_written():
    panel = compose_panels([np.zeros((400, 600, 3), np.uint8)], ["ground truth"], "0001  000007")
    bar = panel[:-400]
    assert (bar[:, :300] > 190).any()
    assert (bar[:, 450:] > 190).any()
    assert np.array_equal(panel[-400:], np.zeros((400, 600, 3)))
