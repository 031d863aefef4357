"""Variation of pen movements, and what of a digit is preserved."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.training.drawings import CROSS, ONE, RING, SEVEN, mnist_image
from training.augmentation import is_traceable
from training.handwriting import strokes as pen_strokes
from training.handwriting.movement import BOX, join, vary
from training.handwriting.templates import DIGITS, OTHERS, write
from training.handwriting.tracing import trace


def length(strokes):
    return sum(np.linalg.norm(b - a) for stroke in strokes for a, b in pairwise(stroke))


def sizes(strokes, label, count):
    """Return the widths and heights of `count` variations."""
    varied = [vary(strokes, label, np.random.default_rng(seed)) for seed in range(count)]
    return np.ptp([pen_strokes.box(one) for one in varied], axis=1).T


@pytest.mark.parametrize("label", [*DIGITS, *OTHERS])
def test_variations_fill_the_box(label):
    rng = np.random.default_rng(0)
    for _ in range(40):
        varied = vary(write(label, rng), label, rng)
        points = np.concatenate(varied)
        assert np.isfinite(points).all()
        assert np.ptp(points, axis=0).max() == pytest.approx(BOX)
        assert (points.max(axis=0) + points.min(axis=0)) / 2 == pytest.approx(BOX / 2)


def test_a_dot_stays_a_dot():
    rng = np.random.default_rng(0)
    (dot,) = vary([np.array([[3.0, 4.0]])], "dot", rng)
    assert dot == pytest.approx(BOX / 2)


def test_the_given_strokes_are_not_modified():
    before = [stroke.copy() for stroke in CROSS]
    for seed in range(30):
        vary(CROSS, "4", np.random.default_rng(seed))
    assert all((a == b).all() for a, b in zip(before, CROSS, strict=True))


def test_the_ring_of_a_0_hardly_opens():
    gaps = []
    for seed in range(200):
        varied = vary(RING, "0", np.random.default_rng(seed))
        ring = varied[0]
        gaps.append(np.linalg.norm(ring - ring[0], axis=1)[len(ring) // 2 :].min())
    assert np.mean(np.array(gaps) < 12) > 0.9


def test_a_1_gets_hooks_but_stays_upright():
    widths, _ = sizes(ONE, "1", 300)
    assert np.mean(widths > 8) > 0.2
    assert np.quantile(widths, 0.99) < 70


def test_a_7_does_not_become_narrower():
    widths, heights = sizes(SEVEN, "7", 200)
    assert np.median(widths / heights) > 0.55


def test_bars_change_their_length():
    bar = np.array([[200, 500], [800, 500]], float)
    lengths = []
    for seed in range(100):
        varied = vary([CROSS[1], bar], "+", np.random.default_rng(seed))
        lengths.append(min(length([stroke]) for stroke in varied))
    assert np.ptp(lengths) > 25


def test_a_traced_cross_becomes_two_strokes():
    strokes = join(trace(mnist_image(CROSS)))
    assert len(strokes) == 2
    assert length(strokes) == pytest.approx(2000, rel=0.1)


def test_joining_preserves_the_length():
    rng = np.random.default_rng(0)
    for label in DIGITS:
        traced = trace(mnist_image(pen_strokes.fit(write(label, rng))))
        assert length(join(traced)) == pytest.approx(length(traced), rel=0.15)


def test_a_traced_knot_is_joined_to_one_stroke():
    angle = np.linspace(0, 2 * np.pi, 60)
    knot = [500 + np.column_stack([400 * np.sin(2 * angle), 500 * np.cos(angle)])]
    assert len(join(trace(mnist_image(knot)))) == 1


def test_a_filled_loop_is_not_traceable():
    ring = mnist_image(RING)
    full = ring.copy()
    cv2.circle(full, (14, 14), 7, 255, cv2.FILLED)
    assert is_traceable(ring, 0)
    assert not is_traceable(full, 0)
    assert not is_traceable(ring, 8)
    assert is_traceable(full, 1)
