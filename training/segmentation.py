"""Train the finder: the network that separates digits' ink from everything else in a picture.

    python -m training.segmentation --run runs/finder --data DIR --pages 30000

The training loop is in `training.loop`; raise `--pages` to train a finished run further.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.special import expit, softmax

from digits.networks import BESIDE, FINDER
from digits.segmentation.letterbox import SIDE
from training import console, keras_networks
from training.loop import HANDS_FILE, VALIDATION_SEED, Task, prepare, train
from training.run_folder import RunFolder
from training.synthesis import write_sheet
from training.synthesis.pages import COLORS, Made, make
from training.synthesis.writing import Hands, load_hands

BATCH: Final = 8
CENTER_SIDE: Final = SIDE // 4

_VALIDATION_PAGES: Final = 256

_MEASURED: Final = 64
"""Number of validation pages that batch normalization is measured on for `--start`."""

_KINDS_FILE: Final = "kinds.json"

_BIASES: Final = {"classes": (2.0, 0.0, 0.0, 0.0), "centres": (-4.0, 3.5)}
"""Initial outputs of the heads: nothing, no center, digits 33 pixels high."""

_CLASS_WEIGHTS: Final = (1.0, 3.0, 3.0, 3.0)


class Batch(NamedTuple):
    """Pages and their targets.

    Attributes:
        pictures: `(N, SIDE, SIDE, 3)` uint8.
        classes: `(N, SIDE / 2, SIDE / 2)` uint8.
        centers: `(N, SIDE / 4, SIDE / 4, 2)` float32: heat map, 1 at a digit's center; logarithm of
            the digit's height in pixels of the square near its center, else 0.
    """

    pictures: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    centers: npt.NDArray[np.float32]


def center_map(page: Made) -> npt.NDArray[np.float32]:
    """Return the target of the head `centres`: `(SIDE / 4, SIDE / 4, 2)` float32."""
    found = np.zeros((CENTER_SIDE, CENTER_SIDE, 2), np.float32)
    at = np.arange(CENTER_SIDE) + 0.5
    for digit in page.digits:
        x, y, width, height = (side / 4 for side in digit.box)
        spread = np.clip(0.12 * max(width, height), 0.7, 5.0)
        across = np.exp(-(((at - x - width / 2) / spread) ** 2) / 2)
        down = np.exp(-(((at - y - height / 2) / spread) ** 2) / 2)
        heat = np.outer(down / down.max(initial=1e-6), across / across.max(initial=1e-6))
        nearest = heat > found[..., 0]
        found[..., 0][nearest] = heat[nearest]
        found[..., 1][nearest & (heat > 0.5)] = np.log(max(4 * height, 1.0))
    return found


def batch_of(pages: list[Made]) -> Batch:
    """Put pages into one batch."""
    return Batch(
        np.stack([page.picture for page in pages]),
        np.stack([page.classes for page in pages]),
        np.stack([center_map(page) for page in pages]),
    )


def make_batches(hands: Hands, seed: int, index: int) -> list[Batch]:
    """Generate one batch of pages."""
    return [batch_of([make(hands, seed, BATCH * index + k) for k in range(BATCH)])]


def loss(heads: list[tf.Tensor], classes: tf.Tensor, centers: tf.Tensor) -> tf.Tensor:
    """Return the sum of weighted cross-entropy, Dice loss, and the loss of centers and heights."""
    logits, found = heads
    truth = tf.one_hot(classes, len(_CLASS_WEIGHTS))
    weights = tf.reduce_sum(truth * tf.constant(_CLASS_WEIGHTS), axis=-1)
    crossed = tf.nn.softmax_cross_entropy_with_logits(truth, logits)
    entropy = tf.reduce_sum(weights * crossed) / tf.reduce_sum(weights)
    shares = tf.nn.softmax(logits)[..., 1:]
    both = tf.reduce_sum(shares * truth[..., 1:], axis=(0, 1, 2))
    either = tf.reduce_sum(shares + truth[..., 1:], axis=(0, 1, 2))
    dice = tf.reduce_mean(1 - (2 * both + 1) / (either + 1))
    return entropy + 0.5 * dice + _center_loss(found, centers)


def _center_loss(centers: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Return the focal loss of the heat map plus the error of the heights (Zhou et al., 2019)."""
    logit, heat = centers[..., 0], wanted[..., 0]
    share = tf.sigmoid(logit)
    is_center = tf.cast(heat > 0.99, tf.float32)
    found = is_center * (1 - share) ** 2 * tf.nn.softplus(-logit)
    false = (1 - is_center) * (1 - heat) ** 4 * share**2 * tf.nn.softplus(logit)
    count = tf.reduce_sum(is_center) + 1
    near = tf.cast(wanted[..., 1] > 0, tf.float32)
    heights = tf.reduce_sum(near * tf.abs(centers[..., 1] - wanted[..., 1]))
    return tf.reduce_sum(found + false) / count + 0.1 * heights / (tf.reduce_sum(near) + 1)


def build() -> keras.Model:
    """Build the model: `(N, 384, 384, 3)` float32 in `[0, 255]` to the logits of both heads."""
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 255)(pixels)
    outputs = keras_networks.connect(BESIDE[FINDER], scaled, _BIASES)
    return keras.Model(pixels, [outputs["classes"], outputs["centres"]], name=FINDER)


def evaluate(model: keras.Model, pages: list[Made]) -> dict[str, Any]:
    """Evaluate a finder on pages: digits' ink, other writing, lines, and centers, by kind of page.

    Returns:
        For `all` and for each kind, the F1 scores of `ink`, `writing` and `lines`, `recall` and
        `precision` of the centers, and the number of pages, `of_pages`.
    """
    sums: dict[str, npt.NDArray[np.int64]] = {}
    for first in range(0, len(pages), BATCH):
        part = pages[first : first + BATCH]
        pictures = np.stack([page.picture for page in part]).astype(np.float32)
        logits, centers = (np.asarray(v) for v in model(pictures, training=False))
        for page, found, heat in zip(part, logits.argmax(-1), centers[..., 0], strict=True):
            counts = [*_count_pixels(found, page.classes), *_count_centers(heat, page), (1, 1)]
            for name in {"all", *page.kind.split("+")}:
                sums[name] = sums.get(name, 0) + np.array(counts)
    return {name: _scores(counts) for name, counts in sorted(sums.items())}


def _count_pixels(
    found: npt.NDArray[np.int64], truth: npt.NDArray[np.uint8]
) -> list[tuple[int, int]]:
    """Return numerator and denominator of the F1 score of classes 1 to 3."""
    masks = [(found == c, truth == c) for c in (1, 2, 3)]
    return [(2 * (one & other).sum(), one.sum() + other.sum()) for one, other in masks]


def _count_centers(heat: npt.NDArray[np.float32], page: Made) -> list[tuple[int, int]]:
    """Return numerator and denominator of recall and of precision."""
    peaks = np.argwhere((heat > -0.85) & (heat == cv2.dilate(heat, np.ones((3, 3), np.uint8))))
    at = (peaks[:, ::-1] + 0.5) * 4
    hits = 0
    free = np.ones(len(at), bool)
    for digit in page.digits:
        x, y, w, h = digit.box
        reach = np.array([max(w, 8), max(h, 8)]) / 2
        near = free & (np.abs(at - (x + w / 2, y + h / 2)) < reach).all(axis=1)
        if near.any():
            hits += 1
            free[np.flatnonzero(near)[0]] = False
    return [(hits, len(page.digits)), (hits, len(at))]


def _scores(counts: npt.NDArray[np.int64]) -> dict[str, float]:
    names = ("ink", "writing", "lines", "recall", "precision")
    *pairs, (pages, _) = counts.tolist()
    shares = [round(part / max(whole, 1), 4) for part, whole in pairs]
    return dict(zip(names, shares, strict=True)) | {"of_pages": pages}


def draw_figure(model: keras.Model, pages: list[Made], path: Path) -> None:
    """Draw pages and predictions: digits green, writing red, lines blue."""
    pictures = np.stack([page.picture for page in pages]).astype(np.float32)
    logits, centers = (np.asarray(v) for v in model(pictures, training=False))
    colors = np.array(COLORS, np.float32)
    tiles = []
    for page, logit, heat in zip(pages, logits, centers[..., 0], strict=True):
        found = softmax(logit, axis=-1)
        small = cv2.resize(page.picture, found.shape[1::-1], interpolation=cv2.INTER_AREA)
        shown = (0.4 * small + 60) * found[..., :1] + found @ colors
        warm = cv2.resize(expit(heat), found.shape[1::-1])
        shown += warm[..., None] * np.array([255, 255, 0], np.float32) * 0.6
        tiles.append(np.hstack([small, np.clip(shown, 0, 255).astype(np.uint8)]))
    write_sheet(path, tiles, 4)


def _validation(run: Path) -> list[Made]:
    hands = load_hands(run / HANDS_FILE)
    return [make(hands, VALIDATION_SEED, index) for index in range(_VALIDATION_PAGES)]


def _measure(model: keras.Model, pages: list[Made], run: Path) -> dict[str, Any]:
    metrics = evaluate(model, pages)
    RunFolder(run).write_json(_KINDS_FILE, metrics)
    draw_figure(model, pages[:24], run / "found.png")
    return metrics["all"]


TASK: Final = Task(
    network=FINDER,
    unit="pages",
    defaults=(95_000, 25_000, 5_760),
    batch=BATCH,
    build=build,
    loss=loss,
    make=make_batches,
    validation=_validation,
    evaluate=_measure,
    samples=lambda pages: batch_of(pages[:_MEASURED]).pictures,
)


def main() -> None:
    """Train, or resume training, as the command line asks."""
    train(TASK, prepare(TASK, "segmentation", __doc__))


if __name__ == "__main__":
    console.run(main)
