"""Figures of a set of weights: learning curves, confusion, misread images, calibration, rejection.

Figures are drawn without pyplot: no global state, and no display needed.
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
"""Shares of real digits rejected: the x values of the rejection curve."""


def learning_curves(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Plot loss and error of training and validation by epoch, from rows of the history."""
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
    """Plot the confusion matrix of `(N,)` digits, with right answers on gray."""
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
    """Show misread digits, the most confident mistakes first, and their number in the title.

    Images are `(N, 28, 28)` uint8, 255 full ink; labels `(N,)`, confidences `(N, 10)` by digit.
    """
    digits, top = confidences.argmax(axis=1), confidences.max(axis=1)
    wrong = np.flatnonzero(digits != labels)
    shown = wrong[np.argsort(-top[wrong], kind="stable")][:GALLERY_SIZE]
    lines = max(1, -(-len(shown) // _GALLERY_COLUMNS))
    figure = Figure(figsize=(_GALLERY_COLUMNS, 0.6 + 1.25 * lines), layout="constrained")
    part = f"the {len(shown)} most confident of " if len(shown) < len(wrong) else ""
    comma = "," if part else ""
    figure.suptitle(f"{title}: {part}{len(wrong)} misread{comma} of {len(labels):,}")
    cells = figure.subplots(lines, _GALLERY_COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, index in zip(cells, shown, strict=False):
        axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(f"{labels[index]} as {digits[index]}\n{100 * top[index]:.0f} %", fontsize=8)
    return figure


def reliability_diagram(measured: Reliability, title: str) -> Figure:
    """Plot accuracy by confidence, above a histogram of the confidences."""
    bins = len(measured.counts)
    centers = (np.arange(bins) + 0.5) / bins
    figure = Figure(figsize=(5, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.bar(centers, np.nan_to_num(measured.accuracy), 1 / bins, edgecolor="white")
    upper.plot([0, 1], [0, 1], color="gray", linestyle="--", label="perfect calibration")
    upper.plot(measured.confidence, measured.accuracy, "o", color="black", label="mean of bin")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    upper.set_title(f"{title}: ECE {100 * measured.ece:.2f} %, {bins} bins")
    upper.legend(loc="upper left")
    lower.bar(centers, measured.counts, 1 / bins, edgecolor="white")
    lower.set(xlabel="confidence", ylabel="answers")
    lower.set_yscale("symlog")
    return figure


def rejection_curve(
    real: NDArray[np.floating], non_digits: Mapping[str, NDArray[np.floating]], title: str
) -> Figure:
    """Plot the share of each kind rejected over the share of real digits rejected, from scores."""
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
