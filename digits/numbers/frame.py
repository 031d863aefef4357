"""A line of ink in the frame that the line reader sees."""

from typing import Final

import cv2
import numpy as np

from digits.ink import InkArray

HEIGHT: Final = 32
"""Rows of the frame."""

FRAME_EDGE: Final = 8
"""Empty columns at both sides of the ink."""

_EDGE: Final = 2
"""Empty rows above and below."""

MAX_WIDTH: Final = 1024
"""Most columns; longer lines are made smaller."""

_STEP: Final = 4
"""The frame's width is a multiple of this."""


def fit_line(ink: InkArray) -> tuple[InkArray, float, int]:
    """Fit the ink of a line into the frame.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.

    Returns:
        `(HEIGHT, n)` float32 in `[0, 1]`; columns of it to one of the ink's; the first column of
        the ink that it shows, at `FRAME_EDGE`.
    """
    x, y, wide, tall = cv2.boundingRect((ink > 0).astype(np.uint8))
    scale = min((HEIGHT - 2 * _EDGE) / tall, (MAX_WIDTH - 2 * FRAME_EDGE) / wide)
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    columns = -(-(size[0] + 2 * FRAME_EDGE) // _STEP) * _STEP
    frame = np.zeros((HEIGHT, columns), np.float32)
    top = (HEIGHT - size[1]) // 2
    part = frame[top : top + size[1], FRAME_EDGE : FRAME_EDGE + size[0]]
    part[:] = cv2.resize(ink[y : y + tall, x : x + wide], size, interpolation=how)
    return frame, size[0] / wide, x
