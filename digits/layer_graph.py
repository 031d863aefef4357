"""The ONNX graph of the layers of `digits.layers`, in the runtime."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.layers import Conv, Double, Layer
from digits.onnx_graph import Graph, open_session
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
    graph = Graph()
    for layer in layers:
        _add(graph, layer, weights)
    heads = [layer.name for layer in layers if isinstance(layer, Conv) and layer.head]
    if softmax:
        for head in heads:
            graph.node("Softmax", [head], f"{head}.shares", axis=1)
        heads = [f"{head}.shares" for head in heads]
    ((source, channels),) = inputs.items()
    model = graph.model({source: ("N", channels, "h", "w")}, dict.fromkeys(heads))
    session = open_session(model)

    def run(planes: Planes) -> list[Planes]:
        made: list[Planes] = session.run(None, {source: planes})
        return made

    return run


def as_planes(picture: Picture) -> Planes:
    """Turn `(h, w, 3)` uint8 into `(1, 3, h, w)` float32 in `[0, 1]`."""
    return np.asarray(cv2.dnn.blobFromImage(picture, 1 / 255))


def _add(graph: Graph, layer: Layer, weights: Weights) -> None:
    if isinstance(layer, Conv):
        _add_convolution(graph, layer, weights)
    elif isinstance(layer, Double):
        graph.node(
            "Resize",
            [layer.source, "", graph.constant(f"{layer.name}.factors", _TWICE)],
            layer.name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    else:
        graph.node("Add", [layer.source, layer.other], layer.name)


def _add_convolution(graph: Graph, layer: Conv, weights: Weights) -> None:
    source, stride = layer.source, {"auto_pad": "SAME_UPPER", "strides": layer.stride}
    if layer.separable:
        depthwise = weights[f"{layer.name}.depthwise"].transpose(2, 0, 1)[:, None]
        name = graph.constant(f"{layer.name}.depthwise", depthwise)
        graph.node("Conv", [source, name], f"{layer.name}.spread", group=len(depthwise), **stride)
        source, stride = f"{layer.name}.spread", {}
    kernel = weights[f"{layer.name}.kernel"].transpose(3, 2, 0, 1)
    kernel_name = graph.constant(f"{layer.name}.kernel", kernel)
    bias = graph.constant(f"{layer.name}.bias", weights[f"{layer.name}.bias"])
    output = layer.name if layer.head else f"{layer.name}.linear"
    graph.node("Conv", [source, kernel_name, bias], output, **stride)
    if not layer.head:
        graph.node("Relu", [output], layer.name)
