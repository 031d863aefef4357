"""The served network in the formats of other runtimes, its answers calibrated.

Every format gets the same network: `calibrated` divides the last layer's weights by the fitted
temperature, so that what comes out needs no further step. All take `(N, 28, 28, 1)` float32
images in `[0, 1]`, ink 1 on paper 0, N free, and give `(N, C)` float32 probabilities; C is 10, by
digit, or 11 with "not a digit" last.
"""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from digits import networks
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


def write_onnx(model: keras.Model, path: Path, notes: Mapping[str, str]) -> None:
    """Write a network for ONNX runtimes.

    Args:
        model: From `calibrated`.
        path: The file to write, `.onnx`.
        notes: From `description`; they go into the file's `metadata_props`.
    """
    # Conversion alone needs these: who exports something else does without them.
    import onnx  # noqa: PLC0415

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model(np.zeros((1, *networks.IMAGE_SHAPE), np.float32))
    with warnings.catch_warnings():
        # Keras asks NumPy for a name that is gone, to make up for tf2onnx that wants it.
        warnings.simplefilter("ignore", FutureWarning)
        model.export(
            path,
            format="onnx",
            verbose=False,
            input_signature=[keras.InputSpec("float32", (None, *networks.IMAGE_SHAPE), name=INPUT)],
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
