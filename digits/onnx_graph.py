"""The ONNX graph of a network, built from its layer records and weights.

Batch normalization is folded into the convolution before it, the temperature into the last layer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from digits.networks import (
    IMAGE_SHAPE,
    Conv,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Network,
    Step,
    class_count,
    padding,
    steps,
)

FloatArray: TypeAlias = npt.NDArray[np.float32]
Tensors: TypeAlias = Mapping[str, FloatArray]

Shape: TypeAlias = Sequence[int | str]
"""Sides of an array, or names where any length will do."""

INPUT: Final = "images"
LOGITS: Final = "logits"
PROBABILITIES: Final = "probabilities"

BATCH_NORM_EPSILON: Final = 1e-3
"""Added to the variance; Keras' default, which the trained weights assume."""

OPSET: Final = 17
IR_VERSION: Final = 8
"""Versions of 2022: every maintained runtime reads them."""


def open_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Start the runtime for a model, on one core and without an arena."""
    options = onnxruntime.SessionOptions()
    # One core computes so small a network sooner than several share it.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena keeps the memory of the largest batch for ever.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def build(
    network: Network,
    tensors: Tensors,
    temperature: float = 1.0,
    outputs: Sequence[str] = (PROBABILITIES,),
) -> onnx.ModelProto:
    """Build the graph that computes calibrated probabilities.

    Args:
        network: The layer records.
        tensors: Float32 weights, named and shaped as `digits.networks.shapes` says.
        temperature: Divides the logits.
        outputs: Of `PROBABILITIES`, `LOGITS`, and names of `digits.networks.steps` with a
            convolution, a pool or ReLU.

    Returns:
        A model from `INPUT`, `(N, 28, 28, 1)` float32 in `[0, 1]`, to `outputs`, float32: `(N, C)`,
        and `(N, C, H, W)` for feature maps; logits are divided by the temperature.
    """
    graph = _Classifier(tensors, temperature)
    shapes: dict[str, Shape] = dict.fromkeys((PROBABILITIES, LOGITS), ("N", class_count(network)))
    for step in steps(network):
        graph.add(step)
        *sides, channels = step.output_shape
        shapes[step.name] = ("N", channels, *sides)
    return graph.model({INPUT: ("N", *IMAGE_SHAPE)}, {name: shapes[name] for name in outputs})


class Graph:
    """Nodes, each named as its output, and the constants that they read."""

    def __init__(self) -> None:
        """Begin without any."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:  # noqa: ANN401 - ONNX's
        """Add a node."""
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def constant(self, name: str, array: FloatArray | npt.NDArray[np.int64]) -> str:
        """Add a constant and return its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def model(
        self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape | None]
    ) -> onnx.ModelProto:
        """Return the model; what goes in and comes out is float32."""
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


class _Classifier(Graph):
    """Nodes in a chain, each fed by the one before; images are `(N, C, H, W)`, as in ONNX."""

    def __init__(self, tensors: Tensors, temperature: float) -> None:
        super().__init__()
        self._tensors = tensors
        self._temperature = np.float32(temperature)
        self._last = INPUT
        self._flattened_from: tuple[int, ...] = ()
        height, width, depth = IMAGE_SHAPE
        shape = self.constant("reshape", np.array((-1, depth, height, width), np.int64))
        self._chain("Reshape", shape, output="reshape0")

    def add(self, step: Step) -> None:
        match step.layer:
            case Conv() as layer:
                self._conv(step, layer)
            case MaxPool(size=size):
                sides = [size, size]
                self._chain("MaxPool", output=step.name, kernel_shape=sides, strides=sides)
            case Crop(margin=margin):
                height, width = step.input_shape[:2]
                starts = self.constant(f"{step.name}.starts", np.array([margin, margin]))
                ends = np.array([height - margin, width - margin])
                axes = self.constant(f"{step.name}.axes", np.array([2, 3]))
                self._chain(
                    "Slice", starts, self.constant(f"{step.name}.ends", ends), axes,
                    output=step.name,
                )  # fmt: skip
            case Flatten():
                self._flattened_from = step.input_shape
                self._chain("Flatten", output=step.name, axis=1)
            case GlobalAveragePool():
                self._chain("ReduceMean", output=step.name, axes=[2, 3], keepdims=0)
            case Dropout():
                pass
            case Dense() as layer:
                self._dense(step, layer)

    def _conv(self, step: Step, layer: Conv) -> None:
        kernel = self._tensors[f"{step.name}.kernel"]
        if layer.batch_norm:
            gamma, beta, mean, variance = (
                self._tensors[f"{step.name}.{vector}"]
                for vector in ("gamma", "beta", "mean", "variance")
            )
            scale = gamma / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))
            kernel, bias = kernel * scale, beta - mean * scale
        else:
            bias = self._tensors[f"{step.name}.bias"]
        # Rows and columns before the image, then those after it.
        before, after = zip(*(padding(layer, side) for side in step.input_shape[:2]), strict=True)
        self._chain(
            "Conv",
            self.constant(f"{step.name}.kernel", kernel.transpose(3, 2, 0, 1)),
            self.constant(f"{step.name}.bias", bias),
            output=f"{step.name}.sum",
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[*before, *after],
        )
        self._chain("Relu", output=step.name)

    def _dense(self, step: Step, layer: Dense) -> None:
        kernel, bias = (self._tensors[f"{step.name}.{name}"] for name in ("kernel", "bias"))
        if len(self._flattened_from) == 3:
            # Keras flattens with the channels last, ONNX with the channels first.
            kernel = kernel.reshape(*self._flattened_from, -1).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(-1, layer.units)
        self._flattened_from = ()
        is_last = layer.activation == "softmax"
        if is_last:
            kernel, bias = kernel / self._temperature, bias / self._temperature
        self._chain(
            "Gemm",
            self.constant(f"{step.name}.kernel", kernel),
            self.constant(f"{step.name}.bias", bias),
            output=LOGITS if is_last else f"{step.name}.sum",
        )
        if is_last:
            self._chain("Softmax", output=PROBABILITIES, axis=1)
        else:
            self._chain("Relu", output=step.name)

    def _chain(self, kind: str, *inputs: str, output: str, **attributes: Any) -> None:  # noqa: ANN401 - ONNX's
        self.node(kind, [self._last, *inputs], output, **attributes)
        self._last = output
