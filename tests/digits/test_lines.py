"""Ruled and squared lines, apart from writing."""

import cv2
import numpy as np
import pytest

from digits.lines import ruled_lines

INK, LINE = 120.0, 45.0


def sheet(slope: float = 0.05, fan: float = 0.0, spacing: float = 40.0) -> np.ndarray:
    """(450, 600) float32 contrast: lines through one vanishing point, on a little noise."""
    lines = np.zeros((450, 600), np.float32)
    for row in np.arange(-100, 550, spacing):
        fall = (slope + fan * (row / 450 - 0.5)) * 300
        ends = (0, round(16 * (row - fall))), (600 * 16, round(16 * (row + fall)))
        cv2.line(lines, *ends, LINE, 2, cv2.LINE_AA, 4)
    return lines


def noisy(contrast: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 3, contrast.shape)
    return (contrast + noise).astype(np.float32)


def share_found(lines: np.ndarray, found: np.ndarray) -> float:
    """Share of the lines' pixels, less than a line's end from the edge, that were found."""
    inner = np.zeros(lines.shape, bool)
    inner[10:-10, 10:-10] = True
    return float((found > 0.5 * LINE)[inner & (lines > 0.9 * LINE)].mean())


@pytest.mark.parametrize("slope", [-0.2, 0.0, 0.13])
@pytest.mark.parametrize("fan", [-0.1, 0.0, 0.08])
def test_lines_of_any_slope_and_perspective_are_found(slope, fan):
    lines = sheet(slope, fan)
    found = ruled_lines(noisy(lines))
    assert share_found(lines, found) > 0.97
    assert (found > 0.5 * LINE)[cv2.dilate(lines, np.ones((7, 7))) == 0].mean() < 0.002


def test_squares_are_found_in_both_directions():
    down = np.ascontiguousarray(sheet(-0.04, spacing=30)[:, :450].T)
    squares = np.maximum(sheet(0.04, spacing=30)[:, :450], down)
    assert share_found(squares, ruled_lines(noisy(squares))) > 0.95


def test_a_line_is_no_darker_under_the_strokes_that_cross_it():
    lines = sheet()
    written = lines.copy()
    cv2.ellipse(written, (300, 220), (60, 110), 0, 0, 360, INK, 14)
    found = ruled_lines(noisy(written))
    assert share_found(lines, found) > 0.95
    assert found.max() < 1.6 * LINE


@pytest.mark.parametrize("ends", [((300, 15), (310, 435)), ((20, 225), (575, 215))])
def test_the_longest_straight_stroke_is_no_line(ends):
    stroke = np.zeros((450, 600), np.float32)
    cv2.line(stroke, *ends, INK, 12, cv2.LINE_AA)
    assert ruled_lines(noisy(stroke))[stroke > 0].mean() < 0.05 * INK


def test_level_stroke_on_lined_paper_is_no_line():
    lines = sheet(0.0)
    written = lines.copy()
    cv2.line(written, (120, 245), (450, 245), INK, 8)
    found = ruled_lines(noisy(written))
    assert found[243:248, 150:420].max() < 0.5 * INK
    assert share_found(lines, found) > 0.95


def test_plain_noise_has_no_lines():
    assert not ruled_lines(noisy(np.zeros((450, 600), np.float32))).any()


@pytest.mark.parametrize("shape", [(32, 32), (32, 800), (800, 33)])
def test_small_and_narrow_pictures_are_searched_too(shape):
    found = ruled_lines(noisy(np.zeros(shape, np.float32)))
    assert found.shape == shape
    assert np.isfinite(found).all()
