"""The served network in the formats of other runtimes, its answers calibrated.

Every format gets the same network: `calibrated` divides the last layer's weights by the fitted
temperature, so that what comes out needs no further step. All take `(N, 28, 28, 1)` float32
images in `[0, 1]`, ink 1 on paper 0, N free, and give `(N, C)` float32 probabilities; C is 10, by
digit, or 11 with "not a digit" last.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from digits import networks
from digits.ink import InkArray
from digits.weights import Weights

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "probabilities"
"""Names in those formats that name what goes in and what comes out."""

MEANING = (
    f"{INPUT}: (N, 28, 28, 1) float32 in [0, 1], 0 paper, 1 full ink, one digit scaled into a box "
    f"of 20x20 with its centre of mass in the middle. {OUTPUT}: calibrated, rows sum to 1; by "
    'digit 0 to 9, then, where there is an eleventh, "not a digit". An answer is a digit where the '
    "largest of the first ten is at least refuse_below."
)

LEGACY_LOG = "absl"
"""What Keras warns by that HDF5 is its older format: here that is what is wanted."""

_ONNX_OPSET = 17
"""Of 2022: every runtime that is still kept reads it."""


def calibrated(weights: Weights) -> keras.Model:
    """Build the network of a set of weights with the temperature in its last layer.

    Dividing weights and bias of the layer before the softmax divides the logits, which is what
    `digits.prediction.soften` does to the answer afterwards.

    Args:
        weights: A verified set.

    Returns:
        The network, `(N, 28, 28, 1)` float32 to `(N, 10)` or `(N, 11)` calibrated probabilities.

    Raises:
        ValueError: If the network does not end in a dense softmax.
    """
    keras.utils.clear_session()  # restarts the layers' numbering, which formats hold as names
    model = networks.build(weights.config.network)
    model.load_weights(weights.path)
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.softmax:
        raise ValueError(f"Expected a network that ends in a dense softmax. Received: {last}")
    temperature = weights.config.temperature
    last.set_weights([numbers / np.float32(temperature) for numbers in last.get_weights()])
    return model


def description(weights: Weights) -> dict[str, str]:
    """Say whose answers a file gives and how they are read, for formats that keep such notes.

    Args:
        weights: The set that was exported.
    """
    config = weights.config
    return {
        "network": config.network,
        "weights_sha256": config.sha256,
        "temperature": repr(config.temperature),
        "refuse_below": repr(config.refuse_below),
        "calibration": "the temperature is in the weights: nothing is left to divide",
        "meaning": MEANING,
        "licence": "MIT",
    }


def write_keras(model: keras.Model, path: Path) -> None:
    """Write network and weights for Keras 3, which reads them with any of its backends.

    Args:
        model: From `calibrated`.
        path: The file to write, `.keras`.
    """
    model.save(path)


def write_h5(model: keras.Model, path: Path) -> None:
    """Write network and weights in the format before Keras 3; `load_weights` reads it too.

    Args:
        model: From `calibrated`.
        path: The file to write, `.h5`.
    """
    with _hushed(LEGACY_LOG):
        model.save(path, include_optimizer=False)


def write_litert(model: keras.Model, path: Path, calibration: InkArray | None = None) -> None:
    """Write a network for LiteRT, which was TensorFlow Lite: telephones and small computers.

    Args:
        model: From `calibrated`.
        path: The file to write, `.tflite`.
        calibration: `(N, 28, 28, 1)` float32 images as they will be shown; from what they stir in
            each layer follows how it is rounded to 8 bits. None leaves float32. Either way float32
            goes in and comes out.
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
    with _hushed("tensorflow"), _no_standard_error():
        named.export(path, format="litert", verbose=False, input_signature=[_images()], **options)


def write_onnx(model: keras.Model, path: Path, notes: Mapping[str, str]) -> None:
    """Write a network for ONNX runtimes.

    Args:
        model: From `calibrated`.
        path: The file to write, `.onnx`.
        notes: From `description`; they go into the file's `metadata_props`.
    """
    # Conversion alone needs these: who exports something else does without them.
    import onnx  # noqa: PLC0415

    model(np.zeros((1, *networks.IMAGE_SHAPE), np.float32))
    with _hushed("tf2onnx"), warnings.catch_warnings():
        # Keras asks NumPy for a name that is gone, to make up for tf2onnx that wants it.
        warnings.simplefilter("ignore", FutureWarning)
        model.export(
            path,
            format="onnx",
            verbose=False,
            input_signature=[_images()],
            opset_version=_ONNX_OPSET,
        )
    made = onnx.load(path)
    _name_plainly(made.graph, model.name)
    made.doc_string = notes["meaning"]
    onnx.helper.set_model_props(made, dict(notes))
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, path)


def _name_plainly(graph: "onnx.GraphProto", title: str) -> None:
    """Name by order what the converter has numbered by what it converted before.

    So the same weights give the same bytes.
    """
    [taken], [given] = graph.input, graph.output
    names = {taken.name: INPUT, given.name: OUTPUT, "": ""}
    graph.name = title
    for field in ("value_info", "doc_string"):
        graph.ClearField(field)
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}-{index}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.setdefault(name, f"tensor-{len(names)}") for name in tensors]
    constants = sorted(graph.initializer, key=lambda tensor: list(names).index(tensor.name))
    for tensor in constants:
        tensor.name = names[tensor.name]
    graph.ClearField("initializer")
    graph.initializer.extend(constants)
    for end, name in ((taken, INPUT), (given, OUTPUT)):
        end.name = name
        end.type.tensor_type.shape.dim[0].dim_param = "N"


def _images() -> keras.InputSpec:
    return keras.InputSpec("float32", (None, *networks.IMAGE_SHAPE), name=INPUT)


@contextmanager
def _hushed(name: str) -> Iterator[None]:
    """Let a log say nothing but errors: converters tell much of no use to who exports."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Drop what the converter's C++ part writes past all logs; its errors are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
