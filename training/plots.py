"""Figures of a set of weights: how it learned, and what it misreads and rejects.

Figures are drawn without pyplot, so that nothing global is left behind and no display is needed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.calibrate import Reliability

GALLERY_SIZE = 60
_GALLERY_COLUMNS = 10
_SHARES = np.linspace(0, 0.1, 201)
"""Shares of real digits rejected, from none to a tenth."""


def learning_curves(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Draw loss and error of training and validation over the epochs, from rows of the history."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, error = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    for prefix, part in (("", "training"), ("val_", "validation")):
        loss.plot(epochs, [row[f"{prefix}loss"] for row in rows], ".-", label=part)
        misread = [100 * (1 - row[f"{prefix}accuracy"]) for row in rows]
        error.plot(epochs, misread, ".-", label=part)
    for axes, label in ((loss, "loss"), (error, "misread, %")):
        axes.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def confusion(labels: NDArray[np.integer], digits: NDArray[np.integer], title: str) -> Figure:
    """Draw how often each digit, `(N,)`, was read as each; right answers are numbers on grey."""
    counts = np.zeros((10, 10), np.int64)
    np.add.at(counts, (labels, digits), 1)
    wrong = np.where(np.eye(10, dtype=bool), 0, counts)
    figure = Figure(figsize=(6, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(wrong, cmap="Reds", vmin=0, vmax=max(1, int(wrong.max())) * 1.3)
    for (written, read), count in np.ndenumerate(counts):
        if written == read:
            axes.add_patch(Rectangle((read - 0.5, written - 0.5), 1, 1, color="lightgray"))
        if count:
            axes.text(read, written, str(count), ha="center", va="center", fontsize=8)
    axes.set(xticks=range(10), yticks=range(10), xlabel="read", ylabel="written", title=title)
    return figure


def misread(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    confidences: NDArray[np.floating],
    title: str,
) -> Figure:
    """Show digits that are read wrong, the surest mistakes first, under how many there are.

    Images are `(N, 28, 28)` uint8, 255 full ink; labels `(N,)`, confidences `(N, 10)` by digit.
    """
    digits, sureness = confidences.argmax(axis=1), confidences.max(axis=1)
    wrong = np.flatnonzero(digits != labels)
    shown = wrong[np.argsort(-sureness[wrong], kind="stable")][:GALLERY_SIZE]
    lines = max(1, -(-len(shown) // _GALLERY_COLUMNS))
    figure = Figure(figsize=(_GALLERY_COLUMNS, 0.6 + 1.25 * lines), layout="constrained")
    part = f"the {len(shown)} surest of " if len(shown) < len(wrong) else ""
    comma = "," if part else ""
    figure.suptitle(f"{title}: {part}{len(wrong)} misread{comma} of {len(labels):,}")
    cells = figure.subplots(lines, _GALLERY_COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, index in zip(cells, shown, strict=False):
        axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(
            f"{labels[index]} as {digits[index]}\n{100 * sureness[index]:.0f} %", fontsize=8
        )
    return figure


def reliability_diagram(measured: Reliability, title: str) -> Figure:
    """Draw how often answers of a confidence are right, over how many there are of them."""
    bins = len(measured.counts)
    centres = (np.arange(bins) + 0.5) / bins
    figure = Figure(figsize=(5, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.bar(centres, np.nan_to_num(measured.accuracy), 1 / bins, edgecolor="white")
    upper.plot([0, 1], [0, 1], color="gray", linestyle="--", label="as sure as right")
    upper.plot(measured.confidence, measured.accuracy, "o", color="black", label="mean of the bin")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
    upper.set_title(f"{title}: ECE {100 * measured.ece:.2f} %, {bins} bins")
    upper.legend(loc="upper left")
    lower.bar(centres, measured.counts, 1 / bins, edgecolor="white")
    lower.set(xlabel="confidence", ylabel="answers")
    lower.set_yscale("symlog")
    return figure


def rejection_curve(
    real: NDArray[np.floating], non_digits: Mapping[str, NDArray[np.floating]], title: str
) -> Figure:
    """Draw how much of each kind is rejected over how many real digits are, by their scores."""
    figure = Figure(figsize=(6.5, 4.6), layout="constrained")
    axes = figure.subplots()
    ordered = np.sort(real)
    places = np.minimum((_SHARES * len(ordered)).astype(int), len(ordered) - 1)
    for kind, scores in non_digits.items():
        rejected = [100 * (scores < threshold).mean() for threshold in ordered[places]]
        axes.plot(100 * _SHARES, rejected, label=kind)
    axes.axvline(2, color="gray", linestyle="--")
    axes.set(xlabel="real digits rejected, %", ylabel="rejected, %", ylim=(0, 102), title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure
