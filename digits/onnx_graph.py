"""ONNX graphs of networks, built from layer records and weights, and run in ONNX Runtime.

Batch normalization is folded into the preceding convolution, the temperature into the last layer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from digits import layers
from digits.layers import Conv, Dense, Network, Shape, Step, Tensors
from digits.networks import calibrated, class_count

FloatArray: TypeAlias = npt.NDArray[np.float32]

Run: TypeAlias = Callable[[FloatArray], list[FloatArray]]
"""From the input of a model to all of its outputs."""

Sizes: TypeAlias = Sequence[int | str]
"""Shape of an array, with names for axes of any length."""

INPUT: Final = "images"
LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"

OPSET: Final = 17
IR_VERSION: Final = 8
"""Versions of 2022, supported by every maintained runtime."""

_TWICE: Final = np.array([1, 1, 2, 2], np.float32)


def start(model: onnx.ModelProto) -> Run:
    """Start a session for a model whose input is `INPUT`, on one core and without an arena."""
    options = onnxruntime.SessionOptions()
    # Such small networks run faster on one core than on several.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena never releases the memory of the largest batch.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda array: session.run(None, {INPUT: array})


def build(
    network: Network,
    tensors: Tensors,
    temperature: float = 1.0,
    outputs: Sequence[str] = (PROBABILITIES,),
) -> onnx.ModelProto:
    """Build the graph that computes calibrated probabilities.

    Args:
        network: One of `digits.networks.NETWORKS`.
        tensors: Float32 weights, named and shaped as in `digits.layers.shapes`.
        temperature: Divisor of the logits.
        outputs: `PROBABILITIES`, `LOGITS`, or names of `digits.layers.steps` with a convolution, a
            pool or ReLU.

    Returns:
        A model from `INPUT`, `(N, 28, 28, 1)` float32 in `[0, 1]`, to `outputs`, float32: `(N, C)`,
        or `(N, C, H, W)` for feature maps; logits are divided by the temperature.
    """
    graph = _Graph(calibrated(network, tensors, temperature))
    height, width, depth = network.input_shape
    shape = graph.constant("reshape", np.array((-1, depth, height, width), np.int64))
    planes = graph.node("Reshape", [INPUT, shape], "reshape0")
    sizes: dict[str, Sizes] = dict.fromkeys((PROBABILITIES, LOGITS), ("N", class_count(network)))
    for step in graph.add(network, planes):
        *sides, channels = step.output_shape
        sizes[step.name] = ("N", channels, *sides)
    inputs: dict[str, Sizes] = {INPUT: ("N", *network.input_shape)}
    return graph.model(inputs, {name: sizes[name] for name in outputs})


def open_heads(network: Network, tensors: Tensors, *, softmax: bool = False) -> Run:
    """Start a session for a fully convolutional network.

    Args:
        network: One of `digits.networks.BESIDE`; layers that no other layer reads are its heads.
        tensors: Float32 weights, named and shaped as in `digits.layers.shapes`.
        softmax: Whether the heads return probabilities, by channel, instead of logits.

    Returns:
        From the network's input, in `[0, 1]`, to each head; all `(N, channels, h, w)`.
    """
    graph = _Graph(tensors)
    added = graph.add(network, INPUT)
    read = {source for step in added for source in step.sources}
    heads = [step.name for step in added if step.name not in read]
    if softmax:
        heads = [graph.node("Softmax", [head], f"{head}.shares", axis=1) for head in heads]
    sizes = {INPUT: ("N", network.input_shape[-1], "h", "w")}
    return start(graph.model(sizes, dict.fromkeys(heads)))


class _Graph:
    """Nodes, named after their outputs, and constants; images are `(N, C, H, W)`, as in ONNX."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = layers.folded(tensors)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._flattened_from: Shape = ()

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX's
        """Add a node and return the name of its output."""
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: npt.NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def model(
        self, inputs: Mapping[str, Sizes], outputs: Mapping[str, Sizes | None]
    ) -> onnx.ModelProto:
        """Return the model; inputs and outputs are float32."""
        received, returned = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, side[name]) for name in side]
            for side in (inputs, outputs)
        )
        return helper.make_model(
            helper.make_graph(self._nodes, "digits", received, returned, self._constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="digits",
        )

    def add(self, network: Network, source: str) -> list[Step]:
        """Add the layers of a network whose input is `source`, and return them."""
        kept = tuple(each for each in network.layers if not isinstance(each, layers.Dropout))
        added = list(layers.steps(Network(kept, network.input_shape), source))
        for step in added:
            self._add(step, *step.sources)
        return added

    def _add(self, step: Step, source: str, *others: str) -> None:
        match step.layer:
            case Conv() as layer:
                self._conv(step, layer, source)
            case Dense() as layer:
                self._dense(step, layer, source)
            case layers.Add():
                self.node("Add", [source, *others], step.name)
            case layers.Double():
                self.node(
                    "Resize",
                    [source, "", self.constant(f"{step.name}.factors", _TWICE)],
                    step.name,
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            case layers.MaxPool(size=size):
                sides = [size, size]
                self.node("MaxPool", [source], step.name, kernel_shape=sides, strides=sides)
            case layers.Crop(margin=margin):
                height, width = (side - margin for side in step.input_shape[:2])
                numbers = {"starts": [margin, margin], "axes": [2, 3], "ends": [height, width]}
                starts, axes, ends = (
                    self.constant(f"{step.name}.{name}", np.array(values))
                    for name, values in numbers.items()
                )
                self.node("Slice", [source, starts, ends, axes], step.name)
            case layers.Flatten():
                self._flattened_from = step.input_shape
                self.node("Flatten", [source], step.name, axis=1)
            case layers.GlobalAveragePool():
                self.node("ReduceMean", [source], step.name, axes=[2, 3], keepdims=0)

    def _conv(self, step: Step, layer: Conv, source: str) -> None:
        # Rows and columns before the image, then those after it.
        before, after = zip(*layer.pads(step.input_shape), strict=True)
        window = {"kernel_shape": layer.kernel, "strides": layer.stride, "pads": [*before, *after]}
        if layer.separable:
            name, spread = f"{step.name}.depthwise", f"{step.name}.spread"
            depthwise = self._tensors[name].transpose(2, 0, 1)[:, None]
            inputs = [source, self.constant(name, depthwise)]
            source = self.node("Conv", inputs, spread, group=len(depthwise), **window)
            window = {}
        kernel = self._tensors[f"{step.name}.kernel"].transpose(3, 2, 0, 1)
        self._weighted(step.name, layer, source, kernel, **window)

    def _dense(self, step: Step, layer: Dense, source: str) -> None:
        kernel = self._tensors[f"{step.name}.kernel"]
        if len(self._flattened_from) == 3:
            # Keras flattens with channels last, ONNX with channels first.
            kernel = kernel.reshape(*self._flattened_from, -1).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(-1, layer.units)
        self._flattened_from = ()
        self._weighted(step.name, layer, source, kernel)

    def _weighted(
        self,
        name: str,
        layer: Conv | Dense,
        source: str,
        kernel: FloatArray,
        **window: Any,  # noqa: ANN401 - ONNX's
    ) -> None:
        """Add a layer with its kernel, in ONNX's layout, bias and activation."""
        inputs = [source, self.constant(f"{name}.kernel", kernel)]
        inputs.append(self.constant(f"{name}.bias", self._tensors[f"{name}.bias"]))
        output = {"relu": f"{name}.sum", "linear": name, "softmax": LOGITS}[layer.activation]
        self.node("Conv" if isinstance(layer, Conv) else "Gemm", inputs, output, **window)
        if layer.activation == "relu":
            self.node("Relu", [output], name)
        elif layer.activation == "softmax":
            self.node("Softmax", [output], PROBABILITIES, axis=1)
