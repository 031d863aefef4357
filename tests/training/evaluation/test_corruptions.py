"""The fifteen corruptions of MNIST-C."""

import numpy as np
import pytest

from tests.training.drawings import OVAL, SEVEN, mnist_image
from training.evaluation import corruptions

KINDS = list(corruptions.CORRUPTIONS)


@pytest.fixture(scope="module")
def images():
    """64 zeros and sevens as in MNIST."""
    return np.stack([mnist_image(OVAL), mnist_image(SEVEN)] * 32)


def test_there_are_the_fifteen_published_kinds():
    published = (
        "shot_noise impulse_noise glass_blur motion_blur shear scale rotate brightness translate "
        "stripe fog spatter dotted_line zigzag canny_edges"
    )
    assert published.split() == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_a_copy_of_every_image_as_the_seed_decides(kind, images):
    before = images.copy()
    first = corruptions.corrupt(kind, images, seed=1)
    assert first.shape == images.shape
    assert first.dtype == np.uint8
    assert (first != images).any(axis=(1, 2)).all()
    assert np.array_equal(first, corruptions.corrupt(kind, images, seed=1))
    assert np.array_equal(images, before)
    if kind not in {"scale", "brightness", "stripe", "canny_edges"}:
        assert (first != corruptions.corrupt(kind, images, seed=2)).any()


def mean(images):
    return images.astype(float).mean() / 255


def test_brightness_adds_half(images):
    assert (corruptions.corrupt("brightness", images, 0)[images == 0] == 128).all()


def test_stripe_inverts_the_outer_quarters_only(images):
    striped = corruptions.corrupt("stripe", images, 0)
    assert np.array_equal(striped[:, :, 7:21], images[:, :, 7:21])
    assert np.array_equal(striped[:, :, :7], 255 - images[:, :, :7])
    assert np.array_equal(striped[:, :, 21:], 255 - images[:, :, 21:])


def test_impulse_noise_hits_seventeen_percent(images):
    noisy = corruptions.corrupt("impulse_noise", images, 0)
    assert (noisy[images == 0] == 255).mean() == pytest.approx(0.085, abs=0.01)


def test_shot_noise_keeps_the_mean_of_faint_ink_and_paper_clean(images):
    faint = (images // 4).astype(np.uint8)
    noisy = corruptions.corrupt("shot_noise", faint, 0)
    assert (noisy[faint == 0] == 0).all()
    assert mean(noisy) == pytest.approx(mean(faint), rel=0.1)
    assert set(np.unique(noisy)) <= {0, 85, 170, 255}


def test_translate_moves_by_three_pixels_along_both_axes(images):
    moved = corruptions.corrupt("translate", images, 0)
    ways = set()
    for before, after in zip(images, moved, strict=True):
        match = [
            (dy, dx)
            for dy in (-3, 3)
            for dx in (-3, 3)
            if np.array_equal(np.roll(before, (dy, dx), (0, 1)), after)
        ]
        assert len(match) == 1
        ways.add(match[0])
    assert len(ways) == 4


def height(image):
    return np.ptp(np.flatnonzero((image > 30).any(axis=1)))


def test_scale_shrinks_to_seven_tenths(images):
    small = corruptions.corrupt("scale", images, 0)
    assert height(small[0]) == pytest.approx(0.7 * height(images[0]), abs=1.5)


def test_rotate_turns_by_twenty_three_degrees():
    bar = np.zeros((40, 28, 28), np.uint8)
    bar[:, 4:24, 13:15] = 255
    turned = corruptions.corrupt("rotate", bar, 0)
    signs = set()
    for image in turned:
        rows, columns = np.nonzero(image > 100)
        slope = np.polyfit(rows, columns, 1)[0]
        assert abs(np.arctan(slope)) == pytest.approx(0.4, abs=0.06)
        signs.add(np.sign(slope))
    assert signs == {-1, 1}


def test_blurs_keep_the_amount_of_ink(images):
    for kind in ("glass_blur", "motion_blur"):
        assert mean(corruptions.corrupt(kind, images, 0)) == pytest.approx(mean(images), rel=0.06)


def test_fog_keeps_the_ink_in_front(images):
    fogged = corruptions.corrupt("fog", images, 0).astype(float)
    front = np.mean(
        [f[i > 200].mean() - f[i == 0].mean() for f, i in zip(fogged, images, strict=True)]
    )
    assert 30 < front < 80


@pytest.mark.parametrize("kind", ["dotted_line", "zigzag"])
def test_lines_only_add_ink_and_cross_the_image(kind, images):
    drawn = corruptions.corrupt(kind, images, 0)
    added = drawn.astype(int) - images
    assert added.min() >= 0
    columns = (added > 0).any(axis=1).sum(axis=1)
    assert columns.mean() > 9


def test_dotted_lines_leave_two_columns_of_four_free(images):
    empty = np.zeros_like(images)
    columns = corruptions.corrupt("dotted_line", empty, 0).any(axis=(0, 1))
    assert columns.tolist() == [i % 4 >= 2 and i < 27 for i in range(28)]


def test_edges_are_all_or_nothing_and_hollow_a_thick_stroke():
    block = np.zeros((1, 28, 28), np.uint8)
    block[0, 6:22, 8:20] = 255
    edges = corruptions.corrupt("canny_edges", block, 0)[0]
    assert set(np.unique(edges)) == {0, 255}
    assert edges[12:16, 12:16].max() == 0


def test_an_unknown_kind_is_refused(images):
    with pytest.raises(KeyError, match="snow"):
        corruptions.corrupt("snow", images, 0)
