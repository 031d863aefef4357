"""The served network in the formats of other runtimes, with calibrated probabilities.

Every format holds the same network: `calibrated` divides the last layer's weights by the fitted
temperature, so the output needs no further step. All take any number N of images, `(N, 28, 28, 1)`
float32 in `[0, 1]`, ink 1 on paper 0, and return `(N, C)` float32 probabilities; C is 10, by digit,
or 11 with "not a digit" last.
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
"""Names of input and output, in formats that have them."""

MEANING = (
    f"{INPUT}: (N, 28, 28, 1) float32, for saved_model (N, 28, 28), in [0, 1], 0 paper, 1 ink, "
    "one digit scaled into a box of 20x20 with its center of mass in the middle. "
    f"{OUTPUT}: calibrated, rows sum to 1; for the digits 0 to 9 and, if there is an eleventh, for "
    '"not a digit". The answer is a digit if the largest of the first ten is at least '
    "rejection_threshold."
)

VERSION = "1"
NO_DIGIT = -1
"""Version of the SavedModel, and its `digit` if there is none."""


def calibrated(weights: Weights) -> keras.Model:
    """Build the Keras model of a set of weights, with the temperature folded into its last layer.

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
    """Describe the weights and how to read the output, for formats that store metadata."""
    config = weights.config
    return {
        "network": config.network,
        "weights_sha256": config.sha256,
        "temperature": repr(config.temperature),
        "rejection_threshold": repr(config.rejection_threshold),
        "calibration": "the temperature is folded into the weights",
        "meaning": MEANING,
        "license": "MIT",
    }


def write_keras(model: keras.Model, path: Path) -> None:
    """Write a `.keras` file for Keras 3.3 and newer, with any backend."""
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
    """Write the legacy HDF5 format for Keras 3.3 and newer."""
    with only_errors(KERAS_LOG):
        model.save(path, include_optimizer=False)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(keras_networks.portable(config))


def write_litert(model: keras.Model, path: Path, calibration: InkArray | None = None) -> None:
    """Write a network for LiteRT, formerly TensorFlow Lite, with float32 input and output.

    The `(N, 28, 28, 1)` calibration images determine how each layer is quantized to 8 bits; None
    keeps float32.
    """
    options: dict[str, Any] = {}
    if calibration is not None:
        options = {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([image[None]] for image in calibration),
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        }
    # A dictionary names the output.
    named = keras.Model(model.inputs, {OUTPUT: model.outputs[0]}, name=model.name)
    images = keras.InputSpec("float32", (None, *networks.IMAGE_SHAPE), name=INPUT)
    with only_errors("tensorflow"), stderr_discarded():
        named.export(path, format="litert", verbose=False, input_signature=[images], **options)


def write_onnx(weights: Weights, path: Path) -> None:
    """Write an ONNX file; the same weights give the same bytes."""
    config, notes = weights.config, description(weights)
    model = onnx_graph.build(networks.find(config.network), weights.tensors, config.temperature)
    model.doc_string = notes["meaning"]
    onnx.helper.set_model_props(model, notes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_saved_model(model: keras.Model, folder: Path, rejection_threshold: float) -> None:
    """Write a SavedModel for TensorFlow Serving, or TensorFlow without this project.

    `FOLDER/1/` holds version 1, as the server expects. The signature takes `(N, 28, 28)` float32
    images in MNIST's frame and returns the fields of `/predict` by name: `digit` `(N,)` int64,
    `NO_DIGIT` if there is none; `reason` `(N,)` string, empty or why there is none; `confidences`
    `(N, 10)`, sum 1; `score` `(N,)`.
    """

    def read_images(images: tf.Tensor) -> dict[str, tf.Tensor]:
        digits = model(images[..., None], training=False)[:, :10]
        score = tf.reduce_max(digits, axis=1)
        rejected = score < np.float32(rejection_threshold)
        return {
            "digit": tf.where(rejected, tf.constant(NO_DIGIT, tf.int64), tf.argmax(digits, axis=1)),
            "reason": tf.where(rejected, NOT_A_DIGIT, ""),
            "confidences": digits / tf.reduce_sum(digits, axis=1, keepdims=True),
            "score": score,
        }

    archive = keras.export.ExportArchive()
    frame = tf.TensorSpec((None, IMAGE_SIDE, IMAGE_SIDE), tf.float32, INPUT)
    # The first endpoint is also "serving_default".
    archive.add_endpoint(INPUT, read_images, [frame])
    archive.write_out(folder / VERSION, verbose=False)
