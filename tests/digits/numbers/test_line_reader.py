"""The line reader: characters of a line, and the ink of each character."""

import cv2
import numpy as np
import pytest

from digits.networks import BLANK, COLUMN_STEP
from digits.numbers.frame import FRAME_EDGE, HEIGHT, MAX_WIDTH, fit_line
from digits.numbers.line_reader import LineReader, share_ink


def read_columns(*classes):
    """Read a line whose columns have these classes with a probability of 0.8."""
    reader = object.__new__(LineReader)
    columns = np.full((len(classes), BLANK + 1), 0.2 / BLANK, np.float32)
    columns[np.arange(len(classes)), classes] = 0.8
    reader._heads = lambda _planes: [columns.T[None, :, None]]
    ink = np.ones((HEIGHT - 4, COLUMN_STEP * len(classes) - 2 * FRAME_EDGE), np.float32)
    return reader.read(ink)


def test_columns_that_name_the_same_are_one_character_unless_a_blank_lies_between():
    b = BLANK
    named = read_columns(b, b, b, b, 1, 1, b, 1, 10, 4, b, b, b, b)
    assert [int(each.probabilities.argmax()) for each in named] == [1, 1, 10, 4]
    places = [COLUMN_STEP * (at + 0.5) - FRAME_EDGE for at in (4, 7, 8, 9)]
    assert [each.column for each in named] == pytest.approx(places)
    for each in named:
        assert each.probabilities.shape == (11,)
        assert each.probabilities.sum() == pytest.approx(1)


def test_a_line_of_nothing_but_blanks_has_no_characters():
    assert read_columns(*[BLANK] * 12) == []


def test_a_line_fits_the_frames_height_and_a_very_long_one_its_width():
    ink = np.zeros((100, 300), np.float32)
    ink[20:76, 30:250] = 1
    frame, scale, first = fit_line(ink)
    assert (scale, first) == (pytest.approx(0.5), 30)
    assert frame.shape[0] == HEIGHT
    assert frame[:, FRAME_EDGE : FRAME_EDGE + 110].sum() == pytest.approx(frame.sum())
    rows, columns = np.nonzero(frame)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (28, 110)
    long = np.ones((10, 5000), np.float32)
    assert fit_line(long)[0].shape[1] <= MAX_WIDTH


def drawn(*strokes, size=(120, 240), pen=8):
    plane = np.zeros(size, np.uint8)
    for stroke in strokes:
        cv2.polylines(plane, [np.array(stroke, np.int32)], False, 255, pen)  # noqa: FBT003
    return plane.astype(np.float32) / 255


def ring(x, y, radius=25):
    angle = np.linspace(0, 2 * np.pi, 40)
    return [(int(x + radius * np.cos(a)), int(y + radius * np.sin(a))) for a in angle]


def test_ink_apart_goes_to_the_character_named_there():
    ink = drawn(ring(60, 60), [(150, 35), (150, 85)])
    first, second = share_ink(ink, np.array([60.0, 150.0]))
    assert first.ink.sum() + second.ink.sum() == ink.sum()
    assert first.box[3] <= 100 < second.box[1]
    assert np.array_equal(first.ink, ink[first.box[0] : first.box[2], first.box[1] : first.box[3]])


def test_digits_that_touch_are_cut_where_their_ink_is_thinnest():
    ink = drawn(ring(60, 60), ring(114, 60))
    first, second = share_ink(ink, np.array([55.0, 120.0]))
    assert first.ink.sum() + second.ink.sum() == ink.sum()
    assert abs(first.box[3] - 87) <= 3
    assert abs(second.box[1] - 87) <= 3


def test_a_stroke_that_reaches_over_its_neighbor_stays_whole():
    seven = [(20, 30), (110, 30), (60, 95)]
    ink = drawn(seven, [(108, 66), (108, 95)])
    first, second = share_ink(ink, np.array([60.0, 108.0]))
    assert first.ink.sum() == drawn(seven).sum()
    assert second.box[:2] == (62, 104)


def test_a_detached_stroke_is_of_the_nearest_character_and_dust_of_none():
    five, bar, dust = ring(60, 70), [(60, 30), (85, 30)], [(220, 100), (221, 100)]
    near = share_ink(drawn(five, bar), np.array([60.0]))
    assert near[0].ink.sum() == drawn(five, bar).sum()
    far = share_ink(drawn(five, dust), np.array([60.0]))
    assert far[0].ink.sum() == drawn(five).sum()


def test_two_characters_named_at_one_place_get_no_pixel_twice():
    ink = drawn(ring(60, 60))
    parts = share_ink(ink, np.array([60.0, 60.0, 60.2]))
    assert sum(part.ink.sum() for part in parts) == ink.sum()
