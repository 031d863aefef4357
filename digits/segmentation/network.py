"""The finder's architecture, as data.

See `digits.layers`.
"""

from typing import Final

from digits.layers import Add, Conv, Double, Layer

PICTURE: Final = "picture"
"""What the first layer reads: `(N, 384, 384, 3)` float32 in `[0, 1]`."""

CLASSES: Final = 4
"""Nothing, ink of digits, other writing, lines and boxes."""


def block(name: str, source: str, filters: int) -> tuple[Layer, ...]:
    """Return a separable convolution that adds to what it reads."""
    return (
        Conv(f"{name}_step", source, filters, kernel=(5, 5), separable=True),
        Add(name, source, f"{name}_step"),
    )


def up(name: str, source: str, skip: str, filters: int) -> tuple[Layer, ...]:
    """Return layers that bring one level to the next finer one and add that level's own."""
    return (
        Conv(f"{name}_narrow", source, filters, kernel=(1, 1)),
        Double(f"{name}_double", f"{name}_narrow"),
        Add(name, f"{name}_double", skip),
    )


LAYERS: Final[tuple[Layer, ...]] = (
    Conv("stem", PICTURE, 16, kernel=(5, 5), stride=(2, 2)),
    Conv("down2", "stem", 24, stride=(2, 2)),
    Conv("body2_step", "down2", 24),
    Add("level2", "down2", "body2_step"),
    Conv("down3", "level2", 40, stride=(2, 2)),
    *block("body3", "down3", 40),
    *block("level3", "body3", 40),
    Conv("down4", "level3", 56, stride=(2, 2)),
    *block("body4", "down4", 56),
    *block("level4", "body4", 56),
    Conv("down5", "level4", 64, stride=(2, 2)),
    *block("body5", "down5", 64),
    *block("level5", "body5", 64),
    *up("up4", "level5", "level4", 56),
    *block("fine4", "up4", 56),
    *up("up3", "fine4", "level3", 40),
    *block("fine3", "up3", 40),
    *up("up2", "fine3", "level2", 24),
    Conv("fine2", "up2", 24),
    Conv("centre_step", "fine2", 16),
    Conv("centres", "centre_step", 2, kernel=(1, 1), head=True),
    *up("up1", "fine2", "stem", 16),
    Conv("fine1", "up1", 16),
    Conv("classes", "fine1", CLASSES, kernel=(1, 1), head=True),
)
"""The network; its outputs are `centres` (logit, log of the height) and `classes` (logits)."""

INPUTS: Final = {PICTURE: 3}
"""Channels of what the first layer reads."""
