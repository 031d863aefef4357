"""The extractor: its training targets and metrics, and the ink that it keeps."""

import cv2
import numpy as np
import pytest

from digits.segmentation.extractor import DIGIT_HEIGHT, Extractor, extract
from digits.segmentation.finder import Center
from tests.support.training_support import small_hands
from training import extraction
from training.synthesis.crops import SIZE, make_crops
from training.synthesis.page import DIGIT, LINE, WRITING


@pytest.fixture(scope="module")
def hands():
    return small_hands(40)


@pytest.fixture(scope="module")
def batch(hands):
    return extraction.make_batches(hands, 5, 0)[0]


def test_crops_show_digits_in_about_the_size_that_is_asked_for(hands):
    crops = make_crops(hands, 3, 0, 120)
    tall = []
    for crop in crops:
        assert crop.picture.shape == crop.layers.shape == (*SIZE, 3)
        stats = cv2.connectedComponentsWithStats((crop.layers[..., DIGIT] > 127).astype(np.uint8))
        tall += stats[2][1:, cv2.CC_STAT_HEIGHT].tolist()
    assert 0.6 * DIGIT_HEIGHT < np.median([each for each in tall if each > 8]) < 1.3 * DIGIT_HEIGHT
    for layer in (DIGIT, WRITING, LINE):
        assert any((crop.layers[..., layer] > 200).any() for crop in crops)


def test_shares_sum_to_one_and_digits_count_first():
    layers = np.zeros((1, 1, 4, 3), np.uint8)
    layers[0, 0, 1] = 255, 255, 255
    layers[0, 0, 2] = 0, 0, 255
    layers[0, 0, 3] = 60, 60, 0
    shares = np.asarray(extraction.targets(layers))[0, 0]
    assert np.allclose(shares.sum(axis=1), 1)
    assert shares[:3].argmax(axis=1).tolist() == [0, 1, 3]
    assert shares[3, 1] > shares[3, 2] > 0 == shares[3, 3]


def test_perfect_answers_score_one_and_empty_ones_zero(batch):
    def perfect(pictures, *, training):
        assert not training
        assert len(pictures) == len(batch.pictures)
        return 20 * np.asarray(extraction.targets(batch.layers))

    scores = extraction.evaluate(perfect, [batch])
    assert min(scores["ink"], scores["writing"], scores["lines"]) > 0.95
    nothing = extraction.evaluate(
        lambda x, **_: np.full((*x.shape[:3], 4), (9.0, 0, 0, 0)), [batch]
    )
    assert nothing["ink"] == 0
    assert nothing["error"] > 0.9
    assert scores["error"] < 0.3


def mark(planes):
    """Classify red as ink of digits, blue as other writing and green as lines."""
    red, green, blue = planes[0]
    marks = [red - blue > 0.24, blue - red > 0.24, green - np.maximum(red, blue) > 0.24]
    ink, writing, lines = (mark.astype(np.float32) for mark in marks)
    return [np.stack([1 - ink - writing - lines, ink, writing, lines])[None]]


@pytest.fixture
def extractor():
    """An extractor whose network is `mark`."""
    made = object.__new__(Extractor)
    made._heads = mark
    return made


def digit_at(x, y=200, height=200):
    return Center(float(x), float(y), float(height), 0.9)


def drawn(*strokes, size=(400, 400)):
    """Draw upright strokes: x, then top, bottom and color of each part."""
    picture = np.full((*size, 3), 255, np.uint8)
    for x, *parts in strokes:
        for top, bottom, color in parts:
            cv2.line(picture, (x, top), (x, bottom), color, 16)
    return picture


RED, BLUE, GREEN = (220, 0, 0), (0, 0, 220), (0, 220, 0)


def test_ink_is_of_the_networks_scale_in_its_place(extractor):
    found = extract(extractor, drawn((200, (100, 300, RED))), [digit_at(200)])
    assert found.scale == pytest.approx(200 / DIGIT_HEIGHT, rel=0.05)
    rows, columns = np.nonzero(found.array > 0.5)
    assert found.corner[0] + columns.mean() * found.scale == pytest.approx(200, abs=6)
    assert found.corner[1] + rows.min() * found.scale == pytest.approx(92, abs=6)
    center = digit_at(200).moved(*found.corner, found.scale)
    assert found.array[round(center.y), round(center.x)] > 0.9


def test_lines_are_no_ink(extractor):
    picture = drawn((200, (100, 300, RED)))
    cv2.line(picture, (0, 330), (399, 330), GREEN, 9)
    found = extract(extractor, picture, [digit_at(200)])
    assert np.nonzero(found.array)[0].max() * found.scale + found.corner[1] < 320


def test_connected_ink_is_a_digits_or_other_writing_as_a_whole(extractor):
    picture = drawn(
        (60, (100, 250, RED), (250, 300, BLUE)), (200, (100, 300, RED)), (340, (30, 300, BLUE))
    )
    found = extract(extractor, picture, [digit_at(200)])
    x = (np.array([60, 340]) - found.corner[0]) / found.scale
    rows = ((np.array([120, 280]) - found.corner[1]) / found.scale).astype(int)
    assert (found.array[rows, round(x[0])] > 0.9).all()
    assert found.array[:, round(x[1])].max() == 0


def test_what_is_cut_by_the_edge_of_the_part_is_no_digit(extractor):
    picture = drawn((200, (300, 500, RED)), (200, (0, 170, RED)), size=(900, 400))
    found = extract(extractor, picture, [digit_at(200, 400)])
    assert found.corner[1] > 100
    assert found.array[: round((250 - found.corner[1]) / found.scale)].max() == 0
    at_the_edge = drawn((200, (0, 160, RED)))
    assert extract(extractor, at_the_edge, [digit_at(200, 80, 170)]).array.max() > 0.9


def test_a_very_long_line_is_made_smaller(extractor):
    picture = np.full((60, 9000), 255, np.uint8)
    centers = [digit_at(x, 30, 12) for x in range(20, 9000, 40)]
    found = extract(extractor, picture, centers)
    assert found.array.size < 330_000
