"""Measure sets of weights on recorded handwriting, source by source.

    python -m training.evaluation.writers --drawn DIR RUN_FOLDER ...

Each sample is drawn as the app draws a pad's strokes. Choose on some sources and check on the
others: `--sources` keeps the rest out of sight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digits.drawing import PAD_HEIGHT, Stroke, draw
from digits.ink import InkArray
from digits.preprocessing import normalize
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from training import calibrate, console
from training.console import UserError
from training.evaluation import metrics
from training.handwriting import strokes as pen_strokes
from training.handwriting.strokes import Sample, Strokes

_SEED = 20261128
_TINY = 1e-12
_HEADER = ["weights", "source", "wrong", "or rejected", "digits", "log loss", "letters rejected"]


@dataclass(frozen=True, eq=False)
class Handwriting:
    """Samples as the network sees them.

    Attributes:
        images: `(N, 28, 28)` float32 in `[0, 1]`, 1 is ink.
        labels: `(N,)` str, what was meant: one character each.
        sources: `(N,)` str, the site that recorded each.
    """

    images: InkArray
    labels: npt.NDArray[np.str_]
    sources: npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Answered:
    """Digits, letters and what one set of weights makes of them.

    Attributes:
        digits: The digits shown.
        letters: The letters shown.
        on_digits: `(N, 10)` or `(N, 11)` float32 calibrated probabilities.
        on_letters: The same for the letters.
        rejection_threshold: Score below which the weights give no answer.
    """

    digits: Handwriting
    letters: Handwriting
    on_digits: npt.NDArray[np.float32]
    on_letters: npt.NDArray[np.float32]
    rejection_threshold: float


def on_pad(strokes: Strokes, rng: np.random.Generator) -> InkArray:
    """Draw a sample on the app's pad and normalize its ink.

    The generator chooses height (35 to 85 % of the pad), brush (28 to 56 thousandths) and place of
    the strokes, which are fitted to `training.handwriting.strokes.UNIT`.

    Returns:
        `(28, 28)` float32 in `[0, 1]`, 1 is ink.
    """
    brush = int(rng.integers(28, 57))
    scale = rng.uniform(0.35, 0.85) * PAD_HEIGHT / pen_strokes.UNIT
    room = PAD_HEIGHT - brush - pen_strokes.box(strokes)[1] * scale
    corner = brush / 2 + room * rng.uniform(0.1, 0.9, 2)
    placed = [np.round(stroke * scale + corner).astype(np.int32) for stroke in strokes]
    return normalize(draw([Stroke(brush, points) for points in placed]))


def show(samples: Sequence[Sample], sources: Sequence[str]) -> Handwriting:
    """Draw the samples of some sources, or of all; each is drawn alike whichever others are shown.

    Raises:
        UserError: If nothing comes from these sources.
    """
    rngs = (np.random.default_rng([_SEED, index]) for index in range(len(samples)))
    shown = [
        (on_pad(sample.strokes, rng), sample)
        for sample, rng in zip(samples, rngs, strict=True)
        if not sources or sample.source in sources
    ]
    if not shown:
        known = ", ".join(sorted({sample.source for sample in samples}))
        raise UserError(f"no samples of {', '.join(sources)}: the sources are {known}")
    return Handwriting(
        images=np.stack([image for image, _ in shown]),
        labels=np.array([sample.label for _, sample in shown]),
        sources=np.array([sample.source for _, sample in shown]),
    )


def answer(folder: Path, digits: Handwriting, letters: Handwriting) -> Answered:
    """Let the weights of a folder answer."""
    recognizer = Recognizer(load_folder(folder))
    on_digits, on_letters = map(recognizer.predict_images, (digits.images, letters.images))
    threshold = recognizer.weights.config.rejection_threshold
    return Answered(digits, letters, on_digits, on_letters, threshold)


def table(answered: Answered, name: str) -> list[list[str]]:
    """Count by source, and over all of them: rows of text in the order of the header.

    A sample's score is the probability of its likeliest digit. Letters are rejected at the score
    that rejects 2 % of the digits of all sources shown.
    """
    labels = answered.digits.labels.astype(int)
    scores = answered.on_digits[:, :10].max(axis=1)
    letter_scores = answered.on_letters[:, :10].max(axis=1)
    wrong = answered.on_digits[:, :10].argmax(axis=1) != labels
    rejected = scores < answered.rejection_threshold
    losses = -np.log(np.maximum(answered.on_digits[np.arange(len(labels)), labels], _TINY))
    threshold = calibrate.choose_rejection_threshold(scores)
    rows = []
    for source in [*np.unique(answered.digits.sources), "all"]:
        here = (answered.digits.sources == source) | (source == "all")
        there = (answered.letters.sources == source) | (source == "all")
        rejected_letters = int((letter_scores[there] < threshold).sum())
        counts = [wrong[here].sum(), (wrong | rejected)[here].sum(), here.sum()]
        letters = f"{rejected_letters} of {there.sum()}"
        loss = f"{losses[here].mean():.4f}"
        rows.append([name, str(source), *(str(count) for count in counts), loss, letters])
    auroc = metrics.auroc(scores, letter_scores)
    rows[-1][-1] += f", AUROC {auroc:.4f}"
    return rows


def sheet(answered: Answered, columns: int = 16) -> npt.NDArray[np.uint8]:
    """Show what is misread or rejected, in rows by what was meant.

    Returns:
        `(H, W)` uint8: each image thrice as large, what was meant and what was answered above it.
    """
    labels = answered.digits.labels.astype(int)
    read = answered.on_digits[:, :10].argmax(axis=1)
    rejected = answered.on_digits[:, :10].max(axis=1) < answered.rejection_threshold
    bad = np.flatnonzero((read != labels) | rejected)
    tiles = []
    for index in sorted(bad, key=lambda i: (labels[i], rejected[i], read[i])):
        tile = np.full((100, 86), 255, np.uint8)
        image = np.round(255 * (1 - answered.digits.images[index])).astype(np.uint8)
        tile[15:99, 1:85] = cv2.resize(image, (84, 84), interpolation=cv2.INTER_NEAREST)
        text = f"{labels[index]} {'-' if rejected[index] else read[index]} #{index}"
        cv2.putText(tile, text, (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.38, 0)
        tiles.append(tile)
    tiles += [np.full((100, 86), 255, np.uint8)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows) if rows else np.full((100, 86), 255, np.uint8)


def main() -> None:
    """Measure as the command line says."""
    parser = console.parser(
        "training.evaluation.writers", "Measure weights on recorded handwriting, source by source."
    )
    parser.add_argument("folders", nargs="*", type=Path, help="run folders; default: bundled")
    parser.add_argument("--drawn", type=Path, required=True, help="recorded digits and letters")
    parser.add_argument("--sources", nargs="+", default=[], help="show these alone")
    parser.add_argument("--sheet", type=Path, help="PNG of what the first folder misreads")
    arguments = parser.parse_args()
    digits, letters = (
        show(pen_strokes.load(arguments.drawn, name), arguments.sources)
        for name in ("digits", "letters")
    )
    folders = arguments.folders or [BUNDLED]
    answers = [answer(folder, digits, letters) for folder in folders]
    rows = [row for a, f in zip(answers, folders, strict=True) for row in table(a, f.name)]
    print(console.render([_HEADER, *rows]))
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), sheet(answers[0]))


if __name__ == "__main__":
    console.run(main)
