"""The networks, as data: the one place where an architecture stands.

A network is a tuple of layer records. `training.keras_networks` builds the Keras model from it,
`digits.onnx_graph` the ONNX graph, and names and shapes of the weights follow from it (`shapes`).
Neither Keras nor ONNX is imported here.

Every network takes `(N, 28, 28, 1)` float32 images in `[0, 1]` (0 paper, 1 full ink) and returns
probabilities: `(N, 10)` by digit, or `(N, 11)` where class 10 means "not a digit".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

IMAGE_SHAPE: Final = (28, 28, 1)
NOT_A_DIGIT: Final = 10

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Conv:
    """A square convolution and ReLU.

    Attributes:
        filters: Number of output channels.
        kernel: Side of the kernel in pixels.
        stride: Step in pixels.
        padding: `same` pads as TensorFlow does (the odd pixel at the end); `valid` does not pad.
        batch_norm: Batch normalization between convolution and ReLU, instead of a bias.
    """

    filters: int
    kernel: int = 3
    stride: int = 1
    padding: Literal["same", "valid"] = "valid"
    batch_norm: bool = False


@dataclass(frozen=True)
class MaxPool:
    """The maximum of each square of `size` pixels."""

    size: int


@dataclass(frozen=True)
class Crop:
    """Cut `margin` pixels off each side."""

    margin: int


@dataclass(frozen=True)
class Flatten:
    """Height, width and channels to one axis, channels fastest."""


@dataclass(frozen=True)
class GlobalAveragePool:
    """The mean of each channel."""


@dataclass(frozen=True)
class Dropout:
    """Drop this share of the features while training."""

    rate: float


@dataclass(frozen=True)
class Dense:
    """A fully connected layer."""

    units: int
    activation: Literal["relu", "softmax"]


Layer: TypeAlias = Conv | MaxPool | Crop | Flatten | GlobalAveragePool | Dropout | Dense
Network: TypeAlias = tuple[Layer, ...]


def _norm(filters: int, kernel: int = 3, stride: int = 1) -> Conv:
    return Conv(filters, kernel, stride, padding="same", batch_norm=True)


_TWO_CONVOLUTIONS: Final = (Conv(32), MaxPool(2), Conv(64), MaxPool(2))
_DENSE128: Final = (*_TWO_CONVOLUTIONS, Flatten(), Dense(128, "relu"), Dense(10, "softmax"))

NETWORKS: Final[dict[str, Network]] = {
    # Strided convolutions keep the cost where the image is small; the global average lets a digit
    # sit a pixel off without changing the answer.
    "conv7": (
        _norm(16),
        _norm(32, stride=2),
        _norm(48),
        _norm(48),
        _norm(96, stride=2),
        _norm(96),
        _norm(96),
        GlobalAveragePool(),
        Dropout(0.2),
        Dense(11, "softmax"),
    ),
    "dense128": _DENSE128,
    "dropout": (*_TWO_CONVOLUTIONS, Flatten(), Dropout(0.5), Dense(10, "softmax")),
    # The layers of dense128; its recipe differs, with one-hot labels.
    "dense128-onehot": _DENSE128,
    "fnn": (Flatten(), Dense(256, "relu"), Dense(128, "relu"), Dense(10, "softmax")),
    "conv3": (
        *_TWO_CONVOLUTIONS,
        Conv(64),
        Flatten(),
        Dense(64, "relu"),
        Dense(10, "softmax"),
    ),
    # The quickest to 99 %. The outer two pixels hold 0.24 % of the ink of MNIST's training images.
    "strided3": (
        Crop(2),
        _norm(16, kernel=5, stride=2),
        _norm(32, kernel=5, stride=2),
        _norm(64, stride=2),
        Flatten(),
        Dense(10, "softmax"),
    ),
}
DEFAULT_NETWORK: Final = "conv7"


def find(name: str) -> Network:
    """Look a network up.

    Raises:
        ValueError: If there is no network of this name.
    """
    if name not in NETWORKS:
        raise ValueError(f"Expected a network of {', '.join(NETWORKS)}. Received: name={name!r}")
    return NETWORKS[name]


@dataclass(frozen=True)
class ReceptiveField:
    """Which pixels of the image the points of a feature map look at, along either axis.

    Attributes:
        start: First pixel of the first point; below 0 in the padding.
        step: Pixels from one point to the next.
        size: Number of pixels of one point.
    """

    start: int = 0
    step: int = 1
    size: int = 1

    def after(self, kernel: int, stride: int, padding: int) -> "ReceptiveField":
        """Return the field of a layer that looks at `kernel` points of this one.

        Args:
            kernel: Side of the window in points.
            stride: Points from one window to the next.
            padding: Points before the first; below 0 cuts some off.
        """
        return ReceptiveField(
            self.start - padding * self.step,
            self.step * stride,
            self.size + (kernel - 1) * self.step,
        )


@dataclass(frozen=True)
class Step:
    """A layer in its place.

    Attributes:
        name: Unique in its network: `conv1`, `dense2`, `flatten1`, ...
        layer: The record.
        input_shape: `(H, W, C)` or `(features,)`, without the batch.
        output_shape: The same after the layer.
        field: What a point of its output looks at; None once there are no rows and columns.
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    field: ReceptiveField | None


def steps(network: Network) -> Iterator[Step]:
    """Name the layers of a network and follow the shape through them."""
    shape: Shape = IMAGE_SHAPE
    field: ReceptiveField | None = ReceptiveField()
    counts: dict[str, int] = {}
    for layer in network:
        kind = type(layer).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
        output, field = _after(layer, shape, field)
        yield Step(f"{kind}{counts[kind]}", layer, shape, output, field)
        shape = output


def padding(layer: Conv, side: int) -> tuple[int, int]:
    """Count the pixels padded before and after a side: as in TensorFlow, the odd one after."""
    if layer.padding == "valid":
        return 0, 0
    outputs = (side - 1) // layer.stride + 1
    total = max(0, (outputs - 1) * layer.stride + layer.kernel - side)
    return total // 2, total - total // 2


def _after(  # noqa: PLR0911 - one for each record
    layer: Layer, shape: Shape, field: ReceptiveField | None
) -> tuple[Shape, ReceptiveField | None]:
    """Return the shape of a layer's output, and what its points look at."""
    match layer:
        case Conv(filters=filters, kernel=kernel, stride=stride):
            window = kernel if layer.padding == "valid" else 1
            sides = ((side - window) // stride + 1 for side in shape[:2])
            before, _ = padding(layer, shape[0])
            return (*sides, filters), field and field.after(kernel, stride, before)
        case MaxPool(size=size):
            sides = (side // size for side in shape[:2])
            return (*sides, shape[2]), field and field.after(size, size, 0)
        case Crop(margin=margin):
            sides = (side - 2 * margin for side in shape[:2])
            return (*sides, shape[2]), field and field.after(1, 1, -margin)
        case Dropout():
            return shape, field
        case Flatten():
            return (math.prod(shape),), None
        case GlobalAveragePool():
            return (shape[-1],), None
        case Dense(units=units):
            return (units,), None


def shapes(network: Network) -> dict[str, Shape]:
    """List the tensors of a network's weights, in Keras' layouts.

    Returns:
        Shape by name, in the order of the layers: `conv1.kernel` `(H, W, in, out)`, `conv1.bias`,
        or `conv1.gamma`, `.beta`, `.mean`, `.variance` `(out,)` with batch normalization;
        `dense1.kernel` `(in, out)`, `dense1.bias`.
    """
    found: dict[str, Shape] = {}
    for step in steps(network):
        match step.layer:
            case Conv(filters=filters, kernel=side, batch_norm=batch_norm):
                found[f"{step.name}.kernel"] = (side, side, step.input_shape[-1], filters)
                vectors = ("gamma", "beta", "mean", "variance") if batch_norm else ("bias",)
                found |= {f"{step.name}.{vector}": (filters,) for vector in vectors}
            case Dense(units=units):
                found[f"{step.name}.kernel"] = (*step.input_shape, units)
                found[f"{step.name}.bias"] = (units,)
            case _:
                pass
    return found


def class_count(network: Network) -> int:
    """Number of outputs: 10, or 11 with "not a digit"."""
    *_, last = steps(network)
    return last.output_shape[0]


def parameter_count(network: Network) -> int:
    """Number of all weights, batch normalization's averages included."""
    return sum(map(math.prod, shapes(network).values()))
