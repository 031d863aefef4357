"""What the layers of a network make of an image: feature maps, and features.

ReLU, pooling and averaging leave nothing below 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from digits.layers import Conv, Dense, GlobalAveragePool, MaxPool, Network, Step, steps

_MOST_MAPS: Final = 4
"""Layers of feature maps that are shown: the first, the last, and others evenly between them."""


@dataclass(frozen=True, eq=False)
class Activation:
    """The output of one layer for one image.

    Attributes:
        step: The layer in its place.
        values: `(C, H, W)` float32, a feature map for each channel, or `(C,)` features; at least 0.
    """

    step: Step
    values: npt.NDArray[np.float32]

    def quantized(self) -> npt.NDArray[np.uint8]:
        """Return `values` as uint8 of the same shape, 255 for the largest of all."""
        peak = float(self.values.max())
        scaled = self.values * (255 / peak) if peak > 0 else self.values
        return np.round(scaled).astype(np.uint8)


def visible_steps(network: Network) -> list[Step]:
    """Choose the layers of a network that are worth a look.

    Returns:
        Up to four layers of feature maps, then all layers of features before the answer.
    """
    all_steps = list(steps(network))
    maps = [step for step in all_steps if isinstance(step.layer, Conv | MaxPool)]
    places = np.linspace(0, len(maps) - 1, min(_MOST_MAPS, len(maps))).round().astype(int)
    features = [
        step for step in all_steps[:-1] if isinstance(step.layer, GlobalAveragePool | Dense)
    ]
    return [*(maps[place] for place in places), *features]
