"""Preprocessing to MNIST's frame: each step, and all of them."""

import cv2
import numpy as np
import pytest

from digits.ink import BlankPictureError, stroke_width
from digits.preprocessing import (
    BOX_SIDE,
    IMAGE_SIDE,
    MIN_STROKE,
    center_by_mass,
    center_of_mass,
    crop,
    fit_to_box,
    normalize,
    preprocess_candidates,
    thicken,
)
from tests.support.inks import difference, drawing, first_image, first_ink


@pytest.mark.parametrize("digit", range(10))
def test_image_has_mnists_frame(digit):
    image = first_image(drawing(digit))
    assert image.shape == (IMAGE_SIDE, IMAGE_SIDE)
    assert image.dtype == np.float32
    assert image.min() == 0
    assert 0.8 < image.max() <= 1
    assert max(crop(image).shape) == BOX_SIDE
    assert all(abs(center - IMAGE_SIDE / 2) <= 0.51 for center in center_of_mass(image))


def test_image_of_mnist_comes_back_as_itself(mnist):
    changes = []
    for original in mnist.train_images[:200]:
        image = first_image(original)
        changes.append(np.abs(image - original / 255).sum() / image.sum())
    assert np.quantile(changes, 0.98) < 0.06


def test_only_a_small_picture_may_be_in_the_frame_already():
    small = np.round(255 * first_image(drawing())).astype(np.uint8)
    small[:3] = 0
    small[0, ::2] = 255  # dirt that moves the bounding box
    as_it_is, normalized = [
        candidate.image for candidate in preprocess_candidates(first_ink(small))
    ]
    np.testing.assert_allclose(as_it_is[4:], small[4:] / 255, atol=0.08)
    assert max(crop(normalized).shape) == BOX_SIDE
    assert len(preprocess_candidates(first_ink(drawing()))) == 1


def test_digit_of_mnist_drawn_large_anywhere_comes_back_as_itself(mnist):
    rng = np.random.default_rng(0)
    changes = []
    for original in mnist.train_images[:100]:
        canvas = np.full((500, 500), 255, np.uint8)
        top, left = rng.integers(0, 500 - 280, 2)
        canvas[top : top + 280, left : left + 280] -= original.repeat(10, 0).repeat(10, 1)
        changes.append(difference(first_image(canvas), original / 255))
    assert np.mean(changes) < 0.05
    assert np.quantile(changes, 0.95) < 0.15


def test_size_of_the_picture_does_not_matter():
    large = cv2.resize(drawing(), (1900, 1900), interpolation=cv2.INTER_CUBIC)
    assert difference(first_image(large), first_image(drawing())) < 0.2


def test_shape_is_kept():
    line = np.full((400, 400), 255, np.uint8)
    line[50:350, 190:210] = 0
    tall = crop(first_image(line))
    assert tall.shape[0] == BOX_SIDE
    assert tall.shape[1] <= 3


def test_dot_is_drawn_not_blank():
    canvas = np.full((400, 400), 255, np.uint8)
    cv2.circle(canvas, (300, 100), 8, 0, cv2.FILLED)
    assert first_image(canvas).sum() > 100


def test_stroke_width_is_measured_in_pixels():
    for width in (3, 7, 12):
        line = np.zeros((200, 60), np.float32)
        line[10:190, 20 : 20 + width] = 1
        assert stroke_width(line) == pytest.approx(width, abs=1.1)


def test_hairline_is_widened_and_a_marker_is_not():
    hairline = np.zeros((400, 300), np.float32)
    cv2.line(hairline, (20, 20), (280, 380), 1.0, 2)
    widened = stroke_width(fit_to_box(thicken(crop(hairline))).repeat(8, 0).repeat(8, 1)) / 8
    assert widened > 0.7 * MIN_STROKE
    marker = np.zeros((80, 80), np.float32)
    cv2.line(marker, (10, 10), (70, 70), 1.0, 12)
    assert thicken(crop(marker)).shape == crop(marker).shape


def test_center_of_mass_never_pushes_ink_over_the_edge():
    box = np.zeros((20, 20), np.float32)
    box[0, 0] = 0.01
    box[19, 19] = 1
    assert center_by_mass(box).sum() == pytest.approx(box.sum())


def test_ink_without_any_is_refused_by_every_step_that_needs_some():
    nothing = np.zeros((50, 50), np.float32)
    for step in (crop, normalize):
        with pytest.raises(BlankPictureError, match="Expected ink"):
            step(nothing)
