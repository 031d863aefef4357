"""A SavedModel for TensorFlow Serving and whoever else runs TensorFlow without this project.

It is laid out as the server wants it, `FOLDER/1/` for version 1. Its signature takes images that
are in MNIST's frame already and answers in the words of `/predict`.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from digits.prediction import NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from training.export_formats import INPUT

VERSION = "1"
NO_DIGIT = -1


def write_saved_model(model: keras.Model, folder: Path, rejection_threshold: float) -> None:
    """Write a network as version 1 of a model.

    Args:
        model: From `export_formats.calibrated`.
        folder: Where; the version becomes a folder in it.
        rejection_threshold: Score below which an answer is withheld.
    """

    def read_images(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _answer(model(images[..., None], training=False), rejection_threshold)

    archive = keras.export.ExportArchive()
    frame = tf.TensorSpec((None, IMAGE_SIDE, IMAGE_SIDE), tf.float32, INPUT)
    # The first endpoint is also "serving_default".
    archive.add_endpoint(INPUT, read_images, [frame])
    archive.write_out(folder / VERSION, verbose=False)


def _answer(rows: tf.Tensor, rejection_threshold: float) -> dict[str, tf.Tensor]:
    """Put probabilities into the words of `/predict`.

    Args:
        rows: `(N, C)` float32, calibrated.
        rejection_threshold: Score below which there is no digit.

    Returns:
        By name: `digit` `(N,)` int64, `NO_DIGIT` where there is none; `reason` `(N,)` string, empty
        or why there is none; `confidences` `(N, 10)`, sum 1; `score` `(N,)`.
    """
    digits = rows[:, :10]
    score = tf.reduce_max(digits, axis=1)
    rejected = score < np.float32(rejection_threshold)
    return {
        "digit": tf.where(rejected, tf.constant(NO_DIGIT, tf.int64), tf.argmax(digits, axis=1)),
        "reason": tf.where(rejected, NOT_A_DIGIT, ""),
        "confidences": digits / tf.reduce_sum(digits, axis=1, keepdims=True),
        "score": score,
    }
