"""Dust, lines, frames and margins are taken off; no stroke of a digit is."""

import cv2
import numpy as np
import pytest

from digits.clutter import without_lines, without_long_lines, without_specks
from tests.support import pen
from tests.support.inks import first_ink, line_of_ink


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
    framed = pen.sheet(digit)
    cv2.rectangle(framed, (place, place), (399 - place, 399 - place), 60, 3)
    assert_alike(found(framed), written(pen.sheet(digit)))


def test_a_frame_with_round_corners_is_no_ink():
    framed = pen.sheet(5)
    cv2.rectangle(framed, (40, 20), (360, 380), 0, 3)
    for x in (40, 360):
        for y in (20, 380):
            cv2.circle(framed, (x, y), 8, 255, cv2.FILLED)
    assert not found(framed)[:50].any()
    assert_alike(found(framed)[60:340, 60:340], written(pen.sheet(5))[60:340, 60:340])


def test_a_digit_that_runs_into_its_frame_is_kept():
    framed = pen.sheet(7)
    cv2.rectangle(framed, (10, 10), (389, 325), 0, 3)
    assert_alike(found(framed)[20:316, 20:380], written(pen.sheet(7))[20:316, 20:380])


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_from_edge_to_edge_is_no_ink(turned):
    lined = pen.sheet(4)
    lined[370:374] = 0
    lined[20:22] = 100
    ink = found(lined.T.copy()).T if turned else found(lined)
    assert_alike(ink, written(pen.sheet(4)))


def test_a_stroke_that_crosses_a_line_stays_whole():
    lined = pen.sheet(1)
    lined[200:204] = 0
    ink = found(lined)
    assert cv2.connectedComponents(ink.astype(np.uint8))[0] == 2
    assert_alike(ink, written(pen.sheet(1)))


@pytest.mark.parametrize("polarity", [0, 255])
def test_a_margin_of_another_colour_is_no_ink(polarity):
    scanned = np.full((430, 420), 255 - polarity, np.uint8)
    scanned[12:412, 15:415] = pen.sheet(5) if polarity == 255 else 255 - pen.sheet(5)
    expected = np.zeros((430, 420), bool)
    expected[12:412, 15:415] = written(pen.sheet(5))
    assert_alike(found(scanned), expected)


def drawn(*lines, thickness):
    """(400, 400) uint8, lines through points."""
    paper = np.full((400, 400), 255, np.uint8)
    for line in lines:
        cv2.polylines(paper, [np.array(line)], isClosed=False, color=0, thickness=thickness)
    return paper


BOX = [(120, 80), (280, 80), (280, 320), (120, 320), (120, 80)]
FOUR = [(100, 60), (100, 230), (300, 230)], [(220, 90), (220, 210)]
SEVEN_AND_ONE = [(60, 60), (320, 60), (320, 360)], [(180, 130), (180, 340)]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(drawn([(200, 0), (200, 399)], thickness=5), id="a line alone"),
        pytest.param(drawn(BOX, thickness=4), id="a frame alone"),
        pytest.param(drawn(BOX, [(120, 200), (280, 200)], thickness=4), id="a square eight"),
        pytest.param(drawn(*FOUR, thickness=14), id="an open four"),
        pytest.param(drawn(*SEVEN_AND_ONE, thickness=14), id="a seven beside a one"),
        pytest.param(
            np.minimum(pen.sheet(8), drawn([(15, 0), (15, 399)], thickness=21)),
            id="a thick stroke from edge to edge",
        ),
        pytest.param(pen.sheet(8, brush=24)[66:336, 130:270], id="writing that fills its sheet"),
    ],
)
def test_what_may_be_written_is_kept_whole(picture):
    assert_alike(found(picture), written(picture))


@pytest.mark.parametrize("row", [5, 22])
def test_a_small_picture_has_no_room_for_lines_and_dust(row):
    small = np.full((28, 28), 255, np.uint8)
    small[8:20, 13:15] = 0
    small[row] = 0
    small[16, 20] = 0
    assert found(small)[row].all()
    assert found(small)[16, 20]


def test_ink_without_dust_and_lines_comes_back_as_it_is():
    ink = first_ink(pen.sheet(5)).array
    assert np.array_equal(without_lines(without_specks(ink)), ink)


@pytest.mark.parametrize("digit", [0, 2, 3, 5, 6, 8, 9])
@pytest.mark.parametrize("kind", ["three sides", "an angle", "a gap"])
def test_an_open_frame_askew_is_no_ink(digit, kind):
    corners = np.array([(30, 28), (34, 372), (374, 368), (369, 24), (30, 28)])
    line = {"three sides": corners[:4], "an angle": corners[1:4], "a gap": corners}[kind]
    framed = np.full((400, 400), 255, np.uint8)
    cv2.polylines(framed, [line], isClosed=False, color=40, thickness=4, lineType=cv2.LINE_AA)
    if kind == "a gap":
        framed[:60, 230:340] = 255
    framed = np.minimum(framed, pen.sheet(digit))
    assert_alike(found(framed), written(pen.sheet(digit)))


def test_boxes_beside_each_other_leave_the_digits():
    boxed = np.full((400, 800), 255, np.uint8)
    boxed[:, :400], boxed[:, 400:] = pen.sheet(3), pen.sheet(8)
    expected = written(boxed)
    for left in (20, 420):
        cv2.rectangle(boxed, (left, 20), (left + 360, 380), 0, 3)
    assert_alike(found(boxed), expected)


def dusty(picture):
    """With specks of 3 x 3 pixels that lie at least 4 pixels away from other ink."""
    rng = np.random.default_rng(0)
    near = cv2.erode(picture, np.ones((9, 9), np.uint8)) < 255
    spotted = picture.copy()
    for row, column in rng.integers(4, np.array(picture.shape) - 7, (40, 2)):
        speck = slice(row, row + 3), slice(column, column + 3)
        if not near[speck].any():
            spotted[speck] = 0
    return spotted


@pytest.mark.parametrize("digit", range(10))
def test_dust_is_no_ink(digit):
    clean = pen.sheet(digit)
    spotted = dusty(clean)
    assert (spotted != clean).any()
    assert np.array_equal(found(spotted), found(clean))
    assert np.array_equal(found(255 - spotted), found(255 - clean))


def test_dust_does_not_hide_a_frame():
    clean = pen.sheet(5)
    framed = clean.copy()
    cv2.rectangle(framed, (30, 30), (370, 370), 60, 3)
    spotted = dusty(framed)
    assert (spotted[:25] < 128).any()
    assert np.array_equal(found(spotted), found(clean))


def test_a_dot_of_the_pen_stays():
    dotted = pen.sheet(1, brush=20)
    cv2.circle(dotted, (300, 300), 10, 0, cv2.FILLED)
    assert found(dotted)[290:310, 290:310].any()


def test_a_digit_of_dots_stays_whole():
    dotted = np.full((200, 200), 255, np.uint8)
    for row in range(30, 170, 12):
        cv2.circle(dotted, (100, row), 3, 0, cv2.FILLED)
    assert cv2.connectedComponents(found(dotted).astype(np.uint8))[0] == 13


@pytest.mark.parametrize(
    ("start", "end"),
    [((10, 180), (590, 215)), ((290, 5), (320, 395)), ((225, 0), (225, 399))],
)
def test_a_line_through_the_digits_is_taken_off(start, end):
    ink = line_of_ink(2, 5, 8)
    crossed = ink.copy()
    cv2.line(crossed, start, end, 1.0, 2)
    rest = without_long_lines(crossed)
    assert rest[crossed != ink].mean() < 0.2
    lost = (ink > 0.5) & (rest == 0)
    assert lost.sum() < 0.1 * (ink > 0.5).sum()


@pytest.mark.parametrize("digits", [(digit,) for digit in range(10)] + [(1, 1), (1, 7), (4, 1)])
def test_digits_alone_come_back_as_they_are(digits):
    ink = line_of_ink(*digits)
    assert without_long_lines(ink) is ink
