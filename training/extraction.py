"""Train the extractor: the network that separates digits' ink from everything around it.

    python -m training.extraction --run runs/extractor --data DIR --crops 480000

Samples are crops of the finder's pages, scaled to about the digit height that the extractor is
given. The training loop is in `training.loop`; raise `--crops` to train a finished run further.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from digits.networks import BESIDE, EXTRACTOR, PIXEL_CLASSES
from training import console, keras_networks
from training.loop import HANDS_FILE, VALIDATION_SEED, Task, prepare, train
from training.synthesis import write_sheet
from training.synthesis.crops import make_crops
from training.synthesis.page import DIGIT
from training.synthesis.pages import COLORS
from training.synthesis.writing import Hands, load_hands

BATCH: Final = 32

_VALIDATION_BATCHES: Final = 16
_GAIN: Final = 1.75
"""Gain of partial coverage, so that strokes thinner than a pixel still count as ink."""

_NEAR: Final = 9
"""Side in pixels of the neighborhood in which a pixel counts as near digits' ink."""

_NEAR_INK: Final = 4.0
"""Loss weight of pixels near digits' ink; the others have 1."""

_BIASES: Final = {"classes": (2.0, 0.0, 0.0, 0.0)}


class Batch(NamedTuple):
    """Crops, and the coverage of their pixels by layer.

    Attributes:
        pictures: `(N, h, w, 3)` uint8.
        layers: `(N, h, w, 3)` uint8; see `training.synthesis.page.Page`.
    """

    pictures: npt.NDArray[np.uint8]
    layers: npt.NDArray[np.uint8]


def make_batches(hands: Hands, seed: int, index: int) -> list[Batch]:
    """Generate one batch of crops."""
    crops = make_crops(hands, seed, index, BATCH)
    return [Batch(np.stack([c.picture for c in crops]), np.stack([c.layers for c in crops]))]


def targets(layers: tf.Tensor) -> tf.Tensor:
    """Return the share of each class in each pixel: `(N, h, w, 4)` float32.

    Digits' ink takes precedence over other writing, and that over lines.
    """
    left = tf.ones_like(layers[..., 0], tf.float32)
    shares = []
    for index in range(PIXEL_CLASSES - 1):
        cover = tf.minimum(_GAIN * tf.cast(layers[..., index], tf.float32) / 255, 1.0)
        shares.append(left * cover)
        left *= 1 - cover
    return tf.stack([left, *shares], axis=-1)


def build() -> keras.Model:
    """Build the model: `(N, h, w, 3)` float32 in `[0, 255]` to `(N, h, w, 4)` logits."""
    pixels = keras.Input((None, None, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 255)(pixels)
    outputs = keras_networks.connect(BESIDE[EXTRACTOR], scaled, _BIASES)
    return keras.Model(pixels, outputs["classes"], name=EXTRACTOR)


def loss(logits: tf.Tensor, layers: tf.Tensor) -> tf.Tensor:
    """Return the weighted mean cross-entropy per pixel.

    Pixels near digits' ink have more weight: a gap or a piece of a line there changes the digit.
    """
    ink = tf.cast(layers[..., DIGIT : DIGIT + 1], tf.float32) / 255
    weights = 1 + (_NEAR_INK - 1) * tf.nn.max_pool2d(ink, _NEAR, 1, "SAME")[..., 0]
    errors = tf.nn.softmax_cross_entropy_with_logits(targets(layers), logits)
    return tf.reduce_sum(weights * errors) / tf.reduce_sum(weights)


def evaluate(model: keras.Model, batches: list[Batch]) -> dict[str, Any]:
    """Return the F1 scores of digits' `ink`, `writing` and `lines`, and the ink's mean `error`."""
    counts = np.zeros((3, 2))
    error = inked = 0.0
    for batch in batches:
        logits = model(batch.pictures.astype(np.float32), training=False)
        shares = np.asarray(tf.nn.softmax(logits))[..., 1:]
        truth = np.asarray(targets(tf.constant(batch.layers)))[..., 1:]
        found, true = shares > 0.5, truth > 0.5
        counts[:, 0] += 2 * (found & true).sum(axis=(0, 1, 2))
        counts[:, 1] += found.sum(axis=(0, 1, 2)) + true.sum(axis=(0, 1, 2))
        error += np.abs(shares[..., 0] - truth[..., 0]).sum()
        inked += truth[..., 0].sum()
    scores = (counts[:, 0] / np.maximum(counts[:, 1], 1)).round(4).tolist()
    return {
        **dict(zip(("ink", "writing", "lines"), scores, strict=True)),
        "error": round(float(error / inked), 4),
    }


def draw_figure(model: keras.Model, batch: Batch, path: Path) -> None:
    """Draw crops, predictions and truth: digits green, writing red, lines blue."""
    logits = model(batch.pictures.astype(np.float32), training=False)
    shares = np.asarray(tf.nn.softmax(logits))[..., 1:]
    colors = np.array(COLORS[1:], np.float32)
    tiles = []
    for picture, found, layers in zip(batch.pictures, shares, batch.layers, strict=True):
        shown = [np.clip(each @ colors, 0, 255).astype(np.uint8) for each in (found, layers / 255)]
        tiles.append(np.vstack([picture, *shown]))
    write_sheet(path, tiles, 8)


def _validation(run: Path) -> list[Batch]:
    hands, indices = load_hands(run / HANDS_FILE), range(_VALIDATION_BATCHES)
    return [make_batches(hands, VALIDATION_SEED, index)[0] for index in indices]


def _measure(model: keras.Model, batches: list[Batch], run: Path) -> dict[str, Any]:
    draw_figure(model, batches[0], run / "found.png")
    return evaluate(model, batches)


TASK: Final = Task(
    network=EXTRACTOR,
    unit="crops",
    defaults=(480_000, 240_000, 6_400),
    batch=BATCH,
    build=build,
    loss=loss,
    make=make_batches,
    validation=_validation,
    evaluate=_measure,
    samples=lambda batches: np.concatenate([batch.pictures for batch in batches]),
)


def main() -> None:
    """Train, or resume training, as the command line asks."""
    train(TASK, prepare(TASK, "extraction", __doc__))


if __name__ == "__main__":
    console.run(main)
