"""Synthetic pages of handwritten digits and their surroundings, with exact labels."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage.util import montage


def log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    """Draw a number whose logarithm is uniform between those of `low` and `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def write_sheet(path: Path, tiles: Sequence[npt.NDArray[np.uint8]], columns: int) -> None:
    """Write images of one size, `(h, w)` or `(h, w, 3)` uint8 RGB, as a PNG sheet."""
    stack = np.stack(tiles)
    stack = stack.reshape(*stack.shape[:3], -1)
    grid, black = (-(-len(tiles) // columns), columns), [0] * stack.shape[-1]
    sheet = montage(stack, fill=black, grid_shape=grid, channel_axis=-1)
    cv2.imwrite(str(path), sheet[..., ::-1])
