"""Degradation changes the image and keeps the digit."""

import numpy as np
import pytest

from training.augmentation import degradation

KINDS = {kind.__name__: kind for kind in degradation.KINDS}


@pytest.fixture
def image():
    ink = np.zeros((28, 28), np.float32)
    ink[4:24, 12:16] = 1
    return ink


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_changes_a_copy(name, image):
    rng, before = np.random.default_rng(0), image.copy()
    degraded = [KINDS[name](image, rng) for _ in range(40)]
    np.testing.assert_array_equal(image, before)
    assert all(d.shape == (28, 28) and d.dtype == np.float32 for d in degraded)
    assert np.mean([np.abs(d - image).max() > 0.02 for d in degraded]) > 0.9


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"partial_inversion"}))
def test_the_digit_still_differs_from_the_paper(name, image):
    rng = np.random.default_rng(1)
    degraded = np.mean([KINDS[name](image, rng) for _ in range(200)], axis=0)
    assert degraded[6:22, 13:15].mean() - degraded[6:22, 8:10].mean() > 0.15


def test_about_half_of_the_images_are_degraded(image):
    rng = np.random.default_rng(2)
    degraded = [degradation.degrade(image, rng) for _ in range(400)]
    assert 0.4 < np.mean([np.abs(d - image).max() > 0.02 for d in degraded]) < 0.7
    assert all(d.min() >= 0 and d.max() <= 1 for d in degraded)


def test_pixels_are_inverted_exactly_or_unchanged(image):
    rng = np.random.default_rng(3)
    for _ in range(50):
        result = degradation.partial_inversion(image, rng)
        changed = result != image
        np.testing.assert_array_equal(result[changed], (1 - image)[changed])
