"""What ink is, and how it is measured.

Arrays are height x width; ink is float32, 0 for paper and 1 for full ink.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.pictures import Picture

InkArray = npt.NDArray[np.float32]
Boxes = npt.NDArray[np.int32]
"""`(n, 5)`: left, top, width, height and area of connected components."""


_WORK_SIDE = 800
"""Larger pictures are reduced to this side: a digit of a tenth of it still has 80 pixels."""


class BlankPictureError(ValueError):
    """There is no ink in the picture."""


@dataclass(frozen=True)
class Ink:
    """What was written.

    Attributes:
        array: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
        scale: Picture pixels to one ink pixel; above 1 if the picture was reduced.
    """

    array: InkArray
    scale: float


def reduce(picture: Picture) -> tuple[Picture, float]:
    """Reduce a picture whose longer side is above `_WORK_SIDE` to that.

    Returns:
        `(h, w, depth)` uint8, and pixels of the picture to one of it.
    """
    scale = max(1.0, max(picture.shape[:2]) / _WORK_SIDE)
    planes = picture if picture.ndim == 3 else picture[..., None]
    if scale == 1:
        return planes, scale
    size = [max(1, round(length / scale)) for length in picture.shape[1::-1]]
    reduced = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    return reduced.reshape(*size[::-1], -1), scale


def components(mask: npt.NDArray[np.bool_ | np.uint8]) -> tuple[npt.NDArray[np.int32], Boxes]:
    """Label what is connected, diagonally too: `(h, w)` labels, and boxes; 0 is the background."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return labels, boxes


def border(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the outermost pixels, one after the other."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def full_contrast(contrast: InkArray) -> float:
    """Contrast in the middle of a stroke, from the values of all its pixels."""
    return float(np.quantile(contrast[:: 1 + contrast.size // 5000], 0.8))


def stroke_width(ink: InkArray) -> float:
    """Mean width of the strokes in pixels.

    Inside a stroke of width w the distance to its edge averages w / 4.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
    """
    mask = np.pad((ink > 0.5 * ink.max()).astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    # The transform measures to the centre of the nearest paper pixel, half a pixel too far.
    return float(4 * np.mean(distance[mask > 0] - 0.5))
