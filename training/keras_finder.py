"""The finder as a Keras model, and its weights as the app wants them."""

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from digits.segmentation.letterbox import SIDE
from digits.segmentation.network import LAYERS, PICTURE, Conv, Double

_EPSILON = 1e-3
_MOMENTUM = 0.97  # a batch has pixels enough

_BIASES = {"classes": (2.0, 0.0, 0.0, 0.0), "centres": (-4.0, 3.5)}
"""What the heads say at first: nothing, no centre, digits 33 pixels high."""


def build() -> keras.Model:
    """Build the model: `(N, 384, 384, 3)` float32 in `[0, 255]` to the logits of both heads."""
    pixels = keras.Input((SIDE, SIDE, 3), name="pixels")
    made = {PICTURE: keras.layers.Rescaling(1 / 255, name=PICTURE)(pixels)}
    for layer in LAYERS:
        source = made[layer.source]
        if isinstance(layer, Conv):
            made[layer.name] = _convolution(layer, source)
        elif isinstance(layer, Double):
            made[layer.name] = keras.layers.UpSampling2D(2, name=layer.name)(source)
        else:
            made[layer.name] = keras.layers.Add(name=layer.name)([source, made[layer.other]])
    return keras.Model(pixels, [made["classes"], made["centres"]], name="finder")


def _convolution(layer: Conv, source: keras.KerasTensor) -> keras.KerasTensor:
    if layer.separable:
        spread = keras.layers.DepthwiseConv2D(
            layer.kernel, layer.stride, "same", use_bias=False, name=f"{layer.name}_depthwise"
        )
        source = spread(source)
    kernel, stride = (1, 1) if layer.separable else (layer.kernel, layer.stride)
    convolve = keras.layers.Conv2D(
        layer.filters, kernel, stride, "same", use_bias=layer.head, name=f"{layer.name}_kernel"
    )
    linear = convolve(source)
    if layer.head:
        convolve.bias.assign(_BIASES[layer.name])
    if layer.head:
        return linear
    normalize = keras.layers.BatchNormalization(
        momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{layer.name}_norm"
    )
    return keras.layers.ReLU(name=layer.name)(normalize(linear))


def folded(model: keras.Model) -> dict[str, npt.NDArray[np.float32]]:
    """Return the model's weights by the names of `digits.segmentation.network.shapes`.

    Batch normalization is folded into the kernels before it.
    """
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for layer in LAYERS:
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
    model: keras.Model, arrays: Mapping[str, npt.NDArray[np.float32]], pixels: npt.NDArray[np.uint8]
) -> None:
    """Load folded weights into a model that can be trained further.

    The model gives the same answers as the weights. Folding loses the statistics of batch
    normalization; they are measured anew.

    Args:
        model: From `build`; changed in place.
        arrays: By the names of `digits.segmentation.network.shapes`, as `folded` returns them.
        pixels: `(N, SIDE, SIDE, 3)` uint8 pages like those it will be trained on.
    """
    normalized = [layer for layer in LAYERS if isinstance(layer, Conv) and not layer.head]
    for layer in LAYERS:
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
    measured = keras.Model(model.input, linear)(pixels.astype(np.float32), training=False)
    for layer, values in zip(normalized, map(np.asarray, measured), strict=True):
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        bias = arrays[f"{layer.name}.bias"]
        norm = model.get_layer(f"{layer.name}_norm")
        norm.set_weights([np.sqrt(variance + _EPSILON), bias + mean, mean, variance])
