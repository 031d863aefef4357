"""What the features of a number's reading cost, and how the costs are fitted."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from digits.numbers.lattice import COSTS, Lattice, LatticeCosts, Segment, viterbi
from training.fit_costs import Readings, fit


def line(*segments, skipped=(1.0, 1.0), centre_nll=0.0):
    """Lay out two fragments of ink.

    Args:
        segments: First fragment, fragment after the last, likeliest digit, its probability, and
            what of "cut" to "width" is not 0; all other digits are impossible.
        skipped: What skipping each fragment counts.
        centre_nll: What the digits' centres in each segment count.
    """
    made, rows = [], []
    for first, last, digit, probability, geometry in segments:
        names = ["digit", "cut", "span", "gap", "beside", "height", "width"]
        counts = np.array([{"digit": 1.0, **geometry}.get(name, 0.0) for name in names])
        image = np.zeros((28, 28), np.float32)
        made.append(Segment(first, last, (0, first, 10, last), image, counts))
        row = np.zeros(10, np.float32)
        row[digit] = probability
        rows.append(row)
    probabilities = np.array(rows, np.float32)
    return Lattice(tuple(made), np.array(skipped), probabilities, np.full(len(made), centre_nll))


def indices(lattice):
    """Segments that are read, whatever as."""
    return [index for index, _ in viterbi(lattice)]


def touching(cut=0.5):
    """A 2 and a 7 that touch, which together look a little like a 0."""
    parts = [(0, 1, 2, 0.99, {"cut": cut}), (1, 2, 7, 0.98, {"cut": cut})]
    return line(*parts, (0, 2, 0, 0.6, {"width": 0.1}))


@pytest.mark.parametrize(("probability", "number"), [(0.05, [0, 1]), (0.99, [2])])
def test_two_digits_are_read_for_one_where_the_one_is_centre_nll(probability, number):
    parts = [(0, 1, 2, 0.99, {"cut": 0.5}), (1, 2, 7, 0.98, {"cut": 0.5})]
    assert indices(line(*parts, (0, 2, 0, probability, {}))) == number


def test_a_wide_digit_is_rather_read_as_two():
    parts = [(0, 1, 2, 0.99, {"cut": 0.5}), (1, 2, 2, 0.99, {"cut": 0.5})]
    assert indices(line(*parts, (0, 2, 2, 0.98, {}))) == [2]
    assert indices(line(*parts, (0, 2, 2, 0.98, {"width": 1.0}))) == [0, 1]


def test_small_ink_is_skipped_and_tall_ink_is_read():
    unclear = [(0, 1, 5, 0.99, {}), (1, 2, 7, 0.02, {"cut": 0.1})]
    assert indices(line(*unclear, skipped=(1.0, 0.3))) == [0]
    assert indices(line(*unclear, skipped=(1.0, 1.0))) == [0, 1]


@pytest.mark.parametrize(("cut", "label"), [(0.0, 10), (0.5, 7)])
def test_a_doubtful_segment_is_other_writing_unless_it_is_cut_from_ink(cut, label):
    parts = [(0, 1, 2, 0.99, {}), (1, 2, 7, 0.02, {"cut": cut})]
    assert viterbi(line(*parts)) == [(0, 2), (1, label)]


def test_a_doubtful_segment_with_a_digits_centre_is_a_digit():
    doubtful = (0, 1, 7, 0.02, {})
    assert viterbi(line(doubtful, skipped=(1.0,))) == [(0, 10)]
    assert viterbi(line(doubtful, skipped=(1.0,), centre_nll=4.6)) == [(0, 7)]


def test_no_run_means_no_digit():
    empty = Lattice((), np.array([1.0]), np.zeros((0, 10), np.float32), np.zeros(0))
    assert viterbi(empty) == []


@pytest.mark.parametrize("digits", ["27", "0", "2"])
def test_the_gradient_is_that_of_the_likelihood(digits):
    readings, costs = Readings(touching(), digits), np.array(astuple(COSTS))
    found = readings.surprise(costs)
    assert found is not None
    for index, step in enumerate(1e-5 * np.eye(len(costs))):
        higher, lower = readings.surprise(costs + step), readings.surprise(costs - step)
        assert (higher[0] - lower[0]) / 2e-5 == pytest.approx(found[1][index], abs=1e-4)


def test_more_digits_than_any_reading_has_are_no_reading():
    assert Readings(touching(), "277").surprise(np.array(astuple(COSTS))) is None


def test_probabilities_of_all_numbers_sum_to_one():
    costs = np.array(astuple(COSTS))
    numbers = ["", *map(str, range(10)), *(f"{n:02d}" for n in range(100))]
    nats = [Readings(touching(), number).surprise(costs) for number in numbers if number]
    # What is left is the empty number: all ink skipped or other writing.
    total = sum(np.exp(-found[0]) for found in nats if found)
    assert 0.8 < total < 1


def test_fitting_makes_cuts_cheap_where_digits_touch_and_dear_where_they_do_not():
    start = replace(COSTS, cut=1.0)
    cheap = fit([Readings(touching(), "27")] * 3, start)
    dear = fit([Readings(touching(), "0")] * 3, start)
    assert cheap.cut < start.cut < dear.cut
    assert isinstance(cheap, LatticeCosts)
