"""Drawing of strokes, and variation of the pen in drawn ink.

Ink is drawn on a canvas `FINE` times finer than the network's image: `(SIDE, SIDE)` float32 in
`[0, 1]`, 0 paper, 1 full ink. Lengths are in its pixels unless noted otherwise.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray, stroke_width
from training.handwriting.strokes import Points, draw_line

FINE = 3
SIDE = 34 * FINE
CENTER = SIDE / 2


def as_ink(image: npt.NDArray[np.uint8]) -> InkArray:
    """Convert uint8, 255 ink, to float32 in `[0, 1]`."""
    return np.divide(image, 255, dtype=np.float32)


def draw_strokes(strokes: Sequence[Points], rng: np.random.Generator) -> InkArray:
    """Draw strokes from a box of about 100 x 100, centered and scaled like an MNIST digit."""
    size = 20 * FINE / 100
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    width = int(rng.uniform(1.2, 3.2) * FINE)
    for stroke in strokes:
        draw_line(canvas, (stroke - 50) * size + CENTER, width, shift=3)
    return as_ink(canvas)


def vary_stroke_width(ink: InkArray, rng: np.random.Generator) -> InkArray:
    """Vary the pen of drawn ink.

    The ink is kept, made slightly wider or thinner, redrawn with an even width from hairline to
    marker, or, rarely, reduced to its outline.
    """
    kind = rng.random()
    if kind < 0.35:
        return ink
    if kind < 0.6:
        kernel = _round(int(rng.integers(2, 2 + FINE)))
        if rng.random() < 0.5:
            return cv2.dilate(ink, kernel)
        # Keep the center of strokes that are thinner than the kernel.
        return np.maximum(cv2.erode(ink, kernel), skeleton(ink) * ink)
    if kind < 0.95:
        return cv2.dilate(skeleton(ink), _round(max(2, round(rng.uniform(0.8, 4.2) * FINE))))
    return cv2.dilate(ink, _round(4)) - cv2.erode(ink, _round(3))


def skeleton(ink: InkArray) -> InkArray:
    """Return the center lines of strokes of any width, 0 or 1."""
    mask = (ink > 0.45).astype(np.uint8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    reach = _round(max(3, round(stroke_width(ink))) if mask.any() else 3)
    return ((distance > 0) & (distance >= 0.8 * cv2.dilate(distance, reach))).astype(np.float32)


def break_strokes(ink: InkArray, rng: np.random.Generator) -> InkArray:
    """Erase one or two narrow gaps, as from a dry pen or a fold in the paper."""
    gap = np.ones_like(ink)
    for _ in range(int(rng.integers(1, 3))):
        ends = rng.uniform(0.15 * SIDE, 0.85 * SIDE, (2, 2)).astype(int)
        cv2.line(gap, ends[0].tolist(), ends[1].tolist(), 0.0, int(rng.integers(2, 6)))
    return ink * gap


def _round(diameter: int) -> npt.NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
