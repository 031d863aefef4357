"""Train the line reader: the network that reads a line of ink at once.

    python -m training.line_reading --run runs/lines --data DIR --lines 850000

writes lines in other processes while it trains, with connectionist temporal classification (Graves
et al. 2006): it is told what is written, and that a character is named within its own columns. It
writes a checkpoint every few minutes and goes on from there when it is started again. The learning
rate falls over the last `--cool` lines.

At the end the run is a whole set of weights: its line reader beside the other networks of
`--reader`. The gate and `training.publish` take it as any other run.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits import weights
from digits.numbers.frame import HEIGHT
from digits.numbers.network import BLANK, COLUMN_STEP, LAYERS, LINE
from digits.weights import LINE_READER, LINE_READER_FILE
from training import console, keras_layers, push
from training.averaged_model import AveragedModel, add_arguments
from training.data.mnist import load_mnist
from training.run_folder import RunFolder
from training.synthesis.lines import Written, write_line
from training.synthesis.writing import Hands, load_hands, save_hands
from training.workers import produce

BATCH: Final = 64

_GROUP: Final = 4
"""Batches that are written together, so that lines of alike length come into one."""

_WRITERS: Final = slice(0, 50_000)
"""MNIST's training images that lines are written from."""

_VALIDATION_WRITERS: Final = slice(50_000, 55_000)
_VALIDATION_LINES: Final = 1_024
_MEASURED: Final = 256
"""The widest validation lines, which need the least padding, give `--start` the statistics of batch
normalization."""

_VALIDATION_SEED: Final = 1_000_000

_STRAY: Final = 0.5
"""What a character named beside its own columns costs."""

_REACH: Final = 1
"""Columns beyond its span in which a character may be named."""

_CHECKPOINT: Final = "checkpoint.npz"


@dataclass(frozen=True, eq=False)
class Batch:
    """Lines and what the network should say of them.

    Attributes:
        inks: `(N, HEIGHT, w, 1)` float32 in `[0, 1]`.
        labels: `(N, longest)` int32; -1 behind the last.
        stray: `(N, w / 2, 12)` float32: 1 where a class may not be named.
    """

    inks: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    stray: npt.NDArray[np.float32]


def batch_of(lines: Sequence[Written]) -> Batch:
    """Put lines into one batch, as wide as the widest."""
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


def make_batches(hands: Hands, seed: int, index: int) -> list[Batch]:
    """Write lines and put those of alike length together, in a random order."""
    rng = np.random.default_rng([seed, index])
    lines = [write_line(hands, rng) for _ in range(_GROUP * BATCH)]
    lines.sort(key=lambda line: line.ink.shape[1])
    return [batch_of(lines[k * BATCH : (k + 1) * BATCH]) for k in rng.permutation(_GROUP)]


def build() -> keras.Model:
    """Build the model: `(N, 32, w, 1)` float32 in `[0, 1]` to `(N, 1, w / 2, 12)` logits."""
    line = keras.Input((HEIGHT, None, 1), name=LINE)
    made = keras_layers.connect(LAYERS, {LINE: line}, {})
    return keras.Model(line, made["columns"], name="line_reader")


class Trainer:
    """The model, and what it learns by."""

    def __init__(self, lines: int, cool: int) -> None:
        self.training = AveragedModel(build, lines // BATCH, cool // BATCH)
        self._compiled = tf.function(
            self._step,
            input_signature=[
                tf.TensorSpec((None, HEIGHT, None, 1)),
                tf.TensorSpec((None, None), tf.int32),
                tf.TensorSpec((None, None, BLANK + 1)),
            ],
            autograph=False,
        )

    @property
    def seen(self) -> int:
        """How many lines were learned from."""
        return self.training.step * BATCH

    def step(self, batch: Batch) -> float:
        """Learn from one batch; return the loss."""
        self.training.next_step()
        return float(self._compiled(batch.inks, batch.labels, batch.stray))

    def _step(self, inks: tf.Tensor, labels: tf.Tensor, stray: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = self.training.model(inks, training=True)[:, 0]
            value = loss(logits, labels, stray)
        self.training.learn(tape, value)
        return value


def loss(logits: tf.Tensor, labels: tf.Tensor, stray: tf.Tensor) -> tf.Tensor:
    """Return what is to be made small, as a mean of all lines; see `Batch`."""
    at = tf.where(labels >= 0)
    sparse = tf.SparseTensor(at, tf.gather_nd(labels, at), tf.shape(labels, tf.int64))
    columns = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    nll = tf.nn.ctc_loss(sparse, logits, None, columns, logits_time_major=False, blank_index=BLANK)
    beside = tf.reduce_sum(tf.nn.softmax(logits) * stray, axis=(1, 2))
    return tf.reduce_mean(nll + _STRAY * beside)


def evaluate(model: keras.Model, lines: Sequence[Written]) -> dict[str, Any]:
    """Measure the share of lines that are read right, and of characters that are wrong."""
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.line_reading", description=__doc__)
    add_arguments(parser, Path("runs/lines"), "lines", (850_000, 450_000, 25_600))
    push.add_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Train, or go on training, until the lines are seen."""
    arguments = _arguments()
    push.check(arguments)
    run = RunFolder(arguments.run)
    run.path.mkdir(parents=True, exist_ok=True)
    hands, others = run.path / "hands.npz", run.path / "validation_hands.npz"
    if not (hands.exists() and others.exists()):
        mnist = load_mnist(arguments.data)
        for path, part in ((others, _VALIDATION_WRITERS), (hands, _WRITERS)):
            save_hands(path, mnist.train_images[part], mnist.train_labels[part])
    rng, writers = np.random.default_rng(_VALIDATION_SEED), load_hands(others)
    validation = [write_line(writers, rng) for _ in range(_VALIDATION_LINES)]
    trainer = Trainer(arguments.lines, arguments.cool)
    if (run.path / _CHECKPOINT).exists():
        trainer.training.load(run.path / _CHECKPOINT)
        print(f"going on after {trainer.seen} lines", flush=True)
    elif arguments.start:
        line_reader = weights.load_folder(arguments.start).line_reader
        widest = sorted(validation, key=lambda line: line.ink.shape[1])[-_MEASURED:]
        trainer.training.start_from(LAYERS, line_reader, batch_of(widest).inks)
    started, before, losses = time.monotonic(), trainer.seen, []
    group = _GROUP * BATCH
    indices = range(trainer.seen // group, -(-arguments.lines // group))
    for made in produce(make_batches, hands, arguments.seed, indices, arguments.workers):
        losses += [trainer.step(batch) for batch in made]
        if trainer.seen % arguments.every < group or trainer.seen >= arguments.lines:
            speed = (trainer.seen - before) / (time.monotonic() - started)
            _report(trainer, run, validation, float(np.mean(losses)), speed)
            losses = []
    scores = evaluate(trainer.training.averaged, validation)
    run.become_set(arguments.reader, LINE_READER, scores)
    push.push(run.path, arguments)


def _report(
    trainer: Trainer, run: RunFolder, validation: Sequence[Written], value: float, speed: float
) -> None:
    """Write checkpoint and weights, and print a line."""
    trainer.training.save(run.path / _CHECKPOINT)
    averaged = trainer.training.averaged
    run.write_bytes(LINE_READER_FILE, weights.serialize(keras_layers.folded(averaged, LAYERS)))
    line = {
        "lines": trainer.seen,
        "loss": round(value, 4),
        "lines_per_second": round(speed, 1),
        "validation": evaluate(averaged, validation),
    }
    run.log(line)


if __name__ == "__main__":
    console.run(main)
