"""Synthetic pages of handwritten digits and their surroundings, with exact labels."""

import numpy as np


def log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    """Draw a number whose logarithm is uniform between those of `low` and `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
