"""Any picture in the square that the finder sees."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from digits.ink import Picture

SIDE: Final = 384
"""Height and width in pixels of what the finder sees."""


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies in the square.

    Attributes:
        scale: Pixels of the square to one of the picture.
        size: Height and width of the picture in the square.
        top: Rows above it.
        left: Columns to its left.
    """

    scale: float
    size: tuple[int, int]
    top: int
    left: int


def letterbox(height: int, width: int) -> Letterbox:
    """Tell where a picture lies that is scaled to fit and put into the middle."""
    scale = SIDE / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return Letterbox(scale, size, (SIDE - size[0]) // 2, (SIDE - size[1]) // 2)


def boxed(picture: Picture) -> Picture:
    """Scale a picture to fit the square; around it is the median colour of its rim.

    Args:
        picture: `(H, W, 3)` uint8.

    Returns:
        `(SIDE, SIDE, 3)` uint8.
    """
    place = letterbox(*picture.shape[:2])
    how = cv2.INTER_AREA if place.scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, place.size[::-1], interpolation=how)
    square = np.empty((SIDE, SIDE, 3), np.uint8)
    rim = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    square[:] = np.median(rim, axis=0)
    square[place.top : place.top + place.size[0], place.left : place.left + place.size[1]] = small
    return square
