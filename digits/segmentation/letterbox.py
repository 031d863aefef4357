"""Preparation of pictures for the finder and the extractor: squares, tiles and contrast."""

import itertools
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import border, resize
from digits.pictures import Picture
from digits.prediction import Box

SIDE: Final = 384
"""Height and width of the finder's input, in pixels."""

_MARGIN: Final = 8
"""Pixels around the picture: convolutions pad with black, which ink at the edge must not touch."""

_MAX_GAIN: Final = 4.0

_MAX_ASPECT: Final = 2.5
"""Aspect ratio above which a picture is cut into tiles, each with an aspect ratio of at least 2."""

_MIN_TILE: Final = 0.2
"""Minimum length of a tile, as a share of the picture's length."""

_OVERLAP: Final = 0.4
"""Minimum overlap of adjacent tiles, as a share of their length."""


class Letterbox(NamedTuple):
    """Position of a picture in the square.

    Attributes:
        scale: Pixels of the square per pixel of the picture.
        size: Height and width of the picture in the square.
        top: Rows above it.
        left: Columns to its left.
    """

    scale: float
    size: tuple[int, int]
    top: int
    left: int


def letterbox(height: int, width: int) -> Letterbox:
    """Return the position of a picture that is scaled to fit and centered."""
    scale = (SIDE - 2 * _MARGIN) / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return Letterbox(scale, size, (SIDE - size[0]) // 2, (SIDE - size[1]) // 2)


def stretch(picture: Picture) -> Picture:
    """Increase the contrast by at most `_MAX_GAIN`; white paper stays white."""
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
    """Scale a picture to fit the square and fill the rest with the median color of its border.

    Returns:
        `(SIDE, SIDE, 3)` uint8 RGB.
    """
    place = letterbox(*picture.shape[:2])
    small = in_color(resize(picture, place.scale))
    square = np.empty((SIDE, SIDE, 3), np.uint8)
    square[:] = np.median(border(small), axis=0)
    square[place.top : place.top + place.size[0], place.left : place.left + place.size[1]] = small
    return square


def tiles_of(height: int, width: int) -> list[tuple[Box, Box]]:
    """Cut a long picture into overlapping tiles.

    Returns:
        The box of each tile, and left, top, right and bottom of the part that it answers for; these
        parts cover the picture without overlap.
    """
    short, long = sorted((height, width))
    length = max(2 * short, round(_MIN_TILE * long)) if long > _MAX_ASPECT * short else long
    count = 1 + int(np.ceil((long - length) / ((1 - _OVERLAP) * length)))
    starts = [round(at) for at in np.linspace(0, long - length, count)]
    seams = [0, *((a + b + length) // 2 for a, b in itertools.pairwise(starts)), long]
    spans = zip(starts, seams[:-1], seams[1:], strict=True)
    if width > height:
        return [((at, 0, length, height), (first, 0, end, height)) for at, first, end in spans]
    return [((0, at, width, length), (0, first, width, end)) for at, first, end in spans]


def as_planes(picture: Picture) -> npt.NDArray[np.float32]:
    """Convert `(h, w, 3)` uint8 to `(1, 3, h, w)` float32 in `[0, 1]`."""
    return np.asarray(cv2.dnn.blobFromImage(picture, 1 / 255))
