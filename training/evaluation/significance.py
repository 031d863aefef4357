"""Significance tests: how much worse than another set of weights a set may be by chance alone.

Both sets are evaluated on the same pictures, so only those count that exactly one set misreads. If
both were equally good, either would be equally likely to be the wrong one (the sign test; for two
classifiers McNemar's, 1947).
"""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from training.calibrate import Reliability

CHANCE = 0.01
"""Significance level: how often an equally good set is considered worse, for each figure."""

Flags = npt.NDArray[np.bool_]


def excess_by_chance(wrong: Flags, wrong_before: Flags) -> int:
    """Return the largest increase in errors that is not significant under the sign test.

    It depends on how many of the `(N,)` pictures exactly one of the two sets misreads.
    """
    differing = int((wrong != wrong_before).sum())
    return max(0, 2 * int(binom.isf(CHANCE, differing, 0.5)) - differing)


def calibration_by_chance(measured: Reliability, before: Reliability) -> float:
    """Return the largest increase of the calibration error that is not significant.

    The number of correct answers in each bin is binomial. Bins and sets are independent, so the
    variances of the mean gap add up.
    """
    deviation = math.sqrt(_variance(measured) + _variance(before))
    return NormalDist().inv_cdf(1 - CHANCE) * deviation


def _variance(measured: Reliability) -> float:
    """Return the variance of the mean gap between confidence and accuracy."""
    used = measured.counts > 0
    counts, accuracy = measured.counts[used], measured.accuracy[used]
    # Half an answer more of each kind, so that a bin without errors still has a variance.
    share = (accuracy * counts + 0.5) / (counts + 1)
    weights = counts / counts.sum()
    return float((weights**2 * share * (1 - share) / counts).sum())
