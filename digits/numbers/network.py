"""The line reader's architecture, as data; see `digits.layers`.

Strided convolutions bring the frame's 32 rows to one; what is left reads along the line.
"""

from typing import Final

from digits.layers import Add, Conv, Layer

LINE: Final = "line"
"""What the first layer reads: `(N, 32, w, 1)` float32 in `[0, 1]`."""

INPUTS: Final = {LINE: 1}
"""Channels of what the first layer reads."""

CLASSES: Final = 12
"""Ten digits, other writing, and nothing new: the blank of CTC."""

BLANK: Final = CLASSES - 1

COLUMN_STEP: Final = 2
"""Columns of the frame to one of the output."""


def _along(name: str, source: str, filters: int) -> tuple[Layer, ...]:
    """Return a separable convolution along the line that adds to what it reads."""
    return (
        Conv(f"{name}_step", source, filters, kernel=(1, 7), separable=True),
        Add(name, source, f"{name}_step"),
    )


LAYERS: Final[tuple[Layer, ...]] = (
    Conv("stem", LINE, 24, kernel=(5, 5), stride=(2, 2)),
    Conv("down8", "stem", 40, stride=(2, 1)),
    Conv("body8_step", "down8", 40),
    Add("body8", "down8", "body8_step"),
    Conv("down4", "body8", 72, stride=(2, 1)),
    Conv("body4_step", "down4", 72, kernel=(5, 5), separable=True),
    Add("body4", "down4", "body4_step"),
    Conv("down2", "body4", 96, stride=(2, 1)),
    Conv("body2_step", "down2", 96, kernel=(5, 5), separable=True),
    Add("body2", "down2", "body2_step"),
    Conv("down1", "body2", 128, stride=(2, 1)),
    *_along("along1", "down1", 128),
    *_along("along2", "along1", 128),
    *_along("along3", "along2", 128),
    *_along("along4", "along3", 128),
    Conv("columns", "along4", CLASSES, kernel=(1, 1), head=True),
)
"""The network; its output is `columns`: `(N, 1, w / 2, 12)` logits."""
