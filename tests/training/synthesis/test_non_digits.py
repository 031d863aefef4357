"""Pictures without a digit."""

import cv2
import numpy as np
import pytest

from training.synthesis import non_digits


def pieces(picture):
    return cv2.connectedComponents((picture < 128).astype(np.uint8))[0] - 1


@pytest.mark.parametrize("kind", non_digits.KINDS)
def test_each_kind_is_deterministic(kind):
    first, second = (non_digits.KINDS[kind](np.random.default_rng(1)) for _ in range(2))
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_there_are_few_or_many_dots():
    rng = np.random.default_rng(0)
    counts = [pieces(non_digits.dots(rng)) for _ in range(30)]
    assert min(counts) >= 1
    assert max(counts) > 5


def test_blank_is_a_plain_canvas_or_a_photograph():
    rng = np.random.default_rng(0)
    pictures = [non_digits.blank(rng) for _ in range(10)]
    assert {bool((picture == picture[0, 0]).all()) for picture in pictures} == {True, False}


def test_scribbles_have_one_to_three_connected_components():
    rng = np.random.default_rng(0)
    for _ in range(10):
        picture = non_digits.scribble(rng)
        assert 1 <= pieces(picture) <= 3
        assert (picture < 128).mean() > 0.01
