"""Dust on clean paper: small marks go, dots and strokes of the pen stay."""

import cv2
import numpy as np
import pytest

from digits.specks import stroke_width, without_specks
from tests.support import pen
from tests.support.inks import first_ink


def dusty(picture, count=40, size=3, colour=0):
    """With specks of `size` x `size` pixels that lie at least 4 pixels away from other ink."""
    rng = np.random.default_rng(0)
    near = cv2.erode(picture, np.ones((9, 9), np.uint8)) < 255
    spotted = picture.copy()
    for _ in range(count):
        row, column = rng.integers(4, np.array(picture.shape) - size - 4)
        if not near[row : row + size, column : column + size].any():
            spotted[row : row + size, column : column + size] = colour
    return spotted


@pytest.mark.parametrize("digit", range(10))
def test_dust_is_no_ink(digit):
    clean = pen.sheet(digit)
    spotted = dusty(clean)
    assert (spotted != clean).any()
    assert np.array_equal(first_ink(spotted).array > 0.5, first_ink(clean).array > 0.5)


def test_light_dust_on_a_dark_scan_is_no_ink():
    spotted, clean = 255 - dusty(pen.sheet(3)), 255 - pen.sheet(3)
    assert np.array_equal(first_ink(spotted).array > 0.5, first_ink(clean).array > 0.5)


def test_dust_does_not_hide_a_frame():
    clean = pen.sheet(5)
    framed = clean.copy()
    cv2.rectangle(framed, (30, 30), (370, 370), 60, 3)
    spotted = dusty(framed)
    assert (spotted[:25] < 128).any()
    assert np.array_equal(first_ink(spotted).array > 0.5, first_ink(clean).array > 0.5)


def test_a_dot_of_the_pen_stays():
    dotted = pen.sheet(1, brush=20)
    cv2.circle(dotted, (300, 300), 10, 0, cv2.FILLED)
    assert (first_ink(dotted).array[290:310, 290:310] > 0.5).any()


def test_a_digit_of_dots_stays_whole():
    dotted = np.full((200, 200), 255, np.uint8)
    for row in range(30, 170, 12):
        cv2.circle(dotted, (100, row), 3, 0, cv2.FILLED)
    ink = first_ink(dotted).array > 0.5
    assert cv2.connectedComponents(ink.astype(np.uint8))[0] == 13


def test_ink_without_specks_comes_back_as_it_is():
    ink = first_ink(pen.sheet(4)).array
    assert without_specks(ink) is ink


def test_small_images_are_left_alone():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10:14] = 255
    image[20, 20] = 255
    assert first_ink(image).array[20, 20] > 0.5


def test_stroke_width_is_measured_in_pixels():
    for width in (3, 7, 12):
        line = np.zeros((200, 60), np.float32)
        line[10:190, 20 : 20 + width] = 1
        assert stroke_width(line) == pytest.approx(width, abs=1.1)
