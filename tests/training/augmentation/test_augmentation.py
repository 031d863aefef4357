"""Augmentation of digits, and synthetic non-digits."""

import numpy as np
import pytest

from digits.networks import NOT_A_DIGIT
from digits.preprocessing import normalize
from training.augmentation import EVERYTHING, Augmentation, augment
from training.augmentation.hand import elastic_affine
from training.augmentation.non_digits import non_digit
from training.augmentation.pen import SIDE, as_ink, draw_strokes, skeleton, vary_stroke_width
from training.augmentation.styles import add_missing_strokes
from training.data.batches import EpochBatches
from training.handwriting.templates import DIGITS, OTHERS, write


def bars(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return upright bars in place of digits: `(N, 28, 28)` uint8, and `(N,)` labels 0 to 9."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    return images, (np.arange(count) % 10).astype(np.uint8)


def is_image(image: np.ndarray) -> bool:
    return (
        image.shape == (28, 28)
        and image.dtype == np.float32
        and image.min() >= 0
        and image.max() <= 1
        and image.sum() > 1
    )


def test_augmented_digits_and_non_digits_are_images():
    rng = np.random.default_rng(0)
    for label in range(10):
        assert all(is_image(augment(bars()[0][0], label, rng)) for _ in range(60)), label
    assert all(is_image(non_digit(*bars(), rng)) for _ in range(300))


@pytest.mark.filterwarnings("error")
def test_a_flag_meets_a_broken_stem():
    stem = np.zeros((SIDE, SIDE), np.float32)
    stem[20:23, 50:54] = stem[45:80, 50:54] = 1
    for seed in range(200):
        one = add_missing_strokes(stem, 1, np.random.default_rng(seed))
        assert not one[:, :15].any()
        assert (one >= stem).all()


def test_every_template_can_be_written():
    rng = np.random.default_rng(0)
    for label in [*DIGITS, *OTHERS]:
        for _ in range(8):
            strokes = write(label, rng)
            assert all(stroke.ndim == 2 and stroke.shape[1] == 2 for stroke in strokes)
            assert draw_strokes(strokes, rng).sum() > 30


def test_a_1_sometimes_gets_a_flag_or_a_foot():
    rng = np.random.default_rng(0)
    wide = [np.count_nonzero(augment(bars()[0][0], 1, rng).max(axis=0) > 0.3) for _ in range(200)]
    assert np.mean(np.array(wide) >= 10) > 0.15


def test_the_skeleton_of_a_bar_is_its_center_line():
    ink = np.zeros((SIDE, SIDE), np.float32)
    ink[20:80, 40:50] = 1
    columns = np.nonzero(skeleton(ink)[30:70])[1]
    assert columns.min() >= 43
    assert columns.max() <= 46


def test_pens_differ_in_width():
    ink = np.zeros((SIDE, SIDE), np.float32)
    ink[20:80, 45:53] = 1
    rng = np.random.default_rng(0)
    widths = [np.count_nonzero(vary_stroke_width(ink, rng)[50] > 0.5) for _ in range(200)]
    assert min(widths) <= 4
    assert max(widths) >= 12


def test_zero_strength_does_not_distort():
    image = np.zeros((28, 28), np.float32)
    image[4:24, 12:16] = 1
    straight = elastic_affine(image, SIDE / 28, np.random.default_rng(0), strength=0)
    rows, columns = np.nonzero(straight > 0.5)
    assert abs(rows.mean() - (SIDE - 1) / 2) < 1
    assert abs(columns.mean() - (SIDE - 1) / 2) < 1
    assert np.ptp(columns) == pytest.approx(4 * SIDE / 28, abs=2)


def test_batches_depend_only_on_seed_and_epoch():
    first, again = (EpochBatches(*bars(), 20, seed=3, parts=EVERYTHING) for _ in range(2))
    again[1]  # a previous access must not matter
    for batch, repeated in zip(first[0], again[0], strict=True):
        np.testing.assert_array_equal(batch, repeated)
    again.epoch = 1
    assert not np.array_equal(first[0][0], again[0][0])


NOTHING = Augmentation(
    hand=False, movement=False, pen=False, styles=False, degradation=False, non_digits=0
)


@pytest.mark.parametrize("parts", [EVERYTHING, NOTHING])
def test_an_epoch_has_each_digit_once_plus_the_share_of_non_digits(parts):
    images, labels = bars(50)
    batches = EpochBatches(images, labels, 20, 0, parts)
    shown = np.concatenate([batches[i][1] for i in range(len(batches))])
    digits = shown[shown != NOT_A_DIGIT]
    np.testing.assert_array_equal(np.sort(digits), np.sort(labels))
    assert len(shown) - len(digits) == len(batches) * round(20 * parts.non_digits)


def furthest(parts: Augmentation) -> float:
    """Return the maximum mean difference of 60 samples from the normalized image."""
    image = bars()[0][0]
    usual = normalize(as_ink(image))
    rng = np.random.default_rng(0)
    return max(np.abs(usual - augment(image, 1, rng, parts)).mean() for _ in range(60))


def test_without_parts_the_image_is_only_normalized():
    assert furthest(NOTHING) < 0.035


@pytest.mark.parametrize("part", ["hand", "movement", "pen", "styles", "degradation"])
def test_each_part_alone_varies_the_image(part):
    assert furthest(Augmentation(**{**vars(NOTHING), part: True})) > 0.045
