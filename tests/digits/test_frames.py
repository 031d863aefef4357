"""Lines and margins around what was written on plain paper."""

import cv2
import numpy as np
import pytest

from digits.frames import without_lines
from tests.support import pen
from tests.support.inks import first_ink


def sheet(digit=5):
    """(400, 400) uint8, black on white."""
    return pen.sheet(digit)


def found(picture):
    """Where ink was found: `(h, w)` bool."""
    return first_ink(picture).array > 0.5


def written(picture):
    return picture < 128


def assert_alike(ink, expected):
    """Nothing but pixels of the strokes' soft edges may differ."""
    edges = cv2.morphologyEx(expected.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    assert not ((ink != expected) & (edges == 0)).any()


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("place", [0, 12, 30])
def test_a_frame_is_no_ink(digit, place):
    framed = sheet(digit)
    cv2.rectangle(framed, (place, place), (399 - place, 399 - place), 60, 3)
    assert_alike(found(framed), written(sheet(digit)))


def test_a_frame_with_round_corners_is_no_ink():
    framed = sheet()
    cv2.rectangle(framed, (40, 20), (360, 380), 0, 3)
    for x in (40, 360):
        for y in (20, 380):
            cv2.circle(framed, (x, y), 8, 255, cv2.FILLED)
    assert not found(framed)[:50].any()
    assert_alike(found(framed)[60:340, 60:340], written(sheet())[60:340, 60:340])


def test_a_digit_that_runs_into_its_frame_is_kept():
    framed = sheet(7)
    cv2.rectangle(framed, (10, 10), (389, 325), 0, 3)
    assert_alike(found(framed)[20:316, 20:380], written(sheet(7))[20:316, 20:380])


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_from_edge_to_edge_is_no_ink(turned):
    lined = sheet(4)
    lined[370:374] = 0
    lined[20:22] = 100
    if turned:
        assert_alike(found(lined.T.copy()).T, written(sheet(4)))
    else:
        assert_alike(found(lined), written(sheet(4)))


def test_a_stroke_that_crosses_a_line_stays_whole():
    lined = sheet(1)
    lined[200:204] = 0
    ink = found(lined)
    assert cv2.connectedComponents(ink.astype(np.uint8))[0] == 2
    assert_alike(ink, written(sheet(1)))


@pytest.mark.parametrize("polarity", [0, 255])
def test_a_margin_of_another_colour_is_no_ink(polarity):
    scanned = np.full((430, 420), 255 - polarity, np.uint8)
    scanned[12:412, 15:415] = sheet() if polarity == 255 else 255 - sheet()
    expected = np.zeros((430, 420), bool)
    expected[12:412, 15:415] = written(sheet())
    assert_alike(found(scanned), expected)


def test_a_line_or_a_frame_alone_is_kept_for_it_may_be_a_digit():
    one = np.full((400, 400), 255, np.uint8)
    one[:, 198:203] = 0
    assert found(one).sum() == 5 * 400
    zero = np.full((400, 400), 255, np.uint8)
    cv2.rectangle(zero, (120, 80), (280, 320), 0, 4)
    assert_alike(found(zero), written(zero))


def test_a_square_eight_is_kept_whole():
    eight = np.full((400, 400), 255, np.uint8)
    cv2.rectangle(eight, (120, 80), (280, 320), 0, 4)
    cv2.line(eight, (120, 200), (280, 200), 0, 4)
    assert_alike(found(eight), written(eight))


def test_a_thick_stroke_from_edge_to_edge_is_kept():
    thick = sheet(8)
    thick[:, 5:25] = 0
    assert_alike(found(thick), written(thick))


def test_writing_that_fills_its_sheet_loses_nothing_at_the_edges():
    large = pen.sheet(8, brush=24)[66:336, 130:270]
    assert_alike(found(large), written(large))


@pytest.mark.parametrize("row", [5, 22])
def test_a_small_picture_has_no_room_for_lines(row):
    small = np.full((28, 28), 255, np.uint8)
    small[8:20, 13:15] = 0
    small[row] = 0
    assert found(small)[row].all()


def test_ink_without_lines_comes_back_as_it_is():
    ink = first_ink(sheet()).array
    assert without_lines(ink) is ink


def open_frame(kind):
    """(400, 400) uint8, a frame that lacks something, with other thickness and askew."""
    paper = np.full((400, 400), 255, np.uint8)
    corners = [(30, 28), (34, 372), (374, 368), (369, 24)]
    sides = {
        "left": (corners[0], corners[1]),
        "below": (corners[1], corners[2]),
        "right": (corners[2], corners[3]),
        "above": (corners[3], corners[0]),
    }
    kept = {
        "three sides": ["left", "below", "right"],
        "an angle": ["below", "right"],
        "a gap": ["left", "below", "right", "above"],
    }[kind]
    for side in kept:
        cv2.line(paper, *sides[side], 40, 4, cv2.LINE_AA)
    if kind == "a gap":
        paper[:60, 230:340] = 255
    return paper


@pytest.mark.parametrize("digit", [0, 2, 3, 5, 6, 8, 9])
@pytest.mark.parametrize("kind", ["three sides", "an angle", "a gap"])
def test_an_open_frame_is_no_ink(digit, kind):
    framed = np.minimum(sheet(digit), open_frame(kind))
    assert_alike(found(framed), written(sheet(digit)))


def test_boxes_beside_each_other_leave_the_digits():
    boxed = np.full((400, 800), 255, np.uint8)
    boxed[:, :400], boxed[:, 400:] = sheet(3), sheet(8)
    expected = written(boxed)
    for left in (20, 420):
        cv2.rectangle(boxed, (left, 20), (left + 360, 380), 0, 3)
    assert_alike(found(boxed), expected)


def test_an_open_four_and_a_seven_beside_a_one_are_kept():
    four = np.full((400, 400), 255, np.uint8)
    cv2.polylines(
        four, [np.array([[100, 60], [100, 230], [300, 230]])], isClosed=False, color=0, thickness=14
    )
    cv2.line(four, (220, 90), (220, 210), 0, 14)
    assert_alike(found(four), written(four))
    seven = np.full((400, 400), 255, np.uint8)
    cv2.polylines(
        seven, [np.array([[60, 60], [320, 60], [320, 360]])], isClosed=False, color=0, thickness=14
    )
    cv2.line(seven, (180, 130), (180, 340), 0, 14)
    assert_alike(found(seven), written(seven))
