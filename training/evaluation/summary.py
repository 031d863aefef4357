"""Summarize a run in Markdown, for a workflow job's summary or a terminal.

    python -m training.evaluation.summary RUN_FOLDER >> "$GITHUB_STEP_SUMMARY"

A job summary cannot show local images, so the plots become a Mermaid diagram, tables, and misread
digits in Braille. Everything is computed from the weights, except for the training history and the
rows marked as reported by the run. The PNG files are in the run folder.
"""

import csv
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.recognizer import Recognizer
from training import calibrate, console
from training.calibrate import Reliability
from training.data.mnist import Mnist, load_mnist
from training.evaluation import metrics
from training.evaluation.datasets import mnist_as_it_is
from training.evaluation.metrics import Answers
from training.run_folder import HISTORY_FILE, load_run

_CONFUSIONS = 10
_GALLERY = 24
_PER_LINE = 6
_INK = 110
"""Pixels of at least this value, of 255, become dots."""


def summarize(folder: Path, mnist: Mnist) -> str:
    """Return the summary of a finished run, which is evaluated on MNIST's test set.

    Raises:
        UserError: If the folder holds no usable run.
    """
    recognizer = load_run(folder)
    test = metrics.answer(recognizer, mnist_as_it_is(mnist), resized=False)
    measured = calibrate.reliability(test.confidences, test.labels)
    history = read_history(folder)
    parts = [
        headline(recognizer, test),
        console.markdown(facts(recognizer, test, measured)),
        "### How it learned",
        *(learning_curves(history) if history else ["No history in the run folder."]),
        "### What it confuses",
        console.markdown(confusions(test)) if test.misread.any() else "Nothing.",
        "### How well its confidence is calibrated",
        console.markdown(reliability(measured)),
        f"### What it misreads, most confident first, at most {_GALLERY}",
        gallery(mnist.test_images, test),
        where_the_pictures_are(os.environ),
    ]
    return "\n\n".join(parts) + "\n"


def headline(recognizer: Recognizer, test: Answers) -> str:
    """Return the heading: network and test accuracy."""
    wrong, count = int(test.misread.sum()), len(test.labels)
    return (
        f"## {recognizer.weights.config.network}: {100 * (1 - wrong / count):.2f} % of MNIST's "
        f"test digits ({wrong} of {count:,} wrong)"
    )


def facts(recognizer: Recognizer, test: Answers, measured: Reliability) -> list[list[str]]:
    """Return a table of the measured results and of what the run reports about its training."""
    reported = recognizer.weights.metrics
    validation = reported.get("validation", {})
    rows = [
        ["MNIST test digits misread", f"{int(test.misread.sum())} of {len(test.labels):,}"],
        ["MNIST test digits rejected", f"{int((~test.answered).sum())} of {len(test.labels):,}"],
        [f"calibration error ({calibrate.BINS} bins)", f"{100 * measured.ece:.2f} %"],
        ["temperature", f"{recognizer.weights.config.temperature:.3f}"],
    ]
    if {"errors", "count"} <= validation.keys():
        errors = f"{validation['errors']} of {validation['count']:,}"
        rows.append(["validation digits misread, reported by the run", errors])
    keys = ("parameters", "epochs", "seconds", "seed", "command")
    rows += [[f"{k}, reported by the run", _reported(reported[k])] for k in keys if k in reported]
    return [["", "measured"], *rows]


def _reported(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    # A command from elsewhere must not inject table cells or HTML tags.
    return f"`{str(value).translate(str.maketrans('', '', '`|<>'))}`"


def read_history(folder: Path) -> list[Mapping[str, float]]:
    """Read the training history, one row per epoch; empty if the file is missing."""
    path = folder / HISTORY_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [{name: float(text) for name, text in row.items()} for row in csv.DictReader(lines)]


def learning_curves(history: Sequence[Mapping[str, float]]) -> list[str]:
    """Return training and validation error by epoch, as a diagram and a folded table."""
    epochs = [f"{row['epoch']:.0f}" for row in history]
    trained = [100 * (1 - row["accuracy"]) for row in history]
    validated = [100 * (1 - row["val_accuracy"]) for row in history]
    lines = [
        "```mermaid",
        "xychart-beta",
        '  title "Misread, %: validation (bars) and training (line)"',
        f"  x-axis epoch [{', '.join(epochs)}]",
        f"  y-axis 0 --> {max(*trained, *validated, 0.1):.2f}",
        f"  bar [{', '.join(f'{value:.2f}' for value in validated)}]",
        f"  line [{', '.join(f'{value:.2f}' for value in trained)}]",
        "```",
    ]
    header = ["epoch", "seconds", "loss", "validation loss", "misread", "validation misread"]
    rows = [
        [
            f"{row['epoch']:.0f}",
            f"{row['seconds']:.0f}",
            f"{row['loss']:.4f}",
            f"{row['val_loss']:.4f}",
            f"{train:.2f} %",
            f"{val:.2f} %",
        ]
        for row, train, val in zip(history, trained, validated, strict=True)
    ]
    table = console.markdown([header, *rows])
    return ["\n".join(lines), "<details><summary>By epoch</summary>", table, "</details>"]


def confusions(test: Answers) -> list[list[str]]:
    """Return a table of the most frequent errors."""
    wrong, read = test.misread, test.confidences.argmax(axis=1)
    pairs = sorted(zip(test.labels[wrong], read[wrong], strict=True))
    counted = Counter(pairs).most_common(_CONFUSIONS)
    return [["written, read", "times"], *([f"{a} as {b}", str(n)] for (a, b), n in counted)]


def reliability(measured: Reliability) -> list[list[str]]:
    """Return a table of the accuracy by confidence, without empty bins."""
    bins = zip(measured.confidence, measured.accuracy, measured.counts, strict=True)
    rows = [
        [f"{100 * mean:.1f} %", f"{100 * right:.1f} %", f"{n:,}"] for mean, right, n in bins if n
    ]
    return [["mean confidence", "accuracy", "answers"], *rows]


def gallery(images: npt.NDArray[np.uint8], test: Answers) -> str:
    """Draw the most confident errors in Braille with label and answer, as an HTML table.

    The width of Braille relative to letters depends on the font, so each digit has its own cell.
    """
    wrong = np.flatnonzero(test.misread)
    confidence = test.confidences.max(axis=1)
    shown = wrong[np.argsort(-confidence[wrong], kind="stable")][:_GALLERY]
    if not len(shown):
        return "Nothing."
    cells = []
    for i in shown:
        title = f"{test.labels[i]} as {test.confidences[i].argmax()}, {100 * confidence[i]:.0f} %"
        drawn = "\n".join(braille(images[i] >= _INK))
        cells.append(f"<td><pre>{drawn}</pre>{title}</td>")
    rows = ["".join(cells[i : i + _PER_LINE]) for i in range(0, len(cells), _PER_LINE)]
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"


def braille(dots: npt.NDArray[np.bool_]) -> list[str]:
    """Draw a bitmap, one Braille character for each 4x2 dots.

    `(h, w)`, h a multiple of 4 and w of 2, becomes h / 4 lines of w / 2 characters.
    """
    height, width = dots.shape
    cells = dots.reshape(height // 4, 4, width // 2, 2).transpose(0, 2, 1, 3)
    values = (cells * _BRAILLE_BITS).sum(axis=(2, 3))
    return ["".join(chr(0x2800 + int(value)) for value in row) for row in values]


_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Unicode numbers Braille dots down the left column, then the right; the bottom row comes last."""


def where_the_pictures_are(environment: Mapping[str, Any]) -> str:
    """Say where the plots are stored, with a link to the workflow run if there is one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    if not all(environment.get(name) for name in names):
        return "The plots are PNG files in the run folder."
    server, repository, run = (environment[name] for name in names)
    return (
        "The plots are PNG files in the run folder, which is an "
        f"[artifact of this workflow run]({server}/{repository}/actions/runs/{run}#artifacts)."
    )


def main() -> None:
    """Print the summary of a run."""
    parser = console.parser("training.evaluation.summary", "Print a run's summary in Markdown.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--data", type=Path, metavar="DIR", help="MNIST's four IDX files")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # stdout is a text file
    print(summarize(arguments.run, load_mnist(arguments.data)), end="")


if __name__ == "__main__":
    console.run(main)
