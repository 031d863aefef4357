"""One network that reads a line at once, beside the search that cuts it into digits.

    python -m benchmarks.line_reader --data MNIST_FOLDER --drawn DRAWN_FOLDER --minutes 30

Trains a small network with connectionist temporal classification (Graves et al. 2006) on lines
written from traced MNIST training images and templates, and prints how many numbers each of them
reads, and in what processor time, from the same ink: the likeliest that the rules find.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.grouping import written_line
from digits.ink import BlankPictureError, Ink, InkArray, possible_inks
from digits.numbers.reading import read_ink
from digits.recognizer import Recognizer
from digits.weights import BUNDLED, load_folder
from training import console
from training.data.mnist import load_mnist
from training.evaluation.datasets import material, written_numbers
from training.handwriting.strokes import Sample
from training.synthesis.hands import load_hands, save_hands
from training.synthesis.numbers import Number, on_canvas
from training.synthesis.writing import Hands

_HEIGHT: Final = 32
_WIDTH: Final = 288
_EDGE: Final = 4
_BLANK: Final = 10
_BATCH: Final = 64
_LONGEST: Final = 7
_CANVAS: Final = (64, 400)
_TRACED: Final = 12_000
_RATE: Final = 2e-3
_WARM_UP: Final = 200  # steps
_COOLING: Final = 0.6  # share of the time while the rate falls


def frame(ink: InkArray) -> InkArray:
    """Fit the ink of a line into `(32, 288)` float32 in `[0, 1]`, from the left on."""
    x, y, wide, tall = cv2.boundingRect((ink > 0.05).astype(np.uint8))
    scale = min((_HEIGHT - _EDGE) / max(tall, 1), (_WIDTH - 2 * _EDGE) / max(wide, 1))
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    framed = np.zeros((_HEIGHT, _WIDTH), np.float32)
    top = (_HEIGHT - size[1]) // 2
    part = framed[top : top + size[1], _EDGE : _EDGE + size[0]]
    part[:] = cv2.resize(ink[y : y + tall, x : x + wide], size, interpolation=how)
    return framed


def make_batch(
    hands: Hands, rng: np.random.Generator
) -> tuple[InkArray, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Write lines of 1 to 7 digits: images `(64, 32, 288)`, labels `(64, 7)`, lengths `(64,)`."""
    images = np.zeros((_BATCH, _HEIGHT, _WIDTH), np.float32)
    labels = np.zeros((_BATCH, _LONGEST), np.int32)
    lengths = rng.integers(1, _LONGEST + 1, _BATCH).astype(np.int32)
    for row, count in enumerate(lengths):
        samples = [_write_digit(hands, rng) for _ in range(count)]
        number = on_canvas(samples, rng, _CANVAS)
        labels[row, :count] = [int(digit) for digit in number.digits]
        images[row] = frame((1 - number.picture / 255).astype(np.float32))
    return images, labels, lengths


def _write_digit(hands: Hands, rng: np.random.Generator) -> Sample:
    """Write a digit with a pen, not an MNIST image as it is."""
    mark = hands.digit(rng)
    while mark.image is not None:
        mark = hands.digit(rng)
    return Sample("hands", str(mark.digit), mark.strokes)


def build() -> keras.Model:
    """Build the network: 302,083 parameters, 144 columns of 11 logits."""
    layers = keras.layers
    image = x = layers.Input((_HEIGHT, _WIDTH, 1))
    for filters, kernel, across in ((24, 5, 2), (48, 3, 1), (64, 3, 1), (96, 3, 1)):
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D((2, across))(x)
    x = layers.Reshape((_WIDTH // 2, 2 * 96))(layers.Permute((2, 1, 3))(x))
    for _ in range(2):
        x = layers.Conv1D(128, 5, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(image, layers.Dense(_BLANK + 1)(x))


def train(model: keras.Model, hands: Hands, minutes: float) -> int:
    """Train for some time, the rate falling to 0; return how many lines were seen."""
    optimizer = keras.optimizers.AdamW(_RATE, weight_decay=1e-4, clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    def step(images: tf.Tensor, labels: tf.Tensor, lengths: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = model(images[..., None], training=True)
            columns = tf.fill([_BATCH], _WIDTH // 2)
            loss = tf.nn.ctc_loss(
                labels, logits, lengths, columns, logits_time_major=False, blank_index=_BLANK
            )
            value = tf.reduce_mean(loss)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    compiled = tf.function(step)
    rng = np.random.default_rng(0)
    started, steps = time.monotonic(), 0
    while (done := (time.monotonic() - started) / (60 * minutes)) < 1:
        share = min((steps + 1) / _WARM_UP, 1.0, (1 - done) / _COOLING)
        optimizer.learning_rate.assign(_RATE * share)
        compiled(*(tf.constant(each) for each in make_batch(hands, rng)))
        steps += 1
    return steps * _BATCH


def decode(logits: npt.NDArray[np.float32]) -> str:
    """Read the likeliest path: `(columns, 11)` to digits."""
    path = logits.argmax(axis=-1)
    starts = np.flatnonzero(np.diff(path, prepend=_BLANK))
    return "".join(str(path[at]) for at in starts if path[at] != _BLANK)


def compare(
    numbers: Iterable[tuple[str, Number]], readers: dict[str, Callable[[Ink], str]]
) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Let every reader read every number: by surface and reader right, of, and seconds."""
    found: dict[tuple[str, str], tuple[int, int, float]] = {}
    for surface, number in numbers:
        try:
            ink = possible_inks(number.picture)[0]
        except BlankPictureError:
            continue
        for name, read in readers.items():
            started = time.process_time()
            is_right = read(ink) == number.digits
            seconds = time.process_time() - started
            right, count, spent = found.get((surface, name), (0, 0, 0.0))
            found[surface, name] = (right + is_right, count + 1, spent + seconds)
    return found


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.line_reader", description=__doc__)
    parser.add_argument("--data", type=Path, help="MNIST's four IDX files; default: download")
    parser.add_argument("--drawn", type=Path, help="folder with recorded digits, to write with too")
    parser.add_argument("--minutes", type=float, default=30.0, help="of training")
    parser.add_argument("--count", type=int, default=200, help="numbers on each surface")
    arguments = parser.parse_args()
    mnist = load_mnist(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "hands.npz"
        save_hands(kept, mnist.train_images[:_TRACED], mnist.train_labels[:_TRACED])
        hands = load_hands(kept)
    model = build()
    lines = train(model, hands, arguments.minutes)
    recognizer = Recognizer(load_folder(BUNDLED))
    threshold = recognizer.weights.config.rejection_threshold
    ask = tf.function(lambda image: model(image, training=False))

    def search(ink: Ink) -> str:
        return read_ink(recognizer.predict_images, threshold, ink).number

    def network(ink: Ink) -> str:
        return decode(ask(tf.constant(frame(written_line(ink))[None, ..., None])).numpy()[0])

    network(Ink(np.ones((9, 9), np.float32), 1.0, clean=True))  # compiles it
    source = material(mnist, arguments.drawn, len(mnist.test_images), recognizer.look)
    source = replace(source, made=arguments.count)
    found = compare(written_numbers(source), {"search": search, "network": network})
    rows = [["numbers on", "by", "right", "of", "ms"]]
    rows += [
        [surface, name, str(right), str(count), f"{1000 * seconds / count:.1f}"]
        for (surface, name), (right, count, seconds) in found.items()
    ]
    print(console.render(rows))  # noqa: T201
    print(f"\ntrained on {lines:,} lines")  # noqa: T201


if __name__ == "__main__":
    console.run(main)
