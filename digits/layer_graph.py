"""The ONNX graph of the layers of `digits.layers`, in the runtime."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from digits.layers import Conv, Double, Layer
from digits.onnx_graph import IR_VERSION, OPSET, open_session
from digits.pictures import Picture

Weights = Mapping[str, npt.NDArray[np.float32]]
"""By the names of `digits.layers.shapes`."""

Planes = npt.NDArray[np.float32]
"""`(N, channels, h, w)` float32."""

Heads = Callable[[Planes], list[Planes]]
"""From what the first layer reads, `(N, channels, h, w)` float32 in `[0, 1]`, to each head."""

_TWICE: Final = np.array([1, 1, 2, 2], np.float32)


def open_heads(
    layers: Sequence[Layer], inputs: Mapping[str, int], weights: Weights, *, softmax: bool = False
) -> Heads:
    """Start the runtime for a network.

    Args:
        layers: The network; its heads are the outputs, in their order.
        inputs: Name and number of channels of what the first layer reads.
        weights: By the names of `digits.layers.shapes`.
        softmax: Whether the heads give probabilities, by channel, rather than logits.
    """
    arrays: list[onnx.TensorProto] = []
    nodes = _nodes(layers, weights, arrays)
    heads = [layer.name for layer in layers if isinstance(layer, Conv) and layer.head]
    if softmax:
        nodes += [helper.make_node("Softmax", [head], [f"{head}.shares"], axis=1) for head in heads]
        heads = [f"{head}.shares" for head in heads]
    ((source, channels),) = inputs.items()
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["N", channels, "h", "w"])],
        [helper.make_tensor_value_info(head, TensorProto.FLOAT, None) for head in heads],
        arrays,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    session = open_session(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION))

    def run(planes: Planes) -> list[Planes]:
        made: list[Planes] = session.run(None, {source: planes})
        return made

    return run


def as_planes(picture: Picture) -> Planes:
    """Turn `(h, w, 3)` uint8 into `(1, 3, h, w)` float32 in `[0, 1]`."""
    return np.asarray(cv2.dnn.blobFromImage(picture, 1 / 255))


def _nodes(
    layers: Sequence[Layer], weights: Weights, arrays: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return the nodes of some layers, and add their weights to `arrays`."""
    nodes: list[onnx.NodeProto] = []
    for layer in layers:
        if isinstance(layer, Conv):
            nodes += _convolution(layer, weights, arrays)
        elif isinstance(layer, Double):
            factors = f"{layer.name}.factors"
            arrays.append(_constant(factors, _TWICE))
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


def _constant(name: str, values: npt.NDArray[np.float32]) -> onnx.TensorProto:
    """Store numbers in a graph."""
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
