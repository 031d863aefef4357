"""The architectures of the project's networks, as data.

`NETWORKS` classify a digit: each takes `(N, 28, 28, 1)` float32 images in `[0, 1]` (0 paper, 1 full
ink) and returns probabilities: `(N, 10)` by digit, or `(N, 11)` where class 10 is "not a digit".
`BESIDE` holds the three that find digits in a picture, separate their ink and read lines.
"""

import math
from typing import Final

import numpy as np

from digits.layers import (
    Add,
    Conv,
    Crop,
    Dense,
    Double,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool,
    Network,
    Sides,
    Tensors,
    shapes,
    steps,
)

IMAGE_SHAPE: Final = (28, 28, 1)
NOT_A_DIGIT: Final = 10


def _plain(filters: int) -> Conv:
    return Conv(filters, padding="valid", batch_norm=False)


_TWO_CONVOLUTIONS: Final = (_plain(32), MaxPool(2), _plain(64), MaxPool(2))
_DENSE128: Final = (*_TWO_CONVOLUTIONS, Flatten(), Dense(128, "relu"), Dense(10, "softmax"))

_LAYERS: Final[dict[str, tuple[Layer, ...]]] = {
    # Strided convolutions keep the image, and so the cost, small; because of the global average, a
    # shift by a pixel does not change the answer.
    "conv7": (
        Conv(16),
        Conv(32, stride=(2, 2)),
        Conv(48),
        Conv(48),
        Conv(96, stride=(2, 2)),
        Conv(96),
        Conv(96),
        GlobalAveragePool(),
        Dropout(0.2),
        Dense(11, "softmax"),
    ),
    "dense128": _DENSE128,
    "dropout": (*_TWO_CONVOLUTIONS, Flatten(), Dropout(0.5), Dense(10, "softmax")),
    # Same layers as dense128; its training recipe differs, with one-hot labels.
    "dense128-onehot": _DENSE128,
    "fnn": (Flatten(), Dense(256, "relu"), Dense(128, "relu"), Dense(10, "softmax")),
    "conv3": (
        *_TWO_CONVOLUTIONS,
        _plain(64),
        Flatten(),
        Dense(64, "relu"),
        Dense(10, "softmax"),
    ),
    # The fastest with 99 %. The outer two pixels hold 0.24 % of the ink of MNIST's training images.
    "strided3": (
        Crop(2),
        Conv(16, kernel=(5, 5), stride=(2, 2)),
        Conv(32, kernel=(5, 5), stride=(2, 2)),
        Conv(64, stride=(2, 2)),
        Flatten(),
        Dense(10, "softmax"),
    ),
}
NETWORKS: Final = {name: Network(layers, IMAGE_SHAPE) for name, layers in _LAYERS.items()}
DEFAULT_NETWORK: Final = "conv7"

FINDER: Final = "finder"
EXTRACTOR: Final = "extractor"
LINE_READER: Final = "line_reader"

PIXEL_CLASSES: Final = 4
"""Of finder and extractor: nothing, ink of digits, other writing, lines and boxes."""

BLANK: Final = NOT_A_DIGIT + 1
"""The CTC blank of the line reader, after ten digits and other writing."""

COLUMN_STEP: Final = 2
"""Columns of the line reader's frame per column of its output."""


def _residual(
    name: str, source: str, filters: int, kernel: Sides = (5, 5), *, separable: bool = True
) -> tuple[Layer, ...]:
    """Return a residual convolution after the layer `source`."""
    convolution = Conv(filters, kernel, separable=separable, name=f"{name}_step")
    return convolution, Add(source, name=name)


def _up(name: str, source: str, skip: str, filters: int) -> tuple[Layer, ...]:
    """Return layers that upsample a level and add the skip connection of the next finer one."""
    return (
        Conv(filters, (1, 1), name=f"{name}_narrow", source=source),
        Double(name=f"{name}_double"),
        Add(skip, name=name),
    )


def _head(name: str, filters: int) -> Conv:
    return Conv(filters, (1, 1), batch_norm=False, activation="linear", name=name)


# Input: `(N, 384, 384, 3)`. `centers` are logit and logarithm of the height, `classes` logits.
_FINDER: Final = (
    Conv(16, (5, 5), (2, 2), name="stem"),
    Conv(24, stride=(2, 2), name="down2"),
    Conv(24, name="body2_step"),
    Add("down2", name="level2"),
    Conv(40, stride=(2, 2), name="down3"),
    *_residual("body3", "down3", 40),
    *_residual("level3", "body3", 40),
    Conv(56, stride=(2, 2), name="down4"),
    *_residual("body4", "down4", 56),
    *_residual("level4", "body4", 56),
    Conv(64, stride=(2, 2), name="down5"),
    *_residual("body5", "down5", 64),
    *_residual("level5", "body5", 64),
    *_up("up4", "level5", "level4", 56),
    *_residual("fine4", "up4", 56),
    *_up("up3", "fine4", "level3", 40),
    *_residual("fine3", "up3", 40),
    *_up("up2", "fine3", "level2", 24),
    Conv(24, name="fine2"),
    Conv(16, name="centre_step"),
    _head("centres", 2),
    *_up("up1", "fine2", "stem", 16),
    Conv(16, name="fine1"),
    _head("classes", PIXEL_CLASSES),
)

# Input: pictures whose digits are about 40 pixels high. `classes` are logits of each pixel.
_EXTRACTOR: Final = (
    Conv(12, name="stem"),
    Conv(24, stride=(2, 2), name="down1"),
    Conv(24, name="level1"),
    Conv(40, stride=(2, 2), name="down2"),
    *_residual("body2", "down2", 40),
    *_residual("level2", "body2", 40),
    Conv(56, stride=(2, 2), name="down3"),
    *_residual("body3", "down3", 56),
    *_residual("level3", "body3", 56),
    Conv(72, stride=(2, 2), name="down4"),
    *_residual("body4", "down4", 72),
    *_residual("level4", "body4", 72),
    *_up("up3", "level4", "level3", 56),
    *_residual("fine3", "up3", 56),
    *_up("up2", "fine3", "level2", 40),
    *_residual("fine2", "up2", 40),
    *_up("up1", "fine2", "level1", 24),
    Conv(24, name="fine1"),
    *_up("up0", "fine1", "stem", 12),
    Conv(12, name="fine0"),
    _head("classes", PIXEL_CLASSES),
)

# Input: lines, `(N, 32, w, 1)`. Strided convolutions reduce the rows to one; the rest works along
# the line. `columns` are logits, `(N, 1, w / 2, 12)`.
_LINE_READER: Final = (
    Conv(24, (5, 5), (2, COLUMN_STEP), name="stem"),
    Conv(40, stride=(2, 1), name="down8"),
    *_residual("body8", "down8", 40, (3, 3), separable=False),
    Conv(72, stride=(2, 1), name="down4"),
    *_residual("body4", "down4", 72),
    Conv(96, stride=(2, 1), name="down2"),
    *_residual("body2", "down2", 96),
    Conv(128, stride=(2, 1), name="down1"),
    *_residual("along1", "down1", 128, (1, 7)),
    *_residual("along2", "along1", 128, (1, 7)),
    *_residual("along3", "along2", 128, (1, 7)),
    *_residual("along4", "along3", 128, (1, 7)),
    _head("columns", BLANK + 1),
)

BESIDE: Final = {
    FINDER: Network(_FINDER, (32, 32, 3), folded=True),
    EXTRACTOR: Network(_EXTRACTOR, (16, 16, 3), folded=True),
    LINE_READER: Network(_LINE_READER, (32, COLUMN_STEP, 1), folded=True),
}


def find(name: str) -> Network:
    """Look up a network that classifies a digit.

    Raises:
        ValueError: If there is no network of this name.
    """
    if name not in NETWORKS:
        raise ValueError(f"Expected a network of {', '.join(NETWORKS)}. Received: name={name!r}")
    return NETWORKS[name]


def class_count(network: Network) -> int:
    """Return the number of outputs: 10, or 11 with "not a digit"."""
    *_, last = steps(network)
    return last.output_shape[0]


def parameter_count(network: Network) -> int:
    """Return the number of weights, including the statistics of batch normalization."""
    return sum(map(math.prod, shapes(network).values()))


def calibrated(network: Network, tensors: Tensors, temperature: float) -> Tensors:
    """Divide the weights of the last layer, and so its logits, by a temperature."""
    *_, last = steps(network)
    names = (f"{last.name}.kernel", f"{last.name}.bias")
    return tensors | {name: tensors[name] / np.float32(temperature) for name in names}
