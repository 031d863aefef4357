"""Keras models of the networks described in `digits.layers`, and their weights by name."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from digits import layers, networks
from digits.layers import BATCH_NORM_EPSILON, Conv, Network, Step, Tensors, steps

_MOMENTUM: Final = 0.97
"""Of batch normalization in `connect`: each batch has many positions to average over."""

_NEW_KEYS = frozenset(
    {
        "input_axes",
        "optional",
        "output_axes",
        "quantization_config",
        "renorm",
        "renorm_clipping",
        "renorm_momentum",
    }
)
"""Options of layers and initializers, all at their defaults, that Keras 3.3 does not support."""


def build(name: str) -> keras.Sequential:
    """Build a network of `digits.networks.NETWORKS` with new weights, not compiled.

    Layers have the names of `digits.layers.steps`.

    Raises:
        ValueError: If there is no network of this name.
    """
    network = networks.find(name)
    parts = (part for step in steps(network) for part in _parts(step))
    return keras.Sequential([keras.Input(network.input_shape), *parts], name=name)


def connect(
    network: Network,
    source: keras.KerasTensor,
    biases: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, keras.KerasTensor]:
    """Build a fully convolutional network; return every layer's output by name.

    Args:
        network: The architecture.
        source: Input of its first layer.
        biases: Initial biases of heads by layer name; the others start at 0.
    """
    outputs = {"input": source}
    for step in steps(network, "input"):
        values = [outputs[name] for name in step.sources]
        value = values if isinstance(step.layer, layers.Add) else values[0]
        for part in _parts(step, _MOMENTUM):
            value = part(value)
        outputs[step.name] = value
        if biases and step.name in biases:
            part.bias.assign(biases[step.name])
    return outputs


def _parts(step: Step, momentum: float = 0.99) -> list[keras.Layer]:  # noqa: PLR0911 - one for each type of layer
    """Build the Keras layers of a step, to be applied in sequence."""
    name = step.name
    match step.layer:
        case Conv() as conv:
            return _convolution(conv, name, momentum)
        case layers.Add():
            return [keras.layers.Add(name=name)]
        case layers.Double():
            return [keras.layers.UpSampling2D(2, name=name)]
        case layers.MaxPool(size=size):
            return [keras.layers.MaxPooling2D(size, name=name)]
        case layers.Crop(margin=margin):
            return [keras.layers.Cropping2D(margin, name=name)]
        case layers.Flatten():
            return [keras.layers.Flatten(name=name)]
        case layers.GlobalAveragePool():
            return [keras.layers.GlobalAveragePooling2D(name=name)]
        case layers.Dropout(rate=rate):
            return [keras.layers.Dropout(rate, name=name)]
        case layers.Dense(units=units, activation=activation):
            return [keras.layers.Dense(units, activation=activation, name=name)]


def _convolution(conv: Conv, name: str, momentum: float) -> list[keras.Layer]:
    parts: list[keras.Layer] = []
    kernel, window = conv.kernel, {"strides": conv.stride, "padding": conv.padding}
    if conv.separable:
        spread = keras.layers.DepthwiseConv2D
        parts.append(spread(kernel, use_bias=False, name=f"{name}_depthwise", **window))
        kernel, window = (1, 1), {}
    convolve = partial(keras.layers.Conv2D, conv.filters, kernel, name=name, **window)
    if not conv.batch_norm:
        return [*parts, convolve(activation=conv.activation)]
    norm = {"momentum": momentum, "epsilon": BATCH_NORM_EPSILON, "name": f"{name}_norm"}
    return [
        *parts,
        convolve(use_bias=False),
        keras.layers.BatchNormalization(**norm),
        keras.layers.ReLU(name=f"{name}_relu"),
    ]


def read_tensors(model: keras.Model) -> Tensors:
    """Return the weights of a model: float32, named and shaped as in `digits.layers.shapes`."""
    return {
        name: np.asarray(variable)[..., 0] if name.endswith(".depthwise") else np.asarray(variable)
        for name, variable in _variables(model).items()
    }


def assign_tensors(model: keras.Model, tensors: Tensors) -> None:
    """Set the weights of a model; the inverse of `read_tensors`."""
    for name, variable in _variables(model).items():
        variable.assign(tensors[name].reshape(variable.shape))


def load_folded(model: keras.Model, tensors: Tensors, samples: npt.NDArray[Any]) -> None:
    """Load folded weights into a model for further training; its outputs are the same.

    Folding loses the statistics of batch normalization, so they are measured again on samples like
    those that the model will be trained on.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    biases = [tensors[f"{norm.name.removesuffix('_norm')}.bias"] for norm in norms]
    for norm, bias in zip(norms, biases, strict=True):
        zeros, ones = np.zeros_like(bias), np.ones_like(bias)
        norm.set_weights([ones, bias, zeros, ones - BATCH_NORM_EPSILON])
    assign_tensors(model, read_tensors(model) | tensors)
    linear = keras.Model(model.input, [norm.input for norm in norms])
    measured = linear(samples.astype(np.float32), training=False)
    for norm, bias, values in zip(norms, biases, map(np.asarray, measured), strict=True):
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        norm.set_weights([np.sqrt(variance + BATCH_NORM_EPSILON), bias + mean, mean, variance])


def portable(config: Any) -> Any:  # noqa: ANN401 - JSON
    """Drop options at their defaults that older versions of Keras do not support from a config."""
    match config:
        case dict():
            return {key: portable(value) for key, value in config.items() if key not in _NEW_KEYS}
        case list():
            return [portable(value) for value in config]
        case _:
            return config


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    found = {}
    for layer in model.layers:
        for variable in layer.weights:
            name = variable.name.removeprefix("moving_")
            name = f"{layer.name.removesuffix('_norm')}.{name}"
            found[name.replace("_depthwise.kernel", ".depthwise")] = variable
    return found
