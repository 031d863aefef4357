"""How much worse a set of weights may come out by chance alone, on pictures that two sets read.

Both sets see the same pictures, so only those count that one of them gets wrong and the other one
right. Were both equally good, either would be as likely to be the wrong one (the sign test, which
for two classifiers is McNemar's, 1947). What happens by chance less often than once in a hundred
is not taken for chance.
"""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from training.calibrate import Reliability

CHANCE = 0.01
"""How often a set that is as good as the other one is held to be worse, for each number."""

Flags = npt.NDArray[np.bool_]


def excess_by_chance(wrong: Flags, wrong_before: Flags) -> int:
    """Return how many more mistakes than before are no sign of being worse.

    The largest difference in mistakes that the sign test lets pass, given how many of the `(N,)`
    pictures only one of both sets reads; 0 if there is none.
    """
    differing = int((wrong != wrong_before).sum())
    return max(0, 2 * int(binom.isf(CHANCE, differing, 0.5)) - differing)


def calibration_by_chance(measured: Reliability, before: Reliability) -> float:
    """Return by how much the calibration error may exceed the other one by chance.

    In each bin the number of right answers is binomial; what that does to the mean gap adds up
    over bins and over both sets, as they do not depend on each other.
    """
    deviation = math.sqrt(_variance(measured) + _variance(before))
    return NormalDist().inv_cdf(1 - CHANCE) * deviation


def _variance(measured: Reliability) -> float:
    """Return the variance of the mean gap of confidence and accuracy."""
    used = measured.counts > 0
    counts, accuracy = measured.counts[used], measured.accuracy[used]
    # Half an answer on either side keeps a bin that is all right from passing as certain.
    share = (accuracy * counts + 0.5) / (counts + 1)
    weights = counts / counts.sum()
    return float((weights**2 * share * (1 - share) / counts).sum())
