"""Ink on photographed paper: shadows, faint pens, lines, light on dark."""

import cv2
import numpy as np
import pytest

from digits.grouping import main_ink, written_line
from digits.paper import photographed_inks
from digits.plain import SMALL
from tests.support.inks import drawing
from training.synthesis import photos

STROKES = [
    np.array([[0, 100], [300, 0], [600, 200], [200, 500]], float),
    np.array([[200, 500], [600, 700], [300, 1000], [0, 900]], float),
]


def written(share: float = 0.75, light: float = 205.0, digit: int = 3, side: int = 200):
    """Return a photograph-like `(450, 600)` float64 and where its ink is, `(450, 600)` bool.

    `share` of the light is taken by the ink, which is `side` high, around the picture's middle.
    """
    ink = np.zeros((450, 600))
    top, left = 225 - side // 2, 300 - side // 2
    ink[top : top + side, left : left + side] = 1 - drawing(digit, side) / 255
    falling = np.linspace(1, 0.8, 600)[None, :] * np.linspace(0.95, 1, 450)[:, None]
    return light * falling * (1 - share * ink), ink > 0.5


def photographed(gray: np.ndarray, noise: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    noisy = cv2.GaussianBlur(gray, (0, 0), 0.8) + rng.normal(0, noise, gray.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def first_ink(picture: np.ndarray) -> np.ndarray:
    return main_ink(photographed_inks(picture)[0].array)


def likeness(picture: np.ndarray, ink: np.ndarray) -> float:
    """Shared pixels of what was found and what was written, as a share of both together."""
    found = first_ink(picture) > 0.3
    return float((found & ink).sum() / (found | ink).sum())


def half_plane(angle_degrees: float, softness: float, through=(300, 225)) -> np.ndarray:
    """(450, 600) from 0 to 1 across a line through a point."""
    rows, columns = np.mgrid[:450, :600]
    angle = np.radians(angle_degrees)
    across = (columns - through[0]) * np.cos(angle) + (rows - through[1]) * np.sin(angle)
    return 1 / (1 + np.exp(-np.clip(across / softness, -50, 50)))


@pytest.mark.parametrize("softness", [0.7, 4.0, 15.0])
@pytest.mark.parametrize("angle", [20, 75, 130])
def test_shadow_across_the_digit_leaves_it_whole(angle, softness):
    gray, ink = written()
    shadow = 1 - 0.5 * half_plane(angle, softness)
    assert likeness(photographed(gray * shadow), ink) > 0.6


def test_corner_between_two_shadows_is_no_ink():
    gray, ink = written(side=120)
    shadows = 1 - 0.5 * half_plane(30, 1.0, (180, 225)) * half_plane(150, 1.0, (190, 100))
    assert likeness(photographed(gray * shadows), ink) > 0.55


@pytest.mark.parametrize("share", [0.15, 0.25])
def test_faint_pencil_is_found(share):
    gray, ink = written(share)
    assert likeness(photographed(gray), ink) > 0.6


def test_broad_felt_pen_over_half_of_the_picture_is_found():
    gray, ink = written(side=400, digit=0)
    assert likeness(photographed(gray), ink) > 0.7


def test_digit_stays_whole_where_lines_cross_it():
    gray, ink = written(0.6)
    for row in range(15, 450, 28):
        cv2.line(gray, (0, row), (599, row + 20), 0.75 * 190, 2, cv2.LINE_AA)
    assert likeness(photographed(gray), ink) > 0.6
    found = first_ink(photographed(gray))
    assert cv2.connectedComponents((found > 0.2).astype(np.uint8))[0] == 2


def test_chalk_on_a_board_is_found():
    gray, ink = written()
    assert likeness(photographed(255 - gray), ink) > 0.6


def test_lit_squares_between_shadows_are_no_chalk():
    gray, ink = written(0.5, side=100)
    for at in range(7, 600, 24):
        cv2.line(gray, (at, 0), (at, 449), 120, 2)
        cv2.line(gray, (0, at), (599, at), 120, 2)
    lit = 0.45 + 0.55 * half_plane(60, 3.0, (420, 300)) * half_plane(200, 3.0, (520, 300))
    assert likeness(photographed(gray * lit), ink) > 0.5


def test_dark_ink_in_the_light_is_no_gap_between_light_strokes():
    gray, ink = written(0.5, side=130)
    gray, ink = np.roll(gray, -200, axis=1), np.roll(ink, -200, axis=1)
    for row in range(15, 450, 56):
        cv2.line(gray, (0, row), (599, row - 8), 120, 2, cv2.LINE_AA)
    shade = 1 - 0.55 * half_plane(5, 6.0, (210, 225))
    assert likeness(photographed(gray * shade, noise=4), ink) > 0.6


def test_empty_paper_is_blank_whatever_falls_on_it():
    rng = np.random.default_rng(1)
    for _ in range(2):
        assert photographed_inks(photos.photograph_blank(rng)) == []


def test_a_digit_at_the_edge_belongs_to_the_line_and_a_desk_does_not():
    array = np.zeros((200, 300), np.float32)
    for left in (80, 150, 220):
        cv2.line(array, (left, 60), (left + 20, 140), 1.0, 5)
    alone = written_line(array)
    assert np.array_equal(alone, array)
    cv2.line(array, (280, 60), (299, 140), 1.0, 5)
    cut_off = written_line(array)
    assert np.array_equal(cut_off, array)
    cv2.line(array, (45, 0), (40, 199), 1.0, 5)
    beside_desk = written_line(array)
    assert np.array_equal(beside_desk, cut_off)


@pytest.mark.parametrize("share", [0.12, 0.4])
def test_digit_of_a_photograph_is_found_where_it_was_written(share):
    overlaps = []
    for seed in range(2):
        photo = photos.photograph([STROKES], np.random.default_rng(seed), share)
        ink = photographed_inks(photo.picture)[0]
        x, y, width, height = (v * ink.scale for v in cv2.boundingRect(mask(main_ink(ink.array))))
        left, top, wide, high = photo.boxes[0]
        across = min(x + width, left + wide) - max(x, left)
        down = min(y + height, top + high) - max(y, top)
        shared = max(0, across) * max(0, down)
        overlaps.append(shared / (width * height + wide * high - shared))
    assert min(overlaps) > 0.7, overlaps


def mask(ink: np.ndarray) -> np.ndarray:
    return (ink > 0.2).astype(np.uint8)


def test_a_large_picture_is_reduced_and_says_so():
    picture = cv2.resize(photographed(written()[0]), (1200, 900))
    ink = photographed_inks(picture)[0]
    assert ink.scale == 1.5
    assert ink.array.shape == (600, 800)


def test_a_small_picture_is_no_photograph():
    picture = photographed(written()[0])
    assert photographed_inks(cv2.resize(picture, (40, SMALL - 1))) == []


def test_on_a_board_light_ink_is_found_beside_dark():
    inks = photographed_inks(photographed(120 - 0.4 * written()[0]))
    assert 1 <= len(inks) <= 2
