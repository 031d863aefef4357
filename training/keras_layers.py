"""Keras layers of the records in `digits.layers`, and their weights as the app wants them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from digits.layers import Conv, Double, Layer

_EPSILON: Final = 1e-3
_MOMENTUM: Final = 0.97  # a batch has places enough


def connect(
    layers: Sequence[Layer],
    inputs: Mapping[str, keras.KerasTensor],
    biases: Mapping[str, Sequence[float]],
) -> dict[str, keras.KerasTensor]:
    """Build layers from their records; return the inputs and every layer's output, by name.

    `biases` are what heads say at first, by their names; 0 where nothing is named.
    """
    made = dict(inputs)
    for layer in layers:
        source = made[layer.source]
        if isinstance(layer, Conv):
            made[layer.name] = _convolution(layer, source, biases.get(layer.name))
        elif isinstance(layer, Double):
            made[layer.name] = keras.layers.UpSampling2D(2, name=layer.name)(source)
        else:
            made[layer.name] = keras.layers.Add(name=layer.name)([source, made[layer.other]])
    return made


def _convolution(
    layer: Conv, source: keras.KerasTensor, bias: Sequence[float] | None
) -> keras.KerasTensor:
    kernel, stride = layer.kernel, layer.stride
    if layer.separable:
        spread = keras.layers.DepthwiseConv2D(
            kernel, stride, "same", use_bias=False, name=f"{layer.name}_depthwise"
        )
        source, kernel, stride = spread(source), (1, 1), (1, 1)
    convolve = keras.layers.Conv2D(
        layer.filters, kernel, stride, "same", use_bias=layer.head, name=f"{layer.name}_kernel"
    )
    linear = convolve(source)
    if layer.head:
        if bias is not None:
            convolve.bias.assign(bias)
        return linear
    normalize = keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{layer.name}_norm"
    )
    return keras.layers.ReLU(name=layer.name)(normalize(linear))


def folded(model: keras.Model, layers: Sequence[Layer]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the model's weights by the names of `digits.layers.shapes`.

    Batch normalization is folded into the kernels before it.
    """
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for layer in layers:
        if not isinstance(layer, Conv):
            continue
        if layer.separable:
            (depthwise,) = model.get_layer(f"{layer.name}_depthwise").get_weights()
            weights[f"{layer.name}.depthwise"] = depthwise[..., 0]
        kernel, *bias = model.get_layer(f"{layer.name}_kernel").get_weights()
        if layer.head:
            weights[f"{layer.name}.kernel"], weights[f"{layer.name}.bias"] = kernel, bias[0]
            continue
        gain, shift, mean, variance = model.get_layer(f"{layer.name}_norm").get_weights()
        factor = gain / np.sqrt(variance + _EPSILON)
        weights[f"{layer.name}.kernel"] = kernel * factor
        weights[f"{layer.name}.bias"] = shift - mean * factor
    return weights


def load_folded(
    model: keras.Model,
    layers: Sequence[Layer],
    arrays: Mapping[str, npt.NDArray[np.float32]],
    samples: npt.NDArray[Any],
) -> None:
    """Load folded weights into a model that can be trained further.

    The model gives the same answers as the weights. Folding loses the statistics of batch
    normalization; they are measured anew on samples like those that it will be trained on.
    """
    normalized = [layer for layer in layers if isinstance(layer, Conv) and not layer.head]
    for layer in layers:
        if not isinstance(layer, Conv):
            continue
        kernel, bias = arrays[f"{layer.name}.kernel"], arrays[f"{layer.name}.bias"]
        if layer.separable:
            depthwise = arrays[f"{layer.name}.depthwise"][..., None]
            model.get_layer(f"{layer.name}_depthwise").set_weights([depthwise])
        convolve = model.get_layer(f"{layer.name}_kernel")
        convolve.set_weights([kernel, bias] if layer.head else [kernel])
        if not layer.head:
            zeros, ones = np.zeros_like(bias), np.ones_like(bias)
            norm = model.get_layer(f"{layer.name}_norm")
            norm.set_weights([ones, bias, zeros, ones - _EPSILON])
    linear = [model.get_layer(f"{layer.name}_kernel").output for layer in normalized]
    measured = keras.Model(model.input, linear)(samples.astype(np.float32), training=False)
    for layer, values in zip(normalized, map(np.asarray, measured), strict=True):
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        bias = arrays[f"{layer.name}.bias"]
        norm = model.get_layer(f"{layer.name}_norm")
        norm.set_weights([np.sqrt(variance + _EPSILON), bias + mean, mean, variance])
