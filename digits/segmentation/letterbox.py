"""Any picture in the square that the finder sees, a long one in several."""

import itertools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from digits.pictures import Picture
from digits.prediction import Box

SIDE: Final = 384
"""Height and width in pixels of what the finder sees."""


_MARGIN: Final = 8
"""Pixels around the picture: convolutions pad with black, which ink at the edge must not meet."""

_MAX_GAIN: Final = 4.0

MAX_ASPECT: Final = 2.5
"""Length to breadth above which a picture is cut into tiles, twice as long as broad or longer."""

_LEAST_TILE: Final = 0.2
"""Least length of a tile as a share of the picture's."""

_OVERLAP: Final = 0.4
"""Least share of a tile that it has in common with the next."""


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
    scale = (SIDE - 2 * _MARGIN) / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return Letterbox(scale, size, (SIDE - size[0]) // 2, (SIDE - size[1]) // 2)


def stretch(picture: Picture) -> Picture:
    """Widen the range of levels by a gain of `_MAX_GAIN` at most; white paper stays white.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8.
    """
    low, high, _, _ = cv2.minMaxLoc(cv2.blur(picture, (3, 3)).reshape(len(picture), -1))
    span = high - low
    gain = min(_MAX_GAIN, 255 / max(span, 1))
    if gain < 1.05 or span > 254:
        return picture
    lowest = low * (255 - gain * span) / (255 - span)
    # OpenCV rounds and saturates.
    return cv2.addWeighted(picture, gain, picture, 0, lowest - gain * low)


def in_color(picture: Picture) -> Picture:
    """Return `(H, W, 3)` of a picture that may be `(H, W)`."""
    return picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)


def to_square(picture: Picture) -> Picture:
    """Scale a picture to fit the square; around it is the median colour of its rim.

    Args:
        picture: `(H, W)` or `(H, W, 3)` uint8.

    Returns:
        `(SIDE, SIDE, 3)` uint8 RGB.
    """
    place = letterbox(*picture.shape[:2])
    how = cv2.INTER_AREA if place.scale < 1 else cv2.INTER_LINEAR
    small = in_color(cv2.resize(picture, place.size[::-1], interpolation=how))
    square = np.empty((SIDE, SIDE, 3), np.uint8)
    rim = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    square[:] = np.median(rim, axis=0)
    square[place.top : place.top + place.size[0], place.left : place.left + place.size[1]] = small
    return square


def tiles_of(height: int, width: int) -> list[tuple[Box, Box]]:
    """Cut a long picture into tiles that overlap.

    Returns:
        For each tile its box, and left, top, right and bottom of what counts of it: each place of
        the picture counts in the tile that shows most around it.
    """
    short, long = sorted((height, width))
    if long <= MAX_ASPECT * short:
        return [((0, 0, width, height), (0, 0, width, height))]
    length = max(2 * short, round(_LEAST_TILE * long))
    count = 1 + int(np.ceil((long - length) / ((1 - _OVERLAP) * length)))
    starts = [round(at) for at in np.linspace(0, long - length, count)]
    seams = [0, *((a + b + length) // 2 for a, b in itertools.pairwise(starts)), long]
    tiles: list[tuple[Box, Box]] = []
    for start, (first, last) in zip(starts, itertools.pairwise(seams), strict=True):
        if width > height:
            tiles.append(((start, 0, length, height), (first, 0, last, height)))
        else:
            tiles.append(((0, start, width, length), (0, first, width, last)))
    return tiles


def as_planes(picture: Picture) -> npt.NDArray[np.float32]:
    """Turn `(h, w, 3)` uint8 into `(1, 3, h, w)` float32 in `[0, 1]`."""
    return np.asarray(cv2.dnn.blobFromImage(picture, 1 / 255))
