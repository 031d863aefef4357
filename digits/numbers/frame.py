"""The frame in which the line reader sees a line of ink."""

from typing import Final

import cv2
import numpy as np

from digits.ink import InkArray, resize

HEIGHT: Final = 32
"""Rows of the frame."""

FRAME_EDGE: Final = 8
"""Empty columns on both sides of the ink."""

_EDGE: Final = 2
"""Empty rows above and below."""

MAX_WIDTH: Final = 1024
"""Maximum number of columns; longer lines are scaled down."""

_STEP: Final = 4
"""The frame's width is a multiple of this."""


def fit_line(ink: InkArray) -> tuple[InkArray, float, int]:
    """Fit the ink of a line into the frame.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.

    Returns:
        `(HEIGHT, n)` float32 in `[0, 1]`; its columns per column of the ink; and the first column
        of the ink that it shows, at `FRAME_EDGE`.
    """
    x, y, wide, tall = cv2.boundingRect((ink > 0).astype(np.uint8))
    scale = min((HEIGHT - 2 * _EDGE) / tall, (MAX_WIDTH - 2 * FRAME_EDGE) / wide)
    small = resize(ink[y : y + tall, x : x + wide], scale)
    rows, columns = small.shape
    top = (HEIGHT - rows) // 2
    frame = np.zeros((HEIGHT, -(-(columns + 2 * FRAME_EDGE) // _STEP) * _STEP), np.float32)
    frame[top : top + rows, FRAME_EDGE : FRAME_EDGE + columns] = small
    return frame, columns / wide, x
