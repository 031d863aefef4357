"""Synthetic photographs of pen on paper."""

import numpy as np
import pytest

from tests.training.drawings import ONE, SEVEN
from training.handwriting import strokes
from training.synthesis import photos


@pytest.mark.parametrize("seed", range(6))
def test_the_digit_is_inside_the_picture_and_darker_than_the_paper(seed):
    photo = photos.photograph([SEVEN], np.random.default_rng(seed))
    height, width = photo.picture.shape[:2]
    x, y, w, h = photo.boxes[0]
    assert photo.picture.dtype == np.uint8
    assert 270 <= min(height, width) <= max(height, width) <= 1600
    assert max(height, width) >= 480
    assert 0 <= x < x + w <= width
    assert 0 <= y < y + h <= height
    window = photo.picture[y : y + h, x : x + w].mean(axis=2)
    assert np.percentile(window, 3) < 0.85 * np.median(window)


def test_photographs_are_deterministic():
    first, second = (photos.photograph([SEVEN], np.random.default_rng(3)) for _ in range(2))
    other = photos.photograph([SEVEN], np.random.default_rng(4))
    assert np.array_equal(first.picture, second.picture)
    assert first.boxes == second.boxes
    assert first.picture.shape != other.picture.shape or (first.picture != other.picture).any()


@pytest.mark.parametrize("share", [0.08, 0.3, 0.7])
def test_the_digit_has_the_requested_height(share):
    for seed in range(4):
        photo = photos.photograph([ONE], np.random.default_rng(seed), share)
        # The pen adds its width, and perspective changes the height slightly.
        height = photo.boxes[0][3] - photo.pen_width
        assert height == pytest.approx(share * photo.picture.shape[0], rel=0.15)


def test_thin_and_wide_pens_and_small_digits_occur():
    rng = np.random.default_rng(0)
    made = [photos.photograph([SEVEN], rng, longest=800) for _ in range(20)]
    pens = [photo.pen_width / (photo.boxes[0][3] - photo.pen_width) for photo in made]
    assert min(pens) < 0.02
    assert max(pens) > 0.1
    shares = [photo.boxes[0][3] / photo.picture.shape[0] for photo in made]
    assert min(shares) < 0.12
    assert max(shares) > 0.5
    assert any(p.picture.shape[0] > p.picture.shape[1] for p in made)
    assert any(p.picture.shape[0] < p.picture.shape[1] for p in made)


def test_a_photographed_seven_stands_upright():
    photo = photos.photograph([SEVEN], np.random.default_rng(0), 0.5)
    x, y, w, h = photo.boxes[0]
    # The corner of the 7 is at the top right of the box; the bottom right is paper.
    window = photo.picture[y : y + h, x : x + w].mean(axis=2)
    assert window[: h // 3].min() < 0.7 * np.median(window)
    assert window[-h // 4 :, -w // 4 :].min() > window[: h // 3].min()


def test_wide_writing_fits_with_a_box_for_each_part_in_order():
    parts = [[stroke + np.array([800 * i, 0]) for stroke in SEVEN] for i in range(6)]
    for seed in range(6):
        photo = photos.photograph(parts, np.random.default_rng(seed), 0.8)
        lefts = [x for x, _, _, _ in photo.boxes]
        assert len(lefts) == 6
        assert lefts == sorted(lefts)
        assert lefts[0] >= 0
        assert lefts[-1] + photo.boxes[-1][2] <= photo.picture.shape[1]


def test_writing_without_points_is_rejected():
    with pytest.raises(ValueError, match="need at least one array"):
        photos.photograph([[]], np.random.default_rng(0))


@pytest.mark.parametrize("on_desk", [False, True])
def test_ruled_lines_are_where_they_are_reported(on_desk):
    rng, seen = np.random.default_rng(1), 0
    for _ in range(20):
        photo = photos.photograph([SEVEN], rng, on_desk=on_desk, longest=1200)
        for ruling in photo.rulings:
            if ruling.cover < 0.25 or not 1.5 <= ruling.width <= 8:
                continue
            size = photo.picture.shape[:2]
            line = strokes.draw(ruling.lines, size, ruling.width) > 0.9
            wide, wider = (strokes.draw(ruling.lines, size, k * ruling.width) for k in (2.5, 5))
            near = (wider > 0) & (wide == 0)
            if not line.any():  # a margin beyond the sheet
                continue
            seen += 1
            light = photo.picture.min(axis=2).astype(float)  # rulings are colored
            assert light[line].mean() < light[near].mean() - 2
    assert seen >= 3
