"""Numbers of several digits on canvas and paper."""

import cv2
import numpy as np
import pytest

from tests.training.drawings import SAMPLES, SEVEN, mnist_image
from training.handwriting import strokes
from training.synthesis import numbers


def test_a_number_has_two_to_six_digits_from_one_source():
    rng = np.random.default_rng(0)
    chosen = [numbers.choose(SAMPLES, rng) for _ in range(100)]
    assert {len(digits) for digits in chosen} == set(numbers.LENGTHS)
    assert all(len({sample.source for sample in digits}) == 1 for digits in chosen)


def test_a_number_is_black_on_white_inside_the_canvas():
    shapes = set()
    for seed in range(24):
        rngs = np.random.default_rng(seed), np.random.default_rng(seed)
        number, again = (numbers.on_canvas(SAMPLES * 2, rng) for rng in rngs)
        picture = number.picture
        assert np.array_equal(picture, again.picture)
        shapes.add(picture.shape)
        assert number.digits == "710710"
        assert np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]).min() > 200
        assert picture.min() == 0
    assert shapes == set(numbers.CANVASES)


def test_neighbors_sometimes_touch():
    rng = np.random.default_rng(0)
    pieces = []
    for _ in range(80):
        number = numbers.on_canvas(SAMPLES, rng)
        pieces.append(cv2.connectedComponents((number.picture < 128).astype(np.uint8))[0] - 1)
    assert set(pieces) >= {2, 3}
    assert 0.6 < np.mean(np.array(pieces) == 3) < 0.98


def test_digits_are_in_order_and_lines_slope_both_ways():
    slopes = []
    for seed in range(30):
        parts = numbers.lay_out([SAMPLES[1].strokes] * 6, np.random.default_rng(seed), 0.1)
        lefts = [strokes.box(part)[0][0] for part in parts]
        assert lefts == sorted(lefts)
        ends = [strokes.box(part)[1] for part in (parts[0], parts[-1])]
        slopes.append((ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0]))
    assert min(slopes) < -0.04
    assert max(slopes) > 0.04
    assert max(np.abs(slopes)) < 0.3


def test_a_number_on_paper_is_a_photograph():
    number = numbers.on_paper(SAMPLES, np.random.default_rng(0))
    assert number.digits == "710"
    assert number.picture.shape[2] == 3


def test_mnist_images_become_samples():
    labels = np.array([7], np.uint8)
    (sample,) = numbers.samples_from_images(mnist_image(SEVEN)[None], labels)
    assert (sample.label, sample.source) == ("7", "mnist")
    assert strokes.box(sample.strokes)[1].max() == pytest.approx(strokes.UNIT)
