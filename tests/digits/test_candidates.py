"""The candidates for the ink of scans cut close to the digit, and of photographs."""

import cv2
import numpy as np
import pytest

from digits.candidates import WORK_SIDE, candidate_inks
from digits.drawing import as_picture, draw, parse_strokes
from digits.ink import BlankPictureError
from digits.page.views import picture_view
from tests.support import pen
from tests.support.inks import drawing, first_ink, line_of_ink


def scan(digit: int, side: int) -> np.ndarray:
    """An example 16 pixels high in a square of 16, enlarged: `(side, side)` uint8."""
    drawn = drawing(digit)
    rows, columns = np.nonzero(drawn < 128)
    cut = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
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


def test_there_are_two_candidates_where_the_border_is_plain_in_part():
    photograph, plain = candidate_inks(scan(2, 240))
    assert not photograph.clean
    assert plain.clean


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
    [ink] = candidate_inks(picture)
    assert ink.clean
    assert ink.array[0].max() > 0.9


def photograph(gray, noise=2):
    grain = np.random.default_rng(0).normal(0, noise, (*gray.shape, 3))
    return np.clip(cv2.GaussianBlur(gray, (0, 0), 0.8)[..., None] + grain, 0, 255).astype(np.uint8)


def test_a_number_that_an_edge_runs_through_is_read(recognizer):
    gray = 215 - 150 * line_of_ink(2, 5, 8).astype(np.float64)
    cv2.line(gray, (205, 30), (218, 360), 65, 2)
    picture = photograph(gray)
    assert recognizer.read(picture).number == "258"
    assert len(candidate_inks(picture)) > 1


def test_digits_far_apart_are_one_number(recognizer):
    gray = np.full((300, 900), 215.0)
    for digit, left in ((3, 20), (8, 400), (5, 740)):
        small = cv2.resize(pen.sheet(digit), (130, 130), interpolation=cv2.INTER_AREA)
        gray[90:220, left : left + 130] -= 150 * (1 - small / 255)
    assert recognizer.read(photograph(gray)).number == "385"


def test_what_lies_in_another_line_is_not_read_with_it(recognizer):
    gray = np.full((500, 600), 215.0)
    for digit, left, top in ((3, 150, 50), (8, 270, 50), (5, 430, 340)):
        small = cv2.resize(pen.sheet(digit), (130, 130), interpolation=cv2.INTER_AREA)
        gray[top : top + 130, left : left + 130] -= 150 * (1 - small / 255)
    assert recognizer.read(photograph(gray)).number == "38\n5"


def test_squared_paper_without_noise_is_seen_as_a_photograph_too(recognizer):
    gray = 215 - 150 * line_of_ink(2, 5, 8)
    for at in range(10, 600, 45):
        cv2.line(gray, (at, 0), (at + 9, 399), 190, 1)
        cv2.line(gray, (0, at), (599, at - 12), 190, 1)
    picture = gray.astype(np.uint8)
    assert first_ink(picture).clean
    assert recognizer.read(picture).number == "258"


def test_noisy_light_ink_that_fills_a_dark_scan_is_read(recognizer):
    answers = []
    for digit in range(10):
        rows, columns = np.nonzero(pen.sheet(digit) < 128)
        top, left = max(0, rows.min() - 30), max(0, columns.min() - 50)
        cut = pen.sheet(digit, brush=34)[top : rows.max() + 30, left : columns.max() + 50]
        width = round(160 * cut.shape[1] / cut.shape[0])
        gray = cv2.resize(235 - 200 * (cut / 255), (width, 160), interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(1).normal(0, 7, gray.shape)
        scan = np.clip(gray + noise, 0, 255).astype(np.uint8)
        answers.append(recognizer.predict(scan).digit)
    assert sum(answer == digit for digit, answer in enumerate(answers)) >= 9, answers


def test_small_fine_writing_on_a_large_photograph_is_seen_at_a_second_look(recognizer):
    gray = np.full((1600, 2400), 205.0)
    for place, digit in enumerate((2, 5, 8)):
        sheet = pen.sheet(digit, size=800, brush=8)
        small = cv2.resize(sheet, (40, 40), interpolation=cv2.INTER_AREA)
        left = 900 + 44 * place
        gray[700:740, left : left + 40] -= 60 * (1 - small / 255)
    picture = photograph(gray, noise=4)
    reduced = (WORK_SIDE, WORK_SIDE * 1600 // 2400)
    with pytest.raises(BlankPictureError):
        first_ink(cv2.resize(picture, reduced, interpolation=cv2.INTER_AREA))
    assert recognizer.read(picture).number == "258"


def test_small_writing_on_a_large_sheet_with_a_margin_is_read_at_a_second_look(recognizer):
    picture = np.full((1600, 2400), 255, np.uint8)
    for place, digit in enumerate((2, 5, 8)):
        sheet = pen.sheet(digit, size=800, brush=60)
        left = 900 + 80 * place
        small = cv2.resize(sheet, (80, 80), interpolation=cv2.INTER_AREA)
        picture[700:780, left : left + 80] = small
    framed = cv2.copyMakeBorder(picture, 30, 30, 30, 30, cv2.BORDER_CONSTANT, value=60)
    assert recognizer.read(framed).number == "258"
