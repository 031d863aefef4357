"""The finder's architecture, as data.

Training builds a Keras model from it (`training.keras_finder`), the app an ONNX graph
(`digits.segmentation.graph`). A layer names what it reads, so that the network may have skips.
"""

from dataclasses import dataclass
from typing import Final

PICTURE: Final = "picture"
"""What the first layer reads: `(N, 384, 384, 3)` float32 in `[0, 1]`."""

CLASSES: Final = 4
"""Nothing, ink of digits, other writing, lines and boxes."""


@dataclass(frozen=True)
class Conv:
    """Convolution with "same" padding, batch normalization and ReLU.

    Attributes:
        name: Of its output, and the prefix of its weights.
        source: Name of the layer that it reads.
        filters: Number of channels that come out.
        kernel: Side of the kernel.
        stride: Step between places.
        separable: Whether it is depthwise and then pointwise.
        head: Whether it is an output: neither normalization nor ReLU.
    """

    name: str
    source: str
    filters: int
    kernel: int = 3
    stride: int = 1
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


def _block(name: str, source: str, filters: int) -> tuple[Layer, ...]:
    """Return a separable convolution that adds to what it reads."""
    return (
        Conv(f"{name}_step", source, filters, kernel=5, separable=True),
        Add(name, source, f"{name}_step"),
    )


def _up(name: str, source: str, skip: str, filters: int) -> tuple[Layer, ...]:
    """Return layers that bring one level to the next finer one and add that level's own."""
    return (
        Conv(f"{name}_narrow", source, filters, kernel=1),
        Double(f"{name}_double", f"{name}_narrow"),
        Add(name, f"{name}_double", skip),
    )


LAYERS: Final[tuple[Layer, ...]] = (
    Conv("stem", PICTURE, 16, kernel=5, stride=2),
    Conv("down2", "stem", 24, stride=2),
    Conv("body2_step", "down2", 24),
    Add("level2", "down2", "body2_step"),
    Conv("down3", "level2", 40, stride=2),
    *_block("body3", "down3", 40),
    *_block("level3", "body3", 40),
    Conv("down4", "level3", 56, stride=2),
    *_block("body4", "down4", 56),
    *_block("level4", "body4", 56),
    Conv("down5", "level4", 64, stride=2),
    *_block("body5", "down5", 64),
    *_block("level5", "body5", 64),
    *_up("up4", "level5", "level4", 56),
    *_block("fine4", "up4", 56),
    *_up("up3", "fine4", "level3", 40),
    *_block("fine3", "up3", 40),
    *_up("up2", "fine3", "level2", 24),
    Conv("fine2", "up2", 24),
    Conv("centre_step", "fine2", 16),
    Conv("centres", "centre_step", 2, kernel=1, head=True),
    *_up("up1", "fine2", "stem", 16),
    Conv("fine1", "up1", 16),
    Conv("classes", "fine1", CLASSES, kernel=1, head=True),
)
"""The network; its outputs are `classes` (logits) and `centres` (logit, log of the height)."""


def channels() -> dict[str, int]:
    """Return the number of channels of every layer's output."""
    counts = {PICTURE: 3}
    for layer in LAYERS:
        counts[layer.name] = layer.filters if isinstance(layer, Conv) else counts[layer.source]
    return counts


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every array of the weights; batch normalization is folded."""
    counts = channels()
    expected: dict[str, tuple[int, ...]] = {}
    for layer in LAYERS:
        if not isinstance(layer, Conv):
            continue
        read = counts[layer.source]
        side = layer.kernel
        if layer.separable:
            expected[f"{layer.name}.depthwise"] = (side, side, read)
            side = 1
        expected[f"{layer.name}.kernel"] = (side, side, read, layer.filters)
        expected[f"{layer.name}.bias"] = (layer.filters,)
    return expected
