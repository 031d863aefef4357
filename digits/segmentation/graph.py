"""The finder as an ONNX graph, from its layers and weights."""

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
    nodes: list[onnx.NodeProto] = []
    arrays = [constant("full_scale", np.float32(1 / 255))]
    nodes += [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "full_scale"], [PICTURE]),
    ]
    nodes += layer_nodes(LAYERS, weights, arrays)
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


def _output(name: str, count: int, side: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", count, side, side])
