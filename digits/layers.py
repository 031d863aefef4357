"""Layers of convolutional networks, as data.

A network is a tuple of layer records; each reads the previous one unless it names another. They
define the Keras model (`training.keras_networks`), the ONNX graph (`digits.onnx_graph`) and the
names and shapes of the weights (`shapes`). Neither Keras nor ONNX is imported here.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int, ...]

Sides: TypeAlias = tuple[int, int]
"""Rows and columns."""

Tensors: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Weights, by the names of `shapes`."""

BATCH_NORM_EPSILON: Final = 1e-3
"""Added to the variance; Keras' default, with which the weights were trained."""

_NORM: Final = ("gamma", "beta", "mean", "variance")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Position of a layer in the network.

    Attributes:
        name: Name of the layer and prefix of its weights; None for kind and number: `conv1`.
        source: Name of the layer that it reads; None for the previous one.
    """

    name: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Conv(_Place):
    """A convolution and ReLU.

    Attributes:
        filters: Number of output channels.
        kernel: Sides of the kernel in pixels.
        stride: Steps in pixels.
        padding: `same` pads as TensorFlow does (the odd pixel at the end); `valid` does not pad.
        separable: Whether it is a depthwise, then a pointwise convolution.
        batch_norm: Whether there is batch normalization before the ReLU, instead of a bias.
        activation: `linear` for logits.
    """

    filters: int
    kernel: Sides = (3, 3)
    stride: Sides = (1, 1)
    padding: Literal["same", "valid"] = "same"
    separable: bool = False
    batch_norm: bool = True
    activation: Literal["relu", "linear"] = "relu"

    def pads(self, shape: Shape) -> list[Sides]:
        """Return the padding of `(H, W, C)`: before and after its rows, then its columns."""
        if self.padding == "valid":
            return [(0, 0), (0, 0)]
        totals = [
            max(0, (-(-side // step) - 1) * step + size - side)
            for side, size, step in zip(shape[:2], self.kernel, self.stride, strict=True)
        ]
        return [(total // 2, total - total // 2) for total in totals]


@dataclass(frozen=True)
class Add(_Place):
    """The sum of two layers of the same shape.

    Attributes:
        other: Name of the second layer; the first is its source.
    """

    other: str


@dataclass(frozen=True)
class Double(_Place):
    """Twice the height and width, each pixel repeated."""


@dataclass(frozen=True)
class MaxPool(_Place):
    """The maximum of each square of `size` pixels."""

    size: int


@dataclass(frozen=True)
class Crop(_Place):
    """Remove `margin` pixels on each side."""

    margin: int


@dataclass(frozen=True)
class Flatten(_Place):
    """Flatten height, width and channels, channels last."""


@dataclass(frozen=True)
class GlobalAveragePool(_Place):
    """The mean of each channel."""


@dataclass(frozen=True)
class Dropout(_Place):
    """Drop this share of the features during training."""

    rate: float


@dataclass(frozen=True)
class Dense(_Place):
    """A fully connected layer."""

    units: int
    activation: Literal["relu", "softmax"]


Layer: TypeAlias = (
    Conv | Add | Double | MaxPool | Crop | Flatten | GlobalAveragePool | Dropout | Dense
)


@dataclass(frozen=True)
class Network:
    """An architecture.

    Attributes:
        layers: Its layers.
        input_shape: `(H, W, C)` of its input. Without a `Dense` layer, height and width may be any
            multiples of these.
        folded: Whether batch normalization is folded into the kernels of its stored weights.
    """

    layers: tuple[Layer, ...]
    input_shape: Shape
    folded: bool = False


@dataclass(frozen=True)
class ReceptiveField:
    """Receptive field of the points of a feature map, along either axis.

    Attributes:
        start: First pixel of the first point; below 0 in the padding.
        step: Distance between adjacent points in pixels.
        size: Number of pixels per point.
    """

    start: int = 0
    step: int = 1
    size: int = 1

    def after(self, kernel: int, stride: int, padding: int) -> "ReceptiveField":
        """Return the receptive field of a layer whose input has this one.

        Args:
            kernel: Side of the window in points.
            stride: Distance between adjacent windows in points.
            padding: Points before the first; below 0 for a crop.
        """
        return ReceptiveField(
            self.start - padding * self.step,
            self.step * stride,
            self.size + (kernel - 1) * self.step,
        )


@dataclass(frozen=True)
class Step:
    """A layer of a network, with its shapes.

    Attributes:
        name: Unique in its network: `conv1`, `dense2`, `flatten1`, ...
        layer: The record.
        sources: Names of its inputs.
        input_shape: `(H, W, C)` or `(features,)`, without the batch axis.
        output_shape: Likewise.
        field: Receptive field of its output; None if that is not a square.
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]
    input_shape: Shape
    output_shape: Shape
    field: ReceptiveField | None


def steps(network: Network, source: str = "input") -> Iterator[Step]:
    """Name the layers of a network and infer their shapes.

    Args:
        network: The architecture.
        source: Name of the network's input.
    """
    made: dict[str, tuple[Shape, ReceptiveField | None]] = {}
    made[source] = network.input_shape, ReceptiveField()
    counts: Counter[str] = Counter()
    for layer in network.layers:
        kind = type(layer).__name__.lower()
        counts[kind] += 1
        name, source = layer.name or f"{kind}{counts[kind]}", layer.source or source
        sources = (source, layer.other) if isinstance(layer, Add) else (source,)
        shape, field = made[source]
        made[name] = _after(layer, shape, field)
        yield Step(name, layer, sources, shape, *made[name])
        source = name


def _after(  # noqa: PLR0911 - one for each record
    layer: Layer, shape: Shape, field: ReceptiveField | None
) -> tuple[Shape, ReceptiveField | None]:
    """Return the shape and the receptive field of a layer's output."""
    match layer:
        case Conv(filters=filters, kernel=kernel, stride=stride):
            pads = layer.pads(shape)
            sides = (
                (side + sum(pad) - size) // step + 1
                for side, pad, size, step in zip(shape[:2], pads, kernel, stride, strict=True)
            )
            return (*sides, filters), field and field.after(kernel[0], stride[0], pads[0][0])
        case MaxPool(size=size):
            sides = (side // size for side in shape[:2])
            return (*sides, shape[2]), field and field.after(size, size, 0)
        case Crop(margin=margin):
            sides = (side - 2 * margin for side in shape[:2])
            return (*sides, shape[2]), field and field.after(1, 1, -margin)
        case Double():
            return (2 * shape[0], 2 * shape[1], shape[2]), None
        case Dropout():
            return shape, field
        case Add():
            return shape, None
        case Flatten():
            return (math.prod(shape),), None
        case GlobalAveragePool():
            return (shape[-1],), None
        case Dense(units=units):
            return (units,), None


def shapes(network: Network) -> dict[str, Shape]:
    """Return the shapes of a network's weights, in the layout of Keras.

    Returns:
        Shape by name, in the order of the layers: `conv1.kernel` `(H, W, in, out)` and `.bias`
        `(out,)`, or `.gamma`, `.beta`, `.mean`, `.variance` `(out,)` with batch normalization that
        is not folded; `.depthwise` `(H, W, in)` before the kernel of a separable convolution;
        `dense1.kernel` `(in, out)`, `dense1.bias`.
    """
    found: dict[str, Shape] = {}
    for step in steps(network):
        channels = step.input_shape[-1]
        match step.layer:
            case Conv(filters=filters, kernel=sides) as conv:
                if conv.separable:
                    found[f"{step.name}.depthwise"] = (*sides, channels)
                    sides = (1, 1)
                found[f"{step.name}.kernel"] = (*sides, channels, filters)
                vectors = _NORM if conv.batch_norm and not network.folded else ("bias",)
                found |= {f"{step.name}.{vector}": (filters,) for vector in vectors}
            case Dense(units=units):
                found[f"{step.name}.kernel"] = (channels, units)
                found[f"{step.name}.bias"] = (units,)
            case _:
                pass
    return found


def folded(tensors: Tensors) -> Tensors:
    """Fold batch normalization into the preceding kernels, unless already folded."""
    found = dict(tensors)
    for name in [key.removesuffix(".gamma") for key in tensors if key.endswith(".gamma")]:
        gamma, beta, mean, variance = (found.pop(f"{name}.{vector}") for vector in _NORM)
        scale = gamma / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))
        found[f"{name}.kernel"] = tensors[f"{name}.kernel"] * scale
        found[f"{name}.bias"] = beta - mean * scale
    return found
