"""The served network in the formats of other runtimes, its answers calibrated.

Every format gets the same network: `calibrated` divides the last layer's weights by the fitted
temperature, so that what comes out needs no further step. All take `(N, 28, 28, 1)` float32
images in `[0, 1]`, ink 1 on paper 0, N free, and give `(N, C)` float32 probabilities; C is 10, by
digit, or 11 with "not a digit" last.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import tensorflow as tf

from digits import networks, onnx_graph
from digits.ink import InkArray
from digits.prediction import NOT_A_DIGIT
from digits.preprocessing import IMAGE_SIDE
from digits.weights import Weights
from training import keras_networks
from training.quiet_imports import KERAS_LOG, only_errors, stderr_discarded

INPUT, OUTPUT = onnx_graph.INPUT, onnx_graph.PROBABILITIES
"""Names in those formats that name what goes in and what comes out."""

MEANING = (
    f"{INPUT}: (N, 28, 28, 1) float32, of saved_model (N, 28, 28), in [0, 1], 0 paper, 1 full ink, "
    "one digit scaled into a box of 20x20 with its centre of mass in the middle. "
    f"{OUTPUT}: calibrated, rows sum to 1; by digit 0 to 9, then, where there is an eleventh, "
    '"not a digit". An answer is a digit where the largest of the first ten is at least '
    "rejection_threshold."
)

VERSION = "1"
NO_DIGIT = -1
"""Of the SavedModel, and its answer where there is none."""


def calibrated(weights: Weights) -> keras.Model:
    """Build the Keras model of a set of weights with the temperature in its last layer.

    Returns:
        The network, `(N, 28, 28, 1)` float32 to `(N, 10)` or `(N, 11)` calibrated probabilities.
    """
    config = weights.config
    model = keras_networks.build(config.network)
    network = networks.find(config.network)
    tensors = networks.calibrated(network, weights.tensors, config.temperature)
    keras_networks.assign_tensors(model, tensors)
    return model


def description(weights: Weights) -> dict[str, str]:
    """Say whose answers a file gives and how they are read, for formats that keep such notes."""
    config = weights.config
    return {
        "network": config.network,
        "weights_sha256": config.sha256,
        "temperature": repr(config.temperature),
        "rejection_threshold": repr(config.rejection_threshold),
        "calibration": "the temperature is in the weights: nothing is left to divide",
        "meaning": MEANING,
        "licence": "MIT",
    }


def write_keras(model: keras.Model, path: Path) -> None:
    """Write network and weights for Keras 3.3 and newer, with any of its backends."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "config.json":
                    content = json.dumps(keras_networks.portable(json.loads(content))).encode()
                new.writestr(name, content)


def write_h5(model: keras.Model, path: Path) -> None:
    """Write network and weights in HDF5, the format before Keras 3, for Keras 3.3 and newer."""
    with only_errors(KERAS_LOG):
        model.save(path, include_optimizer=False)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(keras_networks.portable(config))


def write_litert(model: keras.Model, path: Path, calibration: InkArray | None = None) -> None:
    """Write a network for LiteRT, which was TensorFlow Lite: telephones and small computers.

    Float32 goes in and comes out. From what the `(N, 28, 28, 1)` images for calibration stir in
    each layer follows how it is rounded to 8 bits; None leaves float32.
    """
    options: dict[str, Any] = {}
    if calibration is not None:
        options = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([image[None]] for image in calibration),
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        }
    # A name for what comes out, as a dictionary gives it.
    named = keras.Model(model.inputs, {OUTPUT: model.outputs[0]}, name=model.name)
    images = keras.InputSpec("float32", (None, *networks.IMAGE_SHAPE), name=INPUT)
    with only_errors("tensorflow"), stderr_discarded():
        named.export(path, format="litert", verbose=False, input_signature=[images], **options)


def write_onnx(weights: Weights, path: Path) -> None:
    """Write the network for ONNX runtimes; the same weights give the same bytes."""
    config, notes = weights.config, description(weights)
    model = onnx_graph.build(networks.find(config.network), weights.tensors, config.temperature)
    model.doc_string = notes["meaning"]
    onnx.helper.set_model_props(model, notes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_saved_model(model: keras.Model, folder: Path, rejection_threshold: float) -> None:
    """Write a network for TensorFlow Serving and whoever else runs TensorFlow without this project.

    It is laid out as the server wants it, `FOLDER/1/` for version 1. Its signature takes images
    that are in MNIST's frame already and answers in the words of `/predict`.
    """

    def read_images(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _answer(model(images[..., None], training=False), rejection_threshold)

    archive = keras.export.ExportArchive()
    frame = tf.TensorSpec((None, IMAGE_SIDE, IMAGE_SIDE), tf.float32, INPUT)
    # The first endpoint is also "serving_default".
    archive.add_endpoint(INPUT, read_images, [frame])
    archive.write_out(folder / VERSION, verbose=False)


def _answer(rows: tf.Tensor, rejection_threshold: float) -> dict[str, tf.Tensor]:
    """Put `(N, C)` calibrated probabilities into the words of `/predict`.

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
