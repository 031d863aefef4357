"""Sheets on a desk: what is written on them is read, and nothing beside."""

import cv2
import numpy as np
import pytest

from digits.drawing import as_picture, draw, parse_strokes
from digits.examples import digit_example
from digits.ink import extract_ink

SHEET = (120, 60, 400, 300)
"""Left, top, width and height on a picture of 640 x 480."""


def laid(paper, desk, turn: float = 0.0, *, written: bool = True, box=SHEET) -> np.ndarray:
    """A sheet with a 3 on a desk, turned by some degrees: `(480, 640, 3)` uint8."""
    left, top, width, height = box
    sheet = np.full((height, width, 3), paper, np.float32)
    if written:
        drawing = cv2.resize(as_picture(draw(parse_strokes(digit_example(3)))), (160, 160)) / 255
        sheet[80:240, 140:300] *= (0.2 + 0.8 * drawing)[..., None]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix[:, 2] += left, top
    cover = cv2.warpAffine(np.ones((height, width), np.float32), matrix, (640, 480))[..., None]
    picture = cv2.warpAffine(sheet, matrix, (640, 480)) * cover
    picture += np.full((480, 640, 3), desk, np.float32) * (1 - cover)
    light = np.linspace(1, 0.85, 640)[:, None]
    rough = np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.clip(picture * light + rough, 0, 255).astype(np.uint8)


def is_read_in_its_place(recognizer, picture: np.ndarray) -> bool:
    """Whether the 3 is read, and its box is where the ink is."""
    found = recognizer.predict(picture)
    x, y, width, height = found.box
    away = np.hypot(x + width / 2 - 340, y + height / 2 - 220)
    return found.digit == 3 and away < 20 and 80 < height < 190 and 50 < width < 160


@pytest.mark.parametrize(
    ("paper", "desk", "turn"),
    [
        ((235, 235, 232), (110, 70, 45), 0),
        ((235, 235, 232), (190, 160, 115), 9),
        ((238, 232, 165), (60, 62, 64), -14),
        ((160, 205, 235), (115, 112, 110), 9),
    ],
)
def test_a_digit_on_a_sheet_is_read_in_its_place(recognizer, paper, desk, turn):
    assert is_read_in_its_place(recognizer, laid(paper, desk, turn))


def test_a_sheet_on_a_plain_dark_desk_is_no_filled_stroke(recognizer):
    picture = laid((235, 235, 232), (30, 30, 30))
    picture[picture.max(axis=2) < 60] = 30
    assert is_read_in_its_place(recognizer, picture)


def test_a_sheet_may_leave_the_picture_on_one_side(recognizer):
    picture = laid((235, 235, 232), (110, 70, 45), 4, box=(120, -40, 400, 380))
    assert recognizer.predict(picture).digit == 3


def with_a_pen_beside(*, written: bool) -> np.ndarray:
    picture = laid((235, 235, 232), (190, 160, 115), 9, written=written)
    return cv2.line(picture, (20, 20), (80, 60), (40, 40, 40), 8)


def test_a_pen_beside_the_sheet_is_not_read(recognizer):
    assert is_read_in_its_place(recognizer, with_a_pen_beside(written=True))
    assert recognizer.predict(with_a_pen_beside(written=False)).digit is None


def test_a_light_bar_on_a_dark_canvas_is_a_stroke():
    picture = np.zeros((280, 280), np.uint8)
    cv2.rectangle(picture, (120, 40), (165, 240), 255, cv2.FILLED)
    ink = extract_ink(picture)
    assert ink.clean
    assert (ink.array[45:235, 125:160] > 0.9).all()
