"""ONNX nodes of the layers of `digits.layers`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from digits.layers import Conv, Double, Layer

Weights = Mapping[str, npt.NDArray[np.float32]]
"""By the names of `digits.layers.shapes`."""

_TWICE: Final = np.array([1, 1, 2, 2], np.float32)


def layer_nodes(
    layers: Sequence[Layer], weights: Weights, arrays: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return the nodes of some layers, and add their weights to `arrays`."""
    nodes: list[onnx.NodeProto] = []
    for layer in layers:
        if isinstance(layer, Conv):
            nodes += _convolution(layer, weights, arrays)
        elif isinstance(layer, Double):
            factors = f"{layer.name}.factors"
            arrays.append(constant(factors, _TWICE))
            nodes.append(
                helper.make_node(
                    "Resize",
                    [layer.source, "", factors],
                    [layer.name],
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            )
        else:
            nodes.append(helper.make_node("Add", [layer.source, layer.other], [layer.name]))
    return nodes


def _convolution(
    layer: Conv, weights: Weights, arrays: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return the nodes of a convolution, and add its weights to `arrays`."""
    stride: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": layer.stride}
    nodes = []
    source = layer.source
    if layer.separable:
        depthwise = weights[f"{layer.name}.depthwise"].transpose(2, 0, 1)[:, None]
        arrays.append(constant(f"{layer.name}.depthwise", depthwise))
        inputs, source = [source, f"{layer.name}.depthwise"], f"{layer.name}.spread"
        nodes.append(helper.make_node("Conv", inputs, [source], group=len(depthwise), **stride))
        stride = {}
    kernel = weights[f"{layer.name}.kernel"].transpose(3, 2, 0, 1)
    arrays.append(constant(f"{layer.name}.kernel", kernel))
    arrays.append(constant(f"{layer.name}.bias", weights[f"{layer.name}.bias"]))
    inputs = [source, f"{layer.name}.kernel", f"{layer.name}.bias"]
    output = layer.name if layer.head else f"{layer.name}.linear"
    nodes.append(helper.make_node("Conv", inputs, [output], **stride))
    if not layer.head:
        nodes.append(helper.make_node("Relu", [output], [layer.name]))
    return nodes


def constant(
    name: str, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32
) -> onnx.TensorProto:
    """Store numbers in a graph."""
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype), name)
