"""A SavedModel for TensorFlow Serving and whoever else runs TensorFlow without this project.

It is laid out as the server wants it, `FOLDER/1/` for version 1, and has two signatures:
`serving_default` takes images that are in MNIST's frame already, `pictures` whole picture files.
Both answer in the words of `/predict`.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from digits.answers import BLANK, FAR_SURER, NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from training import export_pictures
from training.export_formats import INPUT

VERSION = "1"
PICTURES = "pictures"
NO_DIGIT = -1


def write_saved_model(model: keras.Model, folder: Path, refuse_below: float) -> None:
    """Write network and preprocessing as version 1 of a model.

    Args:
        model: From `export_formats.calibrated`.
        folder: Where; the version becomes a folder in it.
        refuse_below: Score below which an answer is withheld.
    """

    def read_images(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _answer(model(images[..., None], training=False), refuse_below)

    def read_pictures(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        images, rows = surest_framing(model, export_pictures.images_of(pictures))
        return _answer(rows, refuse_below, images) | {INPUT: images}

    archive = keras.export.ExportArchive()
    frame = (None, IMAGE_SIDE, IMAGE_SIDE)
    # The first one is also "serving_default".
    archive.add_endpoint(INPUT, read_images, [tf.TensorSpec(frame, tf.float32, INPUT)])
    archive.add_endpoint(PICTURES, read_pictures, [tf.TensorSpec((None,), tf.string, PICTURES)])
    archive.write_out(folder / VERSION, verbose=False)


def surest_framing(model: keras.Model, framings: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Let the network choose between the ways in which a small picture can be framed.

    Args:
        model: The network.
        framings: `(N, 2, 28, 28)` float32.

    Returns:
        `(N, 28, 28)` images and their `(N, C)` probabilities.
    """
    side = IMAGE_SIDE
    rows = model(tf.reshape(framings, (-1, side, side, 1)), training=False)
    rows = tf.reshape(rows, (-1, 2, model.output_shape[-1]))
    doubts = 1 - tf.reduce_max(rows[..., :10], axis=2)
    surest = tf.cast(doubts[:, 1] < FAR_SURER * doubts[:, 0], tf.int32)
    return tuple(tf.gather(both, surest, axis=1, batch_dims=1) for both in (framings, rows))


def _answer(
    rows: tf.Tensor, refuse_below: float, images: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
    """Put probabilities into the words of `/predict`.

    Args:
        rows: `(N, C)` float32, calibrated.
        refuse_below: Score below which there is no digit.
        images: `(N, 28, 28)`; where one is all paper there is no digit either.

    Returns:
        By name: `digit` `(N,)` int64, `NO_DIGIT` where there is none; `reason` `(N,)` string, empty
        or why there is none; `confidences` `(N, 10)`, sum 1; `score` `(N,)`.
    """
    digits = rows[:, :10]
    score = tf.reduce_max(digits, axis=1)
    confidences = digits / tf.reduce_sum(digits, axis=1, keepdims=True)
    reason = tf.where(score < np.float32(refuse_below), NOT_A_DIGIT, "")
    if images is not None:
        blank = tf.logical_not(tf.reduce_any(images > 0, axis=(1, 2)))
        score = tf.where(blank, 0.0, score)
        confidences = tf.where(blank[:, None], 0.1, confidences)
        reason = tf.where(blank, BLANK, reason)
    digit = tf.where(tf.equal(reason, ""), tf.argmax(digits, axis=1), NO_DIGIT)
    return {"digit": digit, "reason": reason, "confidences": confidences, "score": score}
