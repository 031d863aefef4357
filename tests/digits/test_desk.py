"""Photographs that show a sheet on a desk: the sheet is found, the desk is no ink."""

import cv2
import numpy as np
import pytest

from digits.candidates import candidate_inks
from digits.desk import sheet_on_desk
from digits.grouping import main_ink
from digits.ink import BlankPictureError
from tests.support.inks import drawing, first_ink
from training.synthesis import photos

SHEET = (120, 60, 400, 300)
"""Left, top, width and height on a picture of 640 x 480."""


def laid(paper, desk, turn: float = 0.0, *, written: bool = True, box=SHEET) -> np.ndarray:
    """A sheet with a 3 on a desk, turned by some degrees: `(480, 640, 3)` uint8."""
    left, top, width, height = box
    sheet = np.full((height, width, 3), paper, np.float32)
    if written:
        sheet[80:240, 140:300] *= (0.2 + 0.8 * drawing(3, 160) / 255)[..., None]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix[:, 2] += left, top
    cover = cv2.warpAffine(np.ones((height, width), np.float32), matrix, (640, 480))[..., None]
    picture = cv2.warpAffine(sheet, matrix, (640, 480)) * cover
    picture += np.full((480, 640, 3), desk, np.float32) * (1 - cover)
    light = np.linspace(1, 0.85, 640)[:, None]
    rough = np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.clip(picture * light + rough, 0, 255).astype(np.uint8)


def found_in_its_place(picture: np.ndarray) -> bool:
    """Whether the ink is that of the 3, in size and place."""
    x, y, width, height = cv2.boundingRect((main_ink(first_ink(picture)) > 0.3).astype(np.uint8))
    away = np.hypot(x + width / 2 - 340, y + height / 2 - 220)
    return away < 20 and 80 < height < 190 and 50 < width < 160


@pytest.mark.parametrize(
    ("paper", "desk", "turn"),
    [
        ((235, 235, 232), (110, 70, 45), 0),
        ((235, 235, 232), (190, 160, 115), 9),
        ((238, 232, 165), (60, 62, 64), -14),
        ((160, 205, 235), (115, 112, 110), 9),
    ],
)
def test_digit_on_a_sheet_is_found_in_its_place(paper, desk, turn):
    picture = laid(paper, desk, turn)
    assert sheet_on_desk(picture) is not None
    assert found_in_its_place(picture)


def test_sheet_on_a_plain_dark_desk_is_no_filled_stroke():
    picture = laid((235, 235, 232), (30, 30, 30))
    picture[picture.max(axis=2) < 60] = 30
    assert found_in_its_place(picture)


def test_sheet_may_leave_the_picture_on_one_side():
    picture = laid((235, 235, 232), (110, 70, 45), 4, box=(120, -40, 400, 380))
    assert sheet_on_desk(picture) is not None


def test_sheet_is_turned_upright_and_its_ink_back():
    sheet = sheet_on_desk(laid((235, 235, 232), (60, 50, 45), 10))
    assert np.allclose(sheet.paper.shape[:2], (300, 400), atol=16)
    assert sheet.paper.min(axis=2)[:10].min() > 150
    ink = np.zeros(sheet.paper.shape[:2], np.float32)
    ink[140:150, 190:200] = 1
    rows, columns = np.nonzero(sheet.back(ink, (480, 640)) > 0.5)
    assert np.hypot(rows.mean() - 210, columns.mean() - 320) < 12


@pytest.mark.parametrize("seed", range(3))
def test_paper_that_fills_the_picture_has_no_desk(seed):
    strokes = [np.array([[0, 0], [300, 400], [100, 900]], float)]
    photo = photos.photograph([strokes], np.random.default_rng(seed))
    assert sheet_on_desk(photo.picture) is None


def test_wedge_of_light_between_two_shadows_is_no_sheet():
    picture = np.full((400, 600, 3), 90, np.uint8)
    cv2.fillConvexPoly(picture, np.array([[0, 0], [600, 180], [600, 400], [230, 400]]), (230,) * 3)
    assert sheet_on_desk(cv2.GaussianBlur(picture, (0, 0), 2)) is None


def with_a_pen_beside(*, written: bool) -> np.ndarray:
    picture = laid((235, 235, 232), (190, 160, 115), 9, written=written)
    return cv2.line(picture, (20, 20), (80, 60), (40, 40, 40), 8)


def test_sheet_is_asked_about_before_the_whole_picture():
    on_sheet, everywhere = candidate_inks(with_a_pen_beside(written=True))
    assert not on_sheet.array[:70, :90].any()
    assert everywhere.array[:70, :90].any()


def test_empty_sheet_is_blank_whatever_lies_on_the_desk():
    with pytest.raises(BlankPictureError):
        candidate_inks(with_a_pen_beside(written=False))


def test_light_bar_on_a_dark_canvas_is_a_stroke():
    picture = np.zeros((280, 280), np.uint8)
    cv2.rectangle(picture, (120, 40), (165, 240), 255, cv2.FILLED)
    ink = first_ink(picture)
    assert ink.clean
    assert (ink.array[45:235, 125:160] > 0.9).all()


def test_photograph_of_a_sheet_says_where_the_digit_is():
    strokes = [np.array([[0, 0], [300, 0], [100, 900]], float)]
    for seed in range(2):
        photo = photos.photograph([strokes], np.random.default_rng(seed), 0.6, on_desk=True)
        x, y, width, height = photo.boxes[0]
        assert min(width, height) > 0
        inside = photo.picture[y : y + height, x : x + width].min(axis=2)
        assert inside.min() < 0.8 * np.median(inside)
