"""Outputs of a network's layers for an image: feature maps and features.

After ReLU, pooling and averaging, none is below 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from digits.layers import Conv, Dense, GlobalAveragePool, MaxPool, Network, Step, steps

_MAX_MAPS: Final = 4
"""Maximum number of layers with feature maps: the first, the last, and others evenly spaced."""


@dataclass(frozen=True, eq=False)
class Activation:
    """The output of one layer for one image.

    Attributes:
        step: The layer.
        values: `(C, H, W)` float32, one feature map per channel, or `(C,)` features; at least 0.
    """

    step: Step
    values: npt.NDArray[np.float32]

    def quantized(self) -> npt.NDArray[np.uint8]:
        """Return `values` as uint8 of the same shape, scaled so that the maximum is 255."""
        peak = float(self.values.max())
        scaled = self.values * (255 / peak) if peak > 0 else self.values
        return np.round(scaled).astype(np.uint8)


def visible_steps(network: Network) -> list[Step]:
    """Return the layers of a network to display.

    Returns:
        Up to four layers with feature maps, then all layers with features before the output.
    """
    all_steps = list(steps(network))
    maps = [step for step in all_steps if isinstance(step.layer, Conv | MaxPool)]
    places = np.linspace(0, len(maps) - 1, min(_MAX_MAPS, len(maps))).round().astype(int)
    features = [
        step for step in all_steps[:-1] if isinstance(step.layer, GlobalAveragePool | Dense)
    ]
    return [*(maps[place] for place in places), *features]
