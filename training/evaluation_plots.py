"""The pictures of an evaluation: errors under corruption, and what refusing costs and gains."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from training.scoring import NON_DIGITS, Answers

_SHARES = np.linspace(0, 0.1, 201)
"""Shares of real digits refused, from none to a tenth."""


def corruption_bars(errors: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the error of each corruption as bars beside each other.

    Args:
        errors: By contestant, by corruption: the share misread, 0 to 1.
    """
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    axes = figure.subplots()
    axes.set_prop_cycle(color=list(colormaps["tab20"](np.arange(20))))
    kinds = list(next(iter(errors.values())))
    width = 0.8 / len(errors)
    for place, (contestant, by_kind) in enumerate(errors.items()):
        left = np.arange(len(kinds)) - 0.4 + (place + 0.5) * width
        shares = [100 * by_kind[kind] for kind in kinds]
        axes.bar(left, shares, width, label=f"{contestant}: mean {np.mean(shares):.1f} %")
    axes.set_xticks(range(len(kinds)), [kind.replace("_", "\n") for kind in kinds], fontsize=8)
    axes.set(ylabel="misread, %", title="MNIST test, corrupted in fifteen ways")
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return figure


def rejection_curve(real: Answers, non_digits: Mapping[str, Answers], title: str) -> Figure:
    """Draw how much of each kind is refused over how many real digits are.

    Args:
        real: Answers to real digits.
        non_digits: Answers to pictures without a digit, by kind.
        title: Stands over the figure.
    """
    figure = Figure(figsize=(6.5, 4.6), layout="constrained")
    axes = figure.subplots()
    ordered = np.sort(real.scores)
    places = np.minimum((_SHARES * len(ordered)).astype(int), len(ordered) - 1)
    for kind in (kind for kind in NON_DIGITS if kind in non_digits):
        refused = [
            100 * (non_digits[kind].scores < threshold).mean() for threshold in ordered[places]
        ]
        axes.plot(100 * _SHARES, refused, label=kind)
    axes.axvline(2, color="gray", linestyle="--")
    axes.set(xlabel="real digits refused, %", ylabel="refused, %", ylim=(0, 102), title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure
