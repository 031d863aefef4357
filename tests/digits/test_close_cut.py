"""Scans cut close to the digit: strokes reach the edges, so little of the border is paper."""

import cv2
import numpy as np
import pytest

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.ink import possible_inks
from digits.page.views import picture_view
from tests.support.inks import first_ink


def scan(digit: int, side: int) -> np.ndarray:
    """An example 16 pixels high in a square of 16, enlarged: `(side, side)` uint8."""
    drawing = as_picture(draw(parse_strokes(digit_example(digit))))
    rows, columns = np.nonzero(drawing < 128)
    cut = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    width = min(12, round(16 * cut.shape[1] / cut.shape[0]))
    coarse = np.full((16, 16), 255, np.uint8)
    left = (16 - width) // 2
    coarse[:, left : left + width] = cv2.resize(cut, (width, 16), interpolation=cv2.INTER_AREA)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("side", [48, 240])
def test_digits_that_fill_their_picture_are_read(recognizer, side):
    answers = [recognizer.predict(scan(digit, side)).digit for digit in range(10)]
    assert sum(answer == digit for digit, answer in enumerate(answers)) >= 9, answers


def test_a_number_and_a_digit_are_told_from_paper_in_the_same_way(recognizer):
    for digit in (2, 5, 8):
        picture = scan(digit, 240)
        alone = recognizer.predict(picture).digit
        assert recognizer.read(picture).number in {str(alone), ""}


def test_both_ways_are_tried_where_the_border_is_plain_in_part():
    photograph, plain = possible_inks(scan(2, 240))
    assert not photograph.clean
    assert plain.clean
    assert first_ink(scan(2, 240)).clean is False


def test_the_preview_shows_the_ink_that_was_answered_for(recognizer):
    picture = scan(2, 240)
    view = picture_view(recognizer, picture)
    [box] = view["boxes"]
    _, top, _, height = box
    assert top < 8
    assert height > 224


def test_a_drawing_that_runs_over_the_edge_is_no_photograph():
    strokes = [[30, 430, -20, 760, 20], [30, 450, 60, 420, 400, 700, 560, 420, 720]]
    picture = as_picture(draw(parse_strokes(strokes)))
    assert picture[0].min() == 0
    [ink] = possible_inks(picture)
    assert ink.clean
    assert ink.array[0].max() > 0.9
