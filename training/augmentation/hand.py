"""Affine and elastic distortion of ink, as if written by another hand.

Ink is float32 in `[0, 1]`; the canvas is `(SIDE, SIDE)`.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray
from training.augmentation.pen import FINE, SIDE
from training.handwriting.strokes import rotation


def elastic_affine(
    ink: InkArray, scale: float, rng: np.random.Generator, strength: float = 1.0
) -> InkArray:
    """Slant, stretch, rotate, tilt and elastically distort `(h, w)` ink onto the fine canvas.

    Ink is centered; `scale` is the number of fine pixels per pixel of ink, and `strength` a factor
    for all distortions.
    """
    turn = rotation(np.radians(rng.normal(0, 7 * strength)))[:2, :2]
    slant, tilt = rng.normal(0, 0.14 * strength), rng.normal(0, 0.0012 * strength, 2)
    stretch = np.exp(rng.normal(0, 0.12 * strength))
    matrix = turn @ np.array([[stretch, slant], [0, 1 / stretch]]) / scale
    x, y = _GRID
    far = 1 + tilt[0] * x + tilt[1] * y
    waves = _waves(rng, rng.uniform(0, 1.5 * strength) * FINE)
    u, v = x / far + waves[0], y / far + waves[1]
    source_x = (matrix[0, 0] * u + matrix[0, 1] * v + (ink.shape[1] - 1) / 2).astype(np.float32)
    source_y = (matrix[1, 0] * u + matrix[1, 1] * v + (ink.shape[0] - 1) / 2).astype(np.float32)
    return cv2.remap(ink, source_x, source_y, cv2.INTER_LINEAR)


_OFFSETS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
_GRID = np.meshgrid(_OFFSETS, _OFFSETS)


def _waves(rng: np.random.Generator, amplitude: float) -> npt.NDArray[np.float32]:
    """Return a smooth random displacement, `(2, SIDE, SIDE)` (Simard, Steinkraus, Platt 2003)."""
    knots = int(rng.integers(4, 8))
    field = rng.normal(0, amplitude, (knots, knots, 2)).astype(np.float32)
    return cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
