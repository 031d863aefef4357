"""A run as Markdown, for the summary of a workflow's job or for a terminal.

    python -m training.evaluation.summary RUN_FOLDER >> "$GITHUB_STEP_SUMMARY"

A job's summary shows no local picture, so the plots come as what it does show: a diagram in
Mermaid, tables, and the misread digits in Braille dots. It is measured anew from the weights, but
for the history of the epochs and what a row says is told by the run. The PNG files are in the run
folder.
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
"""From here on, of 255, a pixel becomes a dot."""


def summarize(folder: Path, mnist: Mnist) -> str:
    """Write the whole summary of a finished run, whose MNIST test is scored anew.

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
        "### How far its confidence can be trusted",
        console.markdown(reliability(measured)),
        f"### What it misreads, the surest {_GALLERY} at most",
        gallery(mnist.test_images, test),
        where_the_pictures_are(os.environ),
    ]
    return "\n\n".join(parts) + "\n"


def headline(recognizer: Recognizer, test: Answers) -> str:
    """Say what it is and what it reached."""
    wrong, count = int(test.misread.sum()), len(test.labels)
    return (
        f"## {recognizer.weights.config.network}: {100 * (1 - wrong / count):.2f} % of MNIST's "
        f"test digits ({wrong} of {count:,} wrong)"
    )


def facts(recognizer: Recognizer, test: Answers, measured: Reliability) -> list[list[str]]:
    """Tabulate the results, and how the run came to them by its own account."""
    said = recognizer.weights.metrics
    validation = said.get("validation", {})
    rows = [
        ["misread of MNIST's test", f"{int(test.misread.sum())} of {len(test.labels):,}"],
        ["rejected of it", f"{int((~test.answered).sum())} of {len(test.labels):,}"],
        [f"calibration error ({calibrate.BINS} bins)", f"{100 * measured.ece:.2f} %"],
        ["temperature", f"{recognizer.weights.config.temperature:.3f}"],
    ]
    if {"errors", "count"} <= validation.keys():
        told = f"{validation['errors']} of {validation['count']:,}"
        rows.append(["misread of validation, told by the run", told])
    told_by_run = ("parameters", "epochs", "seconds", "seed", "command")
    rows += [[f"{key}, told by the run", _told(said[key])] for key in told_by_run if key in said]
    return [["", "measured"], *rows]


def _told(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    # A command that somebody else wrote must not become a table of its own, or a tag.
    return f"`{str(value).translate(str.maketrans('', '', '`|<>'))}`"


def read_history(folder: Path) -> list[Mapping[str, float]]:
    """Read what each epoch measured; nothing if the folder does not say."""
    path = folder / HISTORY_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [{name: float(text) for name, text in row.items()} for row in csv.DictReader(lines)]


def learning_curves(history: Sequence[Mapping[str, float]]) -> list[str]:
    """Draw the misread share by epoch, training and validation, and put it into a table."""
    epochs = [f"{row['epoch']:.0f}" for row in history]
    trained = [100 * (1 - row["accuracy"]) for row in history]
    validated = [100 * (1 - row["val_accuracy"]) for row in history]
    lines = [
        "```mermaid",
        "xychart-beta",
        '  title "Misread, %: bars validation, line training"',
        f"  x-axis epoch [{', '.join(epochs)}]",
        f"  y-axis 0 --> {max(*trained, *validated, 0.1):.2f}",
        f"  bar [{', '.join(f'{value:.2f}' for value in validated)}]",
        f"  line [{', '.join(f'{value:.2f}' for value in trained)}]",
        "```",
    ]
    header = ["epoch", "seconds", "loss", "validation loss", "misread", "misread of validation"]
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
    folded = [
        "<details><summary>By epoch</summary>",
        console.markdown([header, *rows]),
        "</details>",
    ]
    return ["\n".join(lines), *folded]


def confusions(test: Answers) -> list[list[str]]:
    """Tabulate the most frequent mistakes."""
    wrong, read = test.misread, test.confidences.argmax(axis=1)
    pairs = sorted(zip(test.labels[wrong], read[wrong], strict=True))
    counted = Counter(pairs).most_common(_CONFUSIONS)
    return [["written, read", "times"], *([f"{a} as {b}", str(n)] for (a, b), n in counted)]


def reliability(measured: Reliability) -> list[list[str]]:
    """Tabulate how often answers of a confidence are right; bins without answers are left out."""
    bins = zip(measured.counts, measured.confidence, measured.accuracy, strict=True)
    rows = [
        [f"{100 * sure:.1f} %", f"{100 * right:.1f} %", f"{n:,}"] for n, sure, right in bins if n
    ]
    return [["mean confidence", "right", "answers"], *rows]


def gallery(images: npt.NDArray[np.uint8], test: Answers) -> str:
    """Draw the surest mistakes in Braille, each over its label and answer, as a table in HTML.

    Braille is wider or narrower than letters, as the reader's font will have it: so each digit has
    a cell of its own.
    """
    wrong = np.flatnonzero(test.misread)
    sureness = test.confidences.max(axis=1)
    shown = wrong[np.argsort(-sureness[wrong], kind="stable")][:_GALLERY]
    if not len(shown):
        return "Nothing."
    cells = []
    for i in shown:
        title = f"{test.labels[i]} as {test.confidences[i].argmax()}, {100 * sureness[i]:.0f} %"
        drawn = "\n".join(braille(images[i] >= _INK))
        cells.append(f"<td><pre>{drawn}</pre>{title}</td>")
    rows = ["".join(cells[i : i + _PER_LINE]) for i in range(0, len(cells), _PER_LINE)]
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows) + "\n</table>"


def braille(dots: npt.NDArray[np.bool_]) -> list[str]:
    """Draw a picture with a Braille character for each 4 x 2 dots.

    `(h, w)`, h a multiple of 4 and w of 2, becomes h / 4 lines of w / 2 characters.
    """
    height, width = dots.shape
    cells = dots.reshape(height // 4, 4, width // 2, 2).transpose(0, 2, 1, 3)
    values = (cells * _BRAILLE_BITS).sum(axis=(2, 3))
    return ["".join(chr(0x2800 + int(value)) for value in row) for row in values]


_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Unicode's Braille patterns count the dots down the left column, then the right one; the lowest
pair was added later."""


def where_the_pictures_are(environment: Mapping[str, Any]) -> str:
    """Say where the plots lie; link to the workflow run where this is one."""
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
    parser = console.parser("training.evaluation.summary", "Print a run as Markdown.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--data", type=Path, metavar="DIR", help="MNIST's four IDX files")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # stdout is a text file
    print(summarize(arguments.run, load_mnist(arguments.data)), end="")


if __name__ == "__main__":
    console.run(main)
