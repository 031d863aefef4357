"""Measuring weights on recorded handwriting, source by source."""

import numpy as np
import pytest

from training.console import UserError
from training.evaluation import writers
from training.evaluation.writers import Answered, Handwriting
from training.handwriting.strokes import Sample

SEVEN = [np.array([[0, 0], [600, 0], [200, 1000]], float)]
STEM = [np.array([[0, 0], [0, 1000]], float)]
SAMPLES = [Sample("a", "7", SEVEN), Sample("b", "1", STEM), Sample("b", "7", SEVEN)]


def test_a_sample_on_the_pad_is_normalized_ink():
    for seed in range(20):
        image = writers.on_pad(SEVEN, np.random.default_rng(seed))
        assert image.shape == (28, 28)
        assert image.dtype == np.float32
        assert image.max() > 0.8
        rows = np.flatnonzero((image > 0.3).any(axis=1))
        assert np.ptp(rows) >= 18


def test_a_sample_is_drawn_alike_whichever_others_are_shown():
    every, some = writers.show(SAMPLES, []), writers.show(SAMPLES, ["b"])
    assert every.sources.tolist() == ["a", "b", "b"]
    assert some.labels.tolist() == ["1", "7"]
    np.testing.assert_array_equal(every.images[1:], some.images)
    assert not np.array_equal(every.images[0], every.images[2])


def test_an_unknown_source_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match="no samples of c: the sources are a, b"):
        writers.show(SAMPLES, ["c"])


def answered():
    """One digit of "a" read right, of "b" one right, one wrong and one rejected; two letters."""
    digits = Handwriting(
        np.zeros((4, 28, 28), np.float32), np.array(["7", "1", "7", "1"]), np.array([*"abbb"])
    )
    letters = Handwriting(
        np.zeros((2, 28, 28), np.float32), np.array(["A", "x"]), np.array([*"ab"])
    )
    on_digits = np.full((4, 11), 0.001, np.float32)
    on_digits[[0, 1, 2], [7, 1, 1]] = 0.99
    on_digits[3, 1] = 0.2
    on_letters = np.full((2, 11), 0.001, np.float32)
    on_letters[0, 4] = 0.9
    return Answered(digits, letters, on_digits, on_letters, 0.5)


def test_each_source_is_counted_by_itself_and_all_together():
    rows = {row[1]: row[2:] for row in writers.table(answered(), "run")}
    assert rows["a"][:3] == ["0", "0", "1"]
    assert rows["b"][:3] == ["1", "2", "3"]
    assert rows["all"][:3] == ["1", "2", "4"]
    assert float(rows["a"][3]) < 0.02 < float(rows["b"][3])
    # The worst digit's score is 0.2: no more than 2 % of four digits may be lost.
    assert rows["a"][4] == "0 of 1"
    assert rows["all"][4].startswith("1 of 2, AUROC 0.87")


def test_the_sheet_shows_what_is_misread_or_rejected():
    sheet = writers.sheet(answered(), columns=1)
    assert sheet.shape == (2 * 100, 86)
    assert all((tile[:14] < 128).any() for tile in (sheet[:100], sheet[100:]))
