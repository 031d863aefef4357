"""The finder as an ONNX graph, and how graphs take a picture."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from digits.layer_graph import Weights, constant, layer_nodes
from digits.onnx_graph import IR_VERSION, OPSET
from digits.segmentation.letterbox import SIDE
from digits.segmentation.network import CLASSES, LAYERS, PICTURE


def build(weights: Weights) -> onnx.ModelProto:
    """Build the graph.

    Args:
        weights: By the names of `digits.layers.shapes`.

    Returns:
        A model. It reads `pixels`, `(N, 384, 384, 3)` uint8 RGB, and gives
        `classes`, `(N, 4, 192, 192)` float32 probabilities, and `centres`, `(N, 2, 96, 96)`
        float32: the probability of a digit's centre, and the logarithm of the digit's height.
    """
    nodes, arrays = scale_pixels(PICTURE)
    nodes += [
        *layer_nodes(LAYERS, weights, arrays),
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


def scale_pixels(planes: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Return the nodes from `pixels`, `(N, h, w, 3)` uint8, to planes of `[0, 1]`, and arrays.

    Args:
        planes: Name of the result, `(N, 3, h, w)` float32.
    """
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["levels"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["levels", "full_scale"], [planes]),
    ]
    return nodes, [constant("full_scale", np.float32(1 / 255))]


def _output(name: str, count: int, side: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", count, side, side])
