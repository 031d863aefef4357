"""Layers of convolutional networks, as data.

A layer names what it reads, so that a network may have skips. Training builds a Keras model from
them (`training.keras_layers`), the app an ONNX graph (`digits.layer_graph`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

Side = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True)
class Conv:
    """Convolution with "same" padding, batch normalization and ReLU.

    Attributes:
        name: Of its output, and the prefix of its weights.
        source: Name of the layer that it reads.
        filters: Number of channels that come out.
        kernel: Sides of the kernel.
        stride: Steps between places.
        separable: Whether it is depthwise and then pointwise.
        head: Whether it is an output: neither normalization nor ReLU.
    """

    name: str
    source: str
    filters: int
    kernel: Side = (3, 3)
    stride: Side = (1, 1)
    separable: bool = False
    head: bool = False


@dataclass(frozen=True)
class Add:
    """The sum of two layers of one shape."""

    name: str
    source: str
    other: str


@dataclass(frozen=True)
class Double:
    """Twice the height and width, each pixel repeated."""

    name: str
    source: str


Layer = Conv | Add | Double


def shapes(layers: Sequence[Layer], inputs: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every array of the weights; batch normalization is folded.

    `inputs` is the number of channels of what the first layers read, by name.
    """
    channels = dict(inputs)
    expected: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        read = channels[layer.source]
        if not isinstance(layer, Conv):
            channels[layer.name] = read
            continue
        channels[layer.name] = layer.filters
        side = layer.kernel
        if layer.separable:
            expected[f"{layer.name}.depthwise"] = (*side, read)
            side = (1, 1)
        expected[f"{layer.name}.kernel"] = (*side, read, layer.filters)
        expected[f"{layer.name}.bias"] = (layer.filters,)
    return expected
