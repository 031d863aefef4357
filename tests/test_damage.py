"""The damages that training shows: each changes the image and leaves the digit there."""

import numpy as np
import pytest

from training import damage

WAYS = {
    way.__name__: way
    for way in (
        damage.grain,
        damage.few_quanta,
        damage.broken_pixels,
        damage.line_across,
        damage.exchanged,
        damage.fog,
        damage.stained,
    )
}


@pytest.fixture
def image():
    ink = np.zeros((28, 28), np.float32)
    ink[4:24, 12:16] = 1
    return ink


@pytest.mark.parametrize("name", WAYS)
def test_damage_changes_a_copy(name, image):
    rng, before = np.random.default_rng(0), image.copy()
    damaged = [WAYS[name](image, rng) for _ in range(40)]
    np.testing.assert_array_equal(image, before)
    assert all(d.shape == (28, 28) and d.dtype == np.float32 for d in damaged)
    assert np.mean([np.abs(d - image).max() > 0.02 for d in damaged]) > 0.9


@pytest.mark.parametrize("name", sorted(set(WAYS) - {"exchanged"}))
def test_digit_still_differs_from_the_paper_beside_it(name, image):
    rng = np.random.default_rng(1)
    damaged = np.mean([WAYS[name](image, rng) for _ in range(200)], axis=0)
    assert damaged[6:22, 13:15].mean() - damaged[6:22, 8:10].mean() > 0.15


def test_every_way_is_taken(image):
    rng = np.random.default_rng(2)
    kinds = {round(float(damage.damage(image, rng).sum()), 3) for _ in range(200)}
    assert len(kinds) > 150


def test_exchanged_parts_are_inverted_and_the_rest_is_untouched(image):
    rng = np.random.default_rng(3)
    for _ in range(50):
        result = damage.exchanged(image, rng)
        changed = result != image
        np.testing.assert_array_equal(result[changed], (1 - image)[changed])
