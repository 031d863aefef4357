"""Ink and basic operations on it.

Arrays are height x width; ink is float32, 0 for paper and 1 for full ink.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

InkArray = npt.NDArray[np.float32]


class BlankPictureError(ValueError):
    """There is no ink in the picture."""


@dataclass(frozen=True)
class Ink:
    """The ink of a picture, or of a part of it.

    Attributes:
        array: `(h, w)` float32 in `[0, 1]`, 0 paper, 1 full ink.
        scale: Picture pixels per ink pixel; above 1 if the picture was reduced.
        corner: x and y of the top left corner, in picture pixels.
    """

    array: InkArray
    scale: float
    corner: tuple[int, int] = (0, 0)


def resize(
    image: npt.NDArray[Any], factor: float, enlarge: int = cv2.INTER_LINEAR
) -> npt.NDArray[Any]:
    """Scale an image, by area if `factor` is below 1, else by the interpolation `enlarge`."""
    size = [max(1, round(side * factor)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else enlarge)


def components(
    mask: npt.NDArray[np.bool_ | np.uint8],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Label the 8-connected components.

    Returns:
        `(h, w)` labels, 0 for the background; and `(n, 5)` left, top, width, height and area of
        each label.
    """
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return labels, boxes


def border(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the outermost pixels, one after the other."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def stroke_width(ink: InkArray) -> float:
    """Return the mean stroke width in pixels.

    Inside a stroke of width w, the distance to its edge averages w / 4.

    Args:
        ink: `(h, w)` float32 in `[0, 1]`, with some ink.
    """
    mask = np.pad((ink > 0.5 * ink.max()).astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    # The transform measures to the center of the nearest paper pixel, half a pixel too far.
    return float(4 * np.mean(distance[mask > 0] - 0.5))
