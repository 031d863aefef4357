"""Fit the temperature and the rejection threshold on validation images, and measure calibration.

Confidences are the ten numbers shown to the visitor: the probabilities of the ten digits at the
fitted temperature, normalized to sum 1, whether or not the network has an eleventh output.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15
REJECTED_SHARE = 0.02
"""Share of real digits rejected at the threshold where rejection of non-digits is measured."""

SERVED_REJECTED_SHARE = 0.005
"""Share of validation digits that the app may reject: visitors mind an accepted letter less than a
rejected digit."""

_TINY = np.finfo(np.float32).tiny  # keeps the logarithm finite where an output underflowed


def apply_temperature(
    probabilities: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    """Divide the logits behind probabilities, `(N, C)` float32, by a temperature.

    Above 1 it lowers the confidences, below 1 it raises them (Guo et al., "On Calibration of Modern
    Neural Networks").
    """
    logits = np.log(np.maximum(probabilities, _TINY)) / temperature
    return softmax(logits, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Accuracy by confidence, in bins of equal width from 0 to 1.

    Attributes:
        counts: `(bins,)` int64, answers in each bin.
        confidence: `(bins,)` float64, mean confidence; NaN for an empty bin.
        accuracy: `(bins,)` float64, share of right answers; NaN for an empty bin.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Expected calibration error: mean gap of confidence and accuracy, weighted by count."""
        used = self.counts > 0
        gaps = np.abs(self.confidence[used] - self.accuracy[used])
        return float(np.average(gaps, weights=self.counts[used]))


def fit_temperature(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Find the temperature, from 0.05 to 20, that minimizes the labels' negative log-likelihood.

    Probabilities are `(N, 10)` or `(N, 11)` at temperature 1; labels `(N,)` digits, 0-9.
    """
    log_probabilities = np.log(np.maximum(probabilities[:, :10], _TINY), dtype=np.float64)

    def nll(log_temperature: float) -> float:
        scaled = log_softmax(log_probabilities / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    # Beyond these bounds the likelihood barely changes.
    found = minimize_scalar(nll, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def reliability(confidences: NDArray[np.floating], labels: NDArray[np.integer]) -> Reliability:
    """Compare confidence with accuracy, in bins of equal width.

    Confidences are `(N, 10)`, rows sum to 1; labels `(N,)` digits, 0-9.
    """
    top = confidences.max(axis=1).astype(np.float64)
    right = (confidences.argmax(axis=1) == labels).astype(np.float64)
    index = np.clip(np.ceil(top * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    filled = np.where(counts > 0, counts, np.nan)
    return Reliability(
        counts=counts,
        confidence=np.bincount(index, weights=top, minlength=BINS) / filled,
        accuracy=np.bincount(index, weights=right, minlength=BINS) / filled,
    )


def choose_rejection_threshold(
    scores: NDArray[np.floating], share: float = REJECTED_SHARE
) -> float:
    """Choose the score below which an answer is rejected, from `(N,)` scores of real digits.

    Returns:
        The largest score with at most this share of the scores below it.
    """
    ordered = np.sort(scores)
    return float(ordered[int(np.floor(share * len(ordered)))])
