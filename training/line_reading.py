"""Train the line reader: the network that reads a whole line of ink.

    python -m training.line_reading --run runs/line_reader --data DIR --lines 850000

The loss is connectionist temporal classification (Graves et al. 2006), plus a penalty for naming a
character outside its own columns. The training loop is in `training.loop`; raise `--lines` to train
a finished run further.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.networks import BESIDE, BLANK, COLUMN_STEP, LINE_READER
from digits.numbers.frame import HEIGHT
from training import console, keras_networks
from training.loop import HANDS_FILE, VALIDATION_SEED, Task, prepare, train
from training.synthesis.extracted import extract_lines, load_lines, save_lines
from training.synthesis.lines import Written, write_line
from training.synthesis.writing import Hands, load_hands
from training.workers import produce

BATCH: Final = 64

_GROUP: Final = 4
"""Batches generated together, so that each holds lines of similar width."""

_VALIDATION_LINES: Final = 1_024
_MEASURED: Final = 256
"""Number of validation lines that batch normalization is measured on for `--start`: the widest,
which need the least padding."""

_EXTRACTED: Final = 0.25
"""Share of lines that finder and extractor extracted from pages."""

_PAGES: Final = 20_000
"""Number of pages that they are extracted from."""

_STRAY: Final = 0.5
"""Weight of the penalty for characters named outside their columns."""

_REACH: Final = 1
"""Columns on either side of its span in which a character may be named."""

VALIDATION_HANDS_FILE: Final = "validation_hands.npz"
_EXTRACTED_FILE: Final = "extracted.npz"


class Material(NamedTuple):
    """What batches are generated from.

    Attributes:
        hands: Handwriting for new lines.
        extracted: Lines that finder and extractor extracted from pages.
    """

    hands: Hands
    extracted: Sequence[Written] = ()


class Batch(NamedTuple):
    """Lines and their targets.

    Attributes:
        inks: `(N, HEIGHT, w, 1)` float32 in `[0, 1]`.
        labels: `(N, longest)` int32; padded with -1.
        stray: `(N, w / 2, 12)` float32: 1 where a class must not be named.
    """

    inks: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    stray: npt.NDArray[np.float32]


def batch_of(lines: Sequence[Written]) -> Batch:
    """Put lines into one batch, padded to the widest."""
    widest = max(line.ink.shape[1] for line in lines)
    longest = max(len(line.labels) for line in lines)
    inks = np.zeros((len(lines), HEIGHT, widest, 1), np.float32)
    labels = np.full((len(lines), longest), -1, np.int32)
    stray = np.ones((len(lines), widest // COLUMN_STEP, BLANK + 1), np.float32)
    stray[..., BLANK] = 0
    for row, line in enumerate(lines):
        inks[row, :, : line.ink.shape[1], 0] = line.ink
        labels[row, : len(line.labels)] = line.labels
        for label, (left, right) in zip(line.labels, line.spans / COLUMN_STEP, strict=True):
            stray[row, max(0, int(left) - _REACH) : int(right) + 1 + _REACH, label] = 0
    return Batch(inks, labels, stray)


def make_batches(material: Material, seed: int, index: int) -> list[Batch]:
    """Generate batches of lines of similar width, in random order."""
    rng = np.random.default_rng([seed, index])
    hands, extracted = material
    kept = int(_EXTRACTED * _GROUP * BATCH) if extracted else 0
    lines = [extracted[int(i)] for i in rng.integers(max(1, len(extracted)), size=kept)]
    lines += [write_line(hands, rng) for _ in range(_GROUP * BATCH - kept)]
    lines.sort(key=lambda line: line.ink.shape[1])
    return [batch_of(lines[k * BATCH : (k + 1) * BATCH]) for k in rng.permutation(_GROUP)]


def build() -> keras.Model:
    """Build the model: `(N, 32, w, 1)` float32 in `[0, 1]` to `(N, 1, w / 2, 12)` logits."""
    line = keras.Input((HEIGHT, None, 1))
    outputs = keras_networks.connect(BESIDE[LINE_READER], line)
    return keras.Model(line, outputs["columns"], name=LINE_READER)


def loss(logits: tf.Tensor, labels: tf.Tensor, stray: tf.Tensor) -> tf.Tensor:
    """Return the mean loss of all lines; for the arguments see `Batch`."""
    logits = logits[:, 0]
    at = tf.where(labels >= 0)
    sparse = tf.SparseTensor(at, tf.gather_nd(labels, at), tf.shape(labels, tf.int64))
    columns = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    nll = tf.nn.ctc_loss(sparse, logits, None, columns, logits_time_major=False, blank_index=BLANK)
    beside = tf.reduce_sum(tf.nn.softmax(logits) * stray, axis=(1, 2))
    return tf.reduce_mean(nll + _STRAY * beside)


def evaluate(model: keras.Model, lines: Sequence[Written]) -> dict[str, Any]:
    """Return the share of lines read correctly, and the character error rate."""
    right = wrong = count = 0
    ordered = sorted(lines, key=lambda line: line.ink.shape[1])
    for first in range(0, len(ordered), BATCH):
        part = ordered[first : first + BATCH]
        paths = np.asarray(model(batch_of(part).inks, training=False))[:, 0].argmax(axis=-1)
        for line, path in zip(part, paths, strict=True):
            starts = np.flatnonzero(np.diff(path, prepend=BLANK))
            read = [int(path[at]) for at in starts if path[at] != BLANK]
            distance = _distance(read, line.labels)
            right += distance == 0
            wrong += distance
            count += len(line.labels)
    return {
        "lines": round(right / len(lines), 4),
        "character_errors": round(wrong / count, 4),
        "of_lines": len(lines),
    }


def _distance(read: Sequence[int], written: Sequence[int]) -> int:
    """Count the insertions, deletions and substitutions between two texts (Levenshtein)."""
    row = list(range(len(written) + 1))
    for i, a in enumerate(read, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(written, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def _load(run: Path) -> Material:
    return Material(load_hands(run / HANDS_FILE), load_lines(run / _EXTRACTED_FILE))


def _validation(run: Path) -> list[Written]:
    writers, rng = load_hands(run / VALIDATION_HANDS_FILE), np.random.default_rng(VALIDATION_SEED)
    return [write_line(writers, rng) for _ in range(_VALIDATION_LINES)]


def _samples(lines: Sequence[Written]) -> npt.NDArray[np.float32]:
    return batch_of(sorted(lines, key=lambda line: line.ink.shape[1])[-_MEASURED:]).inks


TASK: Final = Task(
    network=LINE_READER,
    unit="lines",
    defaults=(850_000, 450_000, 25_600),
    batch=BATCH,
    group=_GROUP,
    hands={VALIDATION_HANDS_FILE: slice(50_000, 55_000), HANDS_FILE: slice(50_000)},
    build=build,
    loss=loss,
    signature=(
        tf.TensorSpec((None, HEIGHT, None, 1)),
        tf.TensorSpec((None, None), tf.int32),
        tf.TensorSpec((None, None, BLANK + 1)),
    ),
    load=_load,
    make=make_batches,
    validation=_validation,
    evaluate=lambda model, lines, _run: evaluate(model, lines),
    samples=_samples,
)


def main() -> None:
    """Train, or resume training, as the command line asks."""
    arguments = prepare(TASK, "line_reading", __doc__)
    extracted = arguments.run / _EXTRACTED_FILE
    if not extracted.exists():
        hands = partial(load_hands, arguments.run / HANDS_FILE)
        pages = produce(extract_lines, hands, arguments.seed, range(_PAGES), arguments.workers)
        save_lines(extracted, [line for lines in pages for line in lines])
    train(TASK, arguments)


if __name__ == "__main__":
    console.run(main)
