"""The finder as an ONNX graph, from its layers and weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from digits.onnx_graph import IR_VERSION, OPSET
from digits.segmentation.letterbox import SIDE
from digits.segmentation.network import CLASSES, LAYERS, PICTURE, Conv, Double

Weights = Mapping[str, npt.NDArray[np.float32]]


def build(weights: Weights) -> onnx.ModelProto:
    """Build the graph.

    Args:
        weights: By the names of `digits.segmentation.network.shapes`.

    Returns:
        A model. It reads `pixels`, `(N, 384, 384, 3)` uint8 RGB, and gives
        `classes`, `(N, 4, 192, 192)` float32 probabilities, and `centres`, `(N, 2, 96, 96)`
        float32: the probability of a digit's centre, and the logarithm of the digit's height.
    """
    nodes: list[onnx.NodeProto] = []
    arrays = [_constant("full_scale", np.float32(1 / 255)), _constant("twice", _TWICE)]
    nodes += [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "full_scale"], [PICTURE]),
    ]
    for layer in LAYERS:
        if isinstance(layer, Conv):
            nodes += _convolution(layer, weights, arrays)
        elif isinstance(layer, Double):
            nodes.append(
                helper.make_node(
                    "Resize",
                    [layer.source, "", "twice"],
                    [layer.name],
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            )
        else:
            nodes.append(helper.make_node("Add", [layer.source, layer.other], [layer.name]))
    nodes += [
        helper.make_node("Softmax", ["classes"], ["class_map"], axis=1),
        helper.make_node("Split", ["centres"], ["centre_logit", "height"], axis=1),
        helper.make_node("Sigmoid", ["centre_logit"], ["centre"]),
        helper.make_node("Concat", ["centre", "height"], ["centre_map"], axis=1),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIDE, SIDE, 3])
    outputs = [
        _output("class_map", CLASSES, SIDE // 2),
        _output("centre_map", 2, SIDE // 4),
    ]
    graph = helper.make_graph(nodes, "finder", [pixels], outputs, arrays)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


_TWICE = np.array([1, 1, 2, 2], np.float32)


def _convolution(
    layer: Conv, weights: Weights, arrays: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return the nodes of a convolution, and add its weights to `arrays`."""
    stride: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [layer.stride, layer.stride]}
    nodes = []
    source = layer.source
    if layer.separable:
        depthwise = weights[f"{layer.name}.depthwise"].transpose(2, 0, 1)[:, None]
        arrays.append(_constant(f"{layer.name}.depthwise", depthwise))
        inputs, source = [source, f"{layer.name}.depthwise"], f"{layer.name}.spread"
        nodes.append(helper.make_node("Conv", inputs, [source], group=len(depthwise), **stride))
        stride = {}
    kernel = weights[f"{layer.name}.kernel"].transpose(3, 2, 0, 1)
    arrays.append(_constant(f"{layer.name}.kernel", kernel))
    arrays.append(_constant(f"{layer.name}.bias", weights[f"{layer.name}.bias"]))
    inputs = [source, f"{layer.name}.kernel", f"{layer.name}.bias"]
    output = layer.name if layer.head else f"{layer.name}.linear"
    nodes.append(helper.make_node("Conv", inputs, [output], **stride))
    if not layer.head:
        nodes.append(helper.make_node("Relu", [output], [layer.name]))
    return nodes


def _constant(name: str, values: npt.ArrayLike) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)


def _output(name: str, count: int, side: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", count, side, side])
