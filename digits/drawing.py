"""Strokes of the drawing pad: parsing and rendering.

The browser sends the movements of the pen instead of pixels: a few hundred numbers are smaller than
a PNG, and the ink need not be separated from paper.

Coordinates are integers in pad units, x right, y down. The pad is 1000 units high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import InkArray

PAD_HEIGHT: Final = 1000
PAD_WIDTHS: Final = {"digit": 1000, "number": 2000}
"""Width of the pad by mode."""

MAX_POINTS: Final = 6000
"""Enough to cover about twenty pads with ink; the page stops the pen at the same number."""

MAX_BRUSH: Final = 200

INK_HEIGHT: Final = 320
"""Height of the rendered pad in pixels. The network sees digits 20 pixels high: one drawn over a
tenth of the pad still has more pixels than it needs."""

_SHIFT: Final = 4
"""Fractional bits of the coordinates passed to OpenCV."""


class StrokesError(ValueError):
    """The message is not a valid drawing of the pad."""


@dataclass(frozen=True)
class Stroke:
    """One stroke of the pen.

    Attributes:
        brush: Diameter of the pen in pad units.
        points: `(n, 2)` int32, x and y in pad units; one point is a dot.
    """

    brush: int
    points: npt.NDArray[np.int32]


def parse_strokes(message: object) -> list[Stroke]:
    """Validate and parse a drawing sent by the browser.

    Args:
        message: A list of strokes, each a flat list of integers: brush, x, y, x, y, ...

    Returns:
        The strokes, in drawing order.

    Raises:
        StrokesError: If the message has another form or too many points.
    """
    if not isinstance(message, list):
        raise StrokesError(f"Expected a list of strokes. Received: {type(message).__name__}")
    if sum(len(flat) for flat in message if isinstance(flat, list)) > 2 * MAX_POINTS + len(message):
        raise StrokesError(f"Expected at most {MAX_POINTS} points. Received: more")
    return [_parse_stroke(flat) for flat in message]


def _parse_stroke(flat: object) -> Stroke:
    if not isinstance(flat, list) or len(flat) < 3 or len(flat) % 2 == 0:
        raise StrokesError("Expected a stroke [brush, x, y, ...]. Received: another shape")
    # isinstance would accept bool.
    if not all(type(value) is int and abs(value) <= 4 * PAD_HEIGHT for value in flat):
        raise StrokesError("Expected integers on or near the pad. Received: something else")
    if not 1 <= flat[0] <= MAX_BRUSH:
        raise StrokesError(f"Expected a brush of 1 to {MAX_BRUSH}. Received: {flat[0]}")
    return Stroke(flat[0], np.asarray(flat[1:], np.int32).reshape(-1, 2))


def draw(strokes: Sequence[Stroke], pad_width: int = PAD_HEIGHT) -> InkArray:
    """Render strokes with a round pen, clipped to the pad.

    Returns:
        `(320, W)` float32 in `[0, 1]`, 0 paper, 1 ink, anti-aliased.
    """
    scale = INK_HEIGHT / PAD_HEIGHT
    plane = np.full((INK_HEIGHT, round(pad_width * scale)), 255, np.uint8)
    for stroke in strokes:
        points = np.round(stroke.points * (scale * 2**_SHIFT)).astype(np.int32)
        width = max(1, round(stroke.brush * scale))
        if len(points) == 1:
            radius = round(width / 2 * 2**_SHIFT)
            cv2.circle(plane, points[0].tolist(), radius, 0, cv2.FILLED, cv2.LINE_AA, _SHIFT)
        else:
            cv2.polylines(plane, [points], False, 0, width, cv2.LINE_AA, _SHIFT)  # noqa: FBT003 - OpenCV's order
    return np.float32(1) - plane.astype(np.float32) / np.float32(255)


def as_picture(ink: InkArray) -> npt.NDArray[np.uint8]:
    """Convert ink to a picture: `(h, w)` uint8, 255 paper, 0 ink."""
    return np.round(255 * (1 - ink)).astype(np.uint8)
