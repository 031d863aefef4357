import numpy as np
import pytest

from tests.support.training_support import confident
from training import calibrate


def sampled(temperature, count=20000, classes=10, seed=0):
    """Probabilities of an overconfident network, and labels drawn from the calibrated ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, classes)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    edges = honest[:, :10].cumsum(axis=1) / honest[:, :10].sum(axis=1, keepdims=True)
    labels = (random.random((count, 1)) > edges).sum(axis=1)
    sharp = np.exp(logits * temperature)
    return (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("classes", [10, 11])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature, classes):
    probabilities, labels = sampled(temperature, classes=classes)
    assert calibrate.fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.03)


def test_the_fitted_temperature_makes_confidences_honest():
    probabilities, labels = sampled(3.0)
    fitted = calibrate.apply_temperature(
        probabilities, calibrate.fit_temperature(probabilities, labels)
    )
    assert calibrate.reliability(probabilities, labels).ece > 0.1
    assert calibrate.reliability(fitted, labels).ece < 0.01


def test_answers_without_a_mistake_give_a_temperature_within_bounds():
    probabilities = np.full((50, 10), 0.01, np.float32)
    labels = np.arange(50) % 10
    probabilities[np.arange(50), labels] = 0.91
    assert 0.05 <= calibrate.fit_temperature(probabilities, labels) < 0.1


def test_an_output_that_underflowed_to_0_can_be_fitted():
    probabilities, labels = sampled(1.0, count=500)
    probabilities[0] = np.eye(10)[(labels[0] + 1) % 10]
    assert np.isfinite(calibrate.fit_temperature(probabilities, labels))


def reliability(values, right):
    """Measure the reliability of answers with these confidences, right or wrong."""
    digits = np.zeros(len(values), int)
    return calibrate.reliability(confident(digits, values), np.where(right, 0, 1))


def test_ece_is_the_gap_weighted_by_count():
    measured = reliability([0.95, 0.95, 0.95, 0.55], [True, True, False, True])
    assert measured.counts.tolist() == [*[0] * 8, 1, *[0] * 5, 3]
    expected = 3 / 4 * abs(0.95 - 2 / 3) + 1 / 4 * abs(0.55 - 1)
    assert measured.ece == pytest.approx(expected)


def test_a_full_confidence_falls_into_the_last_bin():
    measured = reliability([1.0, 1.0], [True, True])
    assert measured.counts.tolist() == [0] * 14 + [2]
    assert measured.ece == 0


@pytest.mark.parametrize("count", [1, 49, 50, 51, 5000])
def test_at_most_the_asked_share_of_digits_is_rejected_and_equal_ones_not_together(count):
    scores = np.random.default_rng(0).random(count)
    assert (scores < calibrate.choose_rejection_threshold(scores)).sum() == count * 2 // 100
    equal = np.full(count, 0.9)
    assert (equal < calibrate.choose_rejection_threshold(equal)).sum() == 0


def test_temperature_keeps_the_order_and_the_sum():
    sharp = np.array([[0.9, 0.08, 0.02], [0.0, 1.0, 0.0]], np.float32)
    soft = calibrate.apply_temperature(sharp, 2.0)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    assert soft[0, 0] < 0.9
    assert soft[0].argsort().tolist() == sharp[0].argsort().tolist()
    np.testing.assert_allclose(calibrate.apply_temperature(sharp, 1.0), sharp, atol=1e-6)
